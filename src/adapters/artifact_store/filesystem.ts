/**
 * Artifacts as files below one root folder.
 *
 * Promises: an object is there whole or not at all, it never changes, and once `putIfAbsent` has answered it
 * survives a loss of power. Bytes go to a temporary file, are synced, and get their name by link(2), which is atomic
 * and refuses a name that is taken; then the folder is synced. Two processes on one root are safe.
 */

import { dirname, join } from "node:path";
import { checkArtifactKey, checkArtifactPrefix } from "../../core/artifact_key.ts";
import { cancelled, HistoryError } from "../../core/errors.ts";
import type { ArtifactStore, Clock, Dice } from "../../core/ports.ts";

/** Temporary files live in the root under a name that no key can have. */
const OWN_FOLDER = ".tmp";
/** A temporary file so old belongs to no living writer: its process was killed. */
const LEFTOVER_MS = 86_400_000;
const OPEN_READ = { read: true } as const;

/** What the store is made of. */
export interface FilesystemOptions {
  /** A folder that need not be there yet. */
  root: string;
  /** The local wall clock: for `skewMs`, and for how old a temporary file is. */
  clock: Clock;
  /** Names temporary files; of two processes on one root no two names may be the same. */
  dice: Dice;
}

/** A store below a folder. */
export function createFilesystemArtifacts(options: FilesystemOptions): ArtifactStore {
  return new FilesystemArtifacts(options);
}

class FilesystemArtifacts implements ArtifactStore {
  readonly #root: string;
  readonly #clock: Clock;
  readonly #dice: Dice;
  /** Folders known to be there and durable. */
  readonly #folders = new Set<string>();
  #closed = false;

  constructor({ root, clock, dice }: FilesystemOptions) {
    this.#root = root;
    this.#clock = clock;
    this.#dice = dice;
  }

  async get(key: string, range?: { start: number; end: number }): Promise<Uint8Array | null> {
    const path = this.#path(key, "Reading");
    try {
      return range === undefined ? await Deno.readFile(path) : await readPart(path, range);
    } catch (error) {
      if (isAbsent(error)) return null;
      throw unavailable(`Cannot read artifact ${key}`, error);
    }
  }

  async size(key: string): Promise<number | null> {
    const path = this.#path(key, "Looking at");
    try {
      const info = await Deno.stat(path);
      return info.isFile ? info.size : null;
    } catch (error) {
      if (isAbsent(error)) return null;
      throw unavailable(`Cannot look at artifact ${key}`, error);
    }
  }

  async putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean> {
    const path = this.#path(key, "Writing");
    if (await this.size(key) !== null) return false;
    try {
      return await this.#publish(path, bytes);
    } catch (error) {
      throw unavailable(`Cannot write artifact ${key}`, error);
    }
  }

  async *list(prefix: string): AsyncIterable<string> {
    checkArtifactPrefix(prefix);
    this.#checkOpen(`Listing ${prefix}`);
    try {
      yield* walk(join(this.#root, prefix), prefix);
    } catch (error) {
      throw unavailable(`Cannot list artifacts below ${prefix}`, error);
    }
  }

  /** The file system stamps a new file with its own clock. */
  async skewMs(): Promise<number> {
    this.#checkOpen("Asking the artifact store for its clock");
    try {
      const temporary = await this.#writeTemporary(new Uint8Array(1));
      const { mtime } = await Deno.stat(temporary);
      const nowMs = this.#clock.nowMs();
      await Deno.remove(temporary);
      return mtime === null ? 0 : nowMs - mtime.getTime();
    } catch (error) {
      throw unavailable("Cannot ask the artifact store for its clock", error);
    }
  }

  /** Writes a throw-away file and tries to write it again: the second must be refused. Also sweeps what killed writers left. */
  async probe(): Promise<void> {
    this.#checkOpen("Probing the artifact store");
    const path = join(this.#root, OWN_FOLDER, `probe-${this.#dice.id()}`);
    try {
      const first = await this.#publish(path, new Uint8Array([1]));
      const second = await this.#publish(path, new Uint8Array([2]));
      const kept = await Deno.readFile(path);
      await Deno.remove(path);
      if (!first || second || kept[0] !== 1) {
        throw new Error("put-if-absent is ignored: a second writer replaced an object");
      }
      await this.#sweep();
    } catch (error) {
      throw unavailable(`Cannot use ${this.#root} for artifacts`, error);
    }
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  async #publish(path: string, bytes: Uint8Array): Promise<boolean> {
    await this.#ensureFolder(dirname(path));
    const temporary = await this.#writeTemporary(bytes);
    try {
      await Deno.link(temporary, path);
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return false;
      throw error;
    } finally {
      await Deno.remove(temporary);
      // Also when another writer won: what is reported to be there must stay there, even if that writer dies now.
      await syncFolder(dirname(path));
    }
  }

  async #writeTemporary(bytes: Uint8Array): Promise<string> {
    await this.#ensureFolder(join(this.#root, OWN_FOLDER));
    const path = join(this.#root, OWN_FOLDER, this.#dice.id());
    using file = await Deno.open(path, { write: true, createNew: true });
    try {
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      await file.sync();
    } catch (error) {
      // Most of all a full disk: what was written of it must not keep it full.
      await Deno.remove(path);
      throw error;
    }
    return path;
  }

  /** A new folder is durable only once its parent is synced, up to the first one that was there before. */
  async #ensureFolder(path: string): Promise<void> {
    if (this.#folders.has(path)) return;
    if (!await isFolder(path)) {
      const parent = dirname(path);
      if (parent !== path) await this.#ensureFolder(parent);
      await makeFolder(path);
      await syncFolder(parent);
    }
    this.#folders.add(path);
  }

  async #sweep(): Promise<void> {
    const folder = join(this.#root, OWN_FOLDER);
    for await (const entry of Deno.readDir(folder)) {
      const path = join(folder, entry.name);
      try {
        const { mtime } = await Deno.stat(path);
        if (mtime !== null && this.#clock.nowMs() - mtime.getTime() > LEFTOVER_MS) await Deno.remove(path);
      } catch (error) {
        // Its own writer, or another process that sweeps, was faster.
        if (!isAbsent(error)) throw error;
      }
    }
  }

  #path(key: string, act: string): string {
    this.#checkOpen(`${act} ${key}`);
    checkArtifactKey(key);
    return join(this.#root, key);
  }

  #checkOpen(act: string): void {
    if (this.#closed) throw cancelled(act);
  }
}

async function readPart(path: string, { start, end }: { start: number; end: number }): Promise<Uint8Array> {
  using file = await Deno.open(path, OPEN_READ);
  const { size, isFile } = await file.stat();
  if (!isFile) throw new Deno.errors.NotFound(`${path} is no file`);
  const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start));
  await file.seek(start, Deno.SeekMode.Start);
  let at = 0;
  while (at < bytes.length) {
    const read = await file.read(bytes.subarray(at));
    if (read === null) break;
    at += read;
  }
  return bytes.subarray(0, at);
}

/** Files below a folder, part by part in ascending order; names with a leading dot are the store's own. */
async function* walk(folder: string, prefix: string): AsyncIterable<string> {
  const entries: Deno.DirEntry[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) entries.push(entry);
  } catch (error) {
    if (isAbsent(error)) return;
    throw error;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (entry.name.startsWith(".")) continue;
    if (entry.isDirectory) yield* walk(join(folder, entry.name), `${prefix}${entry.name}/`);
    else if (entry.isFile) yield prefix + entry.name;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path);
  } catch (error) {
    // Another process made it in between.
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

/** Makes names in a folder durable. Windows has no such call, and its file systems journal names themselves. */
async function syncFolder(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using folder = await Deno.open(path, OPEN_READ);
  await folder.sync();
}

/** Nothing is there; nothing can be there under a name that is too long for the file system either. */
function isAbsent(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory ||
    error instanceof Deno.errors.IsADirectory ||
    (error instanceof Error && "code" in error && error.code === "ENAMETOOLONG");
}

function unavailable(act: string, cause: unknown): HistoryError {
  if (cause instanceof HistoryError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new HistoryError("ARTIFACT_STORE_UNAVAILABLE", `${act}: ${why}`, {
    hint:
      "seamless.artifact.object_store_uri must name a folder that this user can write, on a disk with room " +
      "left and a file system that knows hard links",
    retryAfter: 10,
    cause,
  });
}
