/**
 * What can be wrong with the file, the folder or the disk below SQLite, in words that say the way out. The driver's
 * errors carry little but a message, so the message is what they are told apart by.
 */

import { HistoryError } from "../../core/errors.ts";

const FAULTS: readonly { pattern: RegExp; what: string; hint: string; retryAfter?: number }[] = [
  {
    pattern: /requires (read|write) access|permission denied|EACCES|NotCapable/i,
    what: "the program may not read or write there",
    hint:
      "Give this user write access to the folder (under Deno also --allow-read and --allow-write for it), " +
      "or point storage.bars elsewhere",
  },
  {
    pattern: /database is locked|database table is locked|SQLITE_BUSY/i,
    what: "another process holds its write lock",
    hint: "Wait for the other process, or end it, and try again",
    retryAfter: 1,
  },
  {
    pattern: /database or disk is full|ENOSPC|no space left|StorageFull/i,
    what: "the disk is full",
    hint: "Free some space, or point storage.bars at a larger disk; what was written before is whole",
    retryAfter: 60,
  },
  {
    pattern: /readonly database|read-only file system|EROFS|ReadOnlyFilesystem/i,
    what: "it is read-only",
    hint:
      "Make the file, its folder and the -wal and -shm files beside it writable, or point storage.bars elsewhere",
  },
  {
    pattern: /file is not a database|disk image is malformed|malformed database schema/i,
    what: "it is damaged, or no SQLite file at all",
    hint: "Move it away: the next fill makes a new one, and published snapshots are not touched by this",
  },
  {
    pattern: /is a directory|EISDIR/i,
    what: "it is a folder",
    hint: "Name a file in storage.bars, such as sqlite:./data/bars.db",
  },
  {
    pattern: /unable to open database file|not a directory|ENOTDIR|NotADirectory|EEXIST|already exists/i,
    what: "it cannot be opened or made",
    hint: "See that its folder exists, is a folder, and can be written to, or point storage.bars elsewhere",
  },
  {
    pattern: /moved or deleted|ENOENT/i,
    what: "it is not where it was opened",
    hint: "Stop everything that uses it, put the file back (or let a new one be made), and start again",
  },
  {
    pattern: /journal mode stays/i,
    what: "its file system cannot share memory between processes",
    hint: "Put the file on a disk of this machine, not on a network drive",
  },
  {
    pattern: /disk I\/O error/i,
    what: "the disk failed to read or write",
    hint: "See that the disk is well and the file was not moved or deleted while in use, then start again",
  },
];

/** The failure as `STORE_UNAVAILABLE`; a `HistoryError` stays what it is. `act` reads like "open" or "write to". */
export function storeFault(error: unknown, { act, path }: { act: string; path: string }): HistoryError {
  if (error instanceof HistoryError) return error;
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const fault = FAULTS.find(({ pattern }) => pattern.test(text));
  return new HistoryError(
    "STORE_UNAVAILABLE",
    `Cannot ${act} the bar store ${path}: ${fault?.what ?? "SQLite failed"} (${detailOf(error)})`,
    {
      hint: fault?.hint ?? "Run `seamless doctor`; if it stays, move the file away and fill again",
      retryAfter: fault?.retryAfter,
      cause: error,
    },
  );
}

function detailOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether SQLite said it, rather than a fault of the program. */
export function isSqliteError(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_SQLITE_ERROR";
}

/** Whether the medium failed, rather than one statement: then nothing of the transaction can be trusted. */
export function isMediumFault(error: unknown): boolean {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return FAULTS.some(({ pattern }) => pattern.test(text));
}
