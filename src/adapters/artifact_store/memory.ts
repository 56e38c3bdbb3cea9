/** Artifacts in memory: for tests, and for services that are to leave nothing behind. */

import { checkArtifactKey, checkArtifactPrefix } from "../../core/artifact_key.ts";
import { cancelled } from "../../core/errors.ts";
import type { ArtifactStore } from "../../core/ports.ts";

/** What a memory store can be told. */
export interface MemoryArtifactOptions {
  /** Local clock − the store's clock in ms; default 0. Tests set it to play a store whose clock is off. */
  skewMs?: number;
}

/** An empty store that lives as long as the process. */
export function createMemoryArtifacts(options: MemoryArtifactOptions = {}): ArtifactStore {
  return new MemoryArtifacts(options.skewMs ?? 0);
}

class MemoryArtifacts implements ArtifactStore {
  readonly #objects = new Map<string, Uint8Array>();
  readonly #skewMs: number;
  #closed = false;

  constructor(skewMs: number) {
    this.#skewMs = skewMs;
  }

  get(key: string, range?: { start: number; end: number }): Promise<Uint8Array | null> {
    return Promise.try(() => {
      this.#checkOpen(`Reading ${key}`);
      checkArtifactKey(key);
      const bytes = this.#objects.get(key);
      if (bytes === undefined) return null;
      return range === undefined ? bytes.slice() : bytes.slice(range.start, Math.max(range.start, range.end));
    });
  }

  size(key: string): Promise<number | null> {
    return Promise.try(() => {
      this.#checkOpen(`Looking at ${key}`);
      checkArtifactKey(key);
      return this.#objects.get(key)?.length ?? null;
    });
  }

  putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean> {
    return Promise.try(() => {
      this.#checkOpen(`Writing ${key}`);
      checkArtifactKey(key);
      if (this.#objects.has(key)) return false;
      this.#objects.set(key, bytes.slice());
      return true;
    });
  }

  async *list(prefix: string): AsyncIterable<string> {
    this.#checkOpen(`Listing ${prefix}`);
    checkArtifactPrefix(prefix);
    yield* [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).sort(compareKeys);
  }

  skewMs(): Promise<number> {
    return Promise.resolve(this.#skewMs);
  }

  probe(): Promise<void> {
    return Promise.try(() => {
      this.#checkOpen("Probing the artifact store");
    });
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  #checkOpen(act: string): void {
    if (this.#closed) throw cancelled(act);
  }
}

/** Part by part, so that every store lists in the order in which a walk over folders comes by. */
function compareKeys(a: string, b: string): number {
  const [left, right] = [a.split("/"), b.split("/")];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] !== right[i]) return left[i] < right[i] ? -1 : 1;
  }
  return left.length - right.length;
}
