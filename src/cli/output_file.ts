/** Writes a result to a file that appears whole or not at all: a temporary file beside it, flushed, then renamed. */

import { basename, dirname, join, resolve } from "node:path";
import { HistoryError } from "../core/errors.ts";
import type { Sink } from "./surroundings.ts";

/** A file being written. */
export interface OutputFile extends Sink {
  /** Makes it visible under its name. */
  keep(): Promise<void>;
  /** Leaves nothing behind. */
  discard(): Promise<void>;
}

/** Opens `path` (relative to `cwd`) for writing. `BAD_REQUEST` when nothing can be written there. */
export async function openOutputFile(path: string, cwd: string): Promise<OutputFile> {
  const target = resolve(cwd, path);
  const special = await existingKind(target, path) === "special";
  // Pipes and devices have no halves: they are written as they are.
  const temporary = special
    ? target
    : join(dirname(target), `.${basename(target)}.${crypto.randomUUID()}.part`);
  const file = await opening(
    path,
    () => Deno.open(temporary, special ? { write: true } : { write: true, createNew: true }),
  );
  return {
    isTerminal: false,
    columns: () => 0,
    async write(bytes) {
      await opening(path, async () => {
        for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      });
    },
    async keep() {
      if (!special) await opening(path, () => file.sync());
      file.close();
      if (!special) await opening(path, () => Deno.rename(temporary, target));
    },
    async discard() {
      file.close();
      if (!special) await Deno.remove(temporary);
    },
  };
}

/** Refuses a place where nothing could be written in the end, before hours are spent on what should go there. */
export async function checkOutputPlace(path: string, cwd: string): Promise<void> {
  const target = resolve(cwd, path);
  if (await existingKind(target, path) !== "none") return;
  const folder = await opening(path, () => Deno.stat(dirname(target)));
  if (!folder.isDirectory) throw unwritable(path, "part of its path is a file", "Choose another place");
}

/** What stands at the path already; a folder is refused. */
async function existingKind(target: string, path: string): Promise<"file" | "special" | "none"> {
  try {
    const { isDirectory, isFile } = await Deno.stat(target);
    if (isDirectory) throw unwritable(path, "it is a folder", "Name a file in it");
    return isFile ? "file" : "special";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "none";
    throw error instanceof HistoryError ? error : explained(path, error);
  }
}

async function opening<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw explained(path, error);
  }
}

/** The failures of a file system that a user can mend; any other is thrown on as it is. */
function explained(path: string, error: unknown): unknown {
  if (error instanceof Deno.errors.NotFound) {
    return unwritable(path, "its folder does not exist", `Make it first: mkdir -p ${dirname(path)}`);
  }
  const isReadOnly = error instanceof Error && "code" in error && error.code === "EROFS";
  if (
    error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable || isReadOnly
  ) {
    return unwritable(path, "it may not be written", "Choose a place that you can write to");
  }
  if (error instanceof Deno.errors.NotADirectory) {
    return unwritable(path, "part of its path is a file", "Choose another place");
  }
  if (error instanceof Error && "code" in error && FULL.has(error.code)) {
    const hint = "Free some space, or write to another disk; nothing half-written stays under that name";
    return new HistoryError("STORE_UNAVAILABLE", `Cannot write ${path}: the disk is full`, {
      hint,
      cause: error,
    });
  }
  return error;
}

/** No space left, and the user's share of it used up. */
const FULL: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT"]);

function unwritable(path: string, why: string, hint: string): HistoryError {
  return new HistoryError("BAD_REQUEST", `Cannot write ${path}: ${why}`, { hint });
}
