/** Where data lies: relative paths count from the configuration file's folder, else from the working directory. */

import { accessSync, constants, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Config } from "./keys.ts";

/** Absolute places of a configuration. */
export interface DataPaths {
  /** The SQLite file of the hot store; null for other stores. */
  barsFile: string | null;
  /** The folder of snapshots; null for other stores. */
  artifactFolder: string | null;
  /** Where small things such as markets are kept between runs; null when nothing is kept on disk. */
  dataFolder: string | null;
}

/** The absolute places that `config` names, seen from `baseDir`. */
export function dataPathsOf(config: Config, baseDir: string): DataPaths {
  const barsFile = sqliteFile(config.storage.bars, baseDir);
  const artifactFolder = folderOf(config.seamless.artifact.object_store_uri, baseDir);
  return { barsFile, artifactFolder, dataFolder: barsFile === null ? null : dirname(barsFile) };
}

/** The values of `config` that name places, made absolute. */
export function absoluteValues(paths: DataPaths): Map<string, string> {
  const values = new Map<string, string>();
  if (paths.barsFile !== null) values.set("storage.bars", `sqlite:${paths.barsFile}`);
  if (paths.artifactFolder !== null) values.set("seamless.artifact.object_store_uri", paths.artifactFolder);
  return values;
}

function sqliteFile(uri: string, baseDir: string): string | null {
  if (!uri.startsWith("sqlite:")) return null;
  // `sqlite:///data/bars.db` is how other tools write an absolute path.
  return resolve(baseDir, uri.slice("sqlite:".length).replace(/^\/\/+(?=\/)/, ""));
}

function folderOf(uri: string, baseDir: string): string | null {
  if (/^s3:\/\//.test(uri)) return null;
  return uri.startsWith("file:") ? fileURLToPath(uri) : resolve(baseDir, uri);
}

/**
 * Says why nothing can be written at `place`, a folder or a file that need not be there yet; null when all is well,
 * or when looking is not permitted (the store's own probe will tell).
 */
export function whyNotWritable(place: string, kind: "folder" | "file"): string | null {
  const found = nearestExisting(place);
  if (found === null) return null;
  if (found.path === place && kind === "file") {
    return found.isFolder ? "is a folder, not a file" : refusal(place);
  }
  if (!found.isFolder) {
    return found.path === place ? "is a file, not a folder" : `${found.path} is a file, not a folder`;
  }
  return refusal(found.path);
}

/** The longest existing beginning of a path; null where looking is not permitted. */
function nearestExisting(place: string): { path: string; isFolder: boolean } | null {
  for (let path = place;; path = dirname(path)) {
    try {
      return { path, isFolder: statSync(path).isDirectory() };
    } catch (error) {
      const code = codeOf(error);
      if (code !== "ENOENT" && code !== "ENOTDIR") return null;
      if (dirname(path) === path) return null;
    }
  }
}

function refusal(path: string): string | null {
  try {
    accessSync(path, constants.W_OK);
    return null;
  } catch (error) {
    return codeOf(error) === "EACCES" || codeOf(error) === "EROFS" ? `${path} may not be written` : null;
  }
}

/** The code of a file system's refusal; anything else is a fault of ours and is thrown on. */
function codeOf(error: unknown): string {
  if (error instanceof Deno.errors.NotCapable) return "NOT_CAPABLE";
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== "string") throw error;
  return code;
}
