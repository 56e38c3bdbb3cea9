/**
 * What travels between the main thread and the writing thread: batches of operations, and one result for each, in
 * order. Rows travel as their canonical bytes, handed over rather than copied.
 */

import { HistoryError } from "../../core/errors.ts";
import type { ErrorCode } from "../../core/errors.ts";
import type { NodeRecord, WindowWrite } from "../../core/ports.ts";
import { decodeRows, encodeRows } from "../../core/stored_chunk.ts";

/** What SQLite takes and gives. */
export type SqlValue = string | number | null | Uint8Array;

/** One statement; its rows come back as arrays, in the order of its columns. */
export interface SqlStep {
  sql: string;
  params: SqlValue[];
}

/** A window write whose frames are bytes. */
export type PackedWrite = Omit<WindowWrite, "final" | "provisional"> & {
  final: Uint8Array<ArrayBuffer>;
  provisional: Uint8Array<ArrayBuffer>;
};

/** `steps` run one after the other in one transaction: all of them, or none. */
export type WriteOperation =
  | { kind: "ensure"; record: NodeRecord }
  | { kind: "commit"; write: PackedWrite }
  | { kind: "steps"; steps: SqlStep[] };

/** An expected failure, as plain data. */
export interface PackedError {
  code: ErrorCode;
  message: string;
  hint: string;
  retryAfter?: number;
}

export type WriteResult = { value: unknown } | { error: PackedError };

/** To the writing thread: where the file is, then batches; `close` ends it. */
export type ToWriter = { open: { path: string } } | { batch: WriteOperation[] } | { close: true };

/** From the writing thread: one answer for each message. */
export type FromWriter = { opened: WriteResult } | { results: WriteResult[] } | { closed: true };

export function packWrite(write: WindowWrite): PackedWrite {
  return { ...write, final: encodeRows(write.final), provisional: encodeRows(write.provisional) };
}

export function unpackWrite(write: PackedWrite): WindowWrite {
  return { ...write, final: decodeRows(write.final), provisional: decodeRows(write.provisional) };
}

/** Buffers of the batch that are handed over. */
export function buffersOf(batch: readonly WriteOperation[]): ArrayBuffer[] {
  return batch.flatMap((operation) =>
    operation.kind === "commit" ? [operation.write.final.buffer, operation.write.provisional.buffer] : []
  );
}

export function packError({ code, message, hint, retryAfter }: HistoryError): PackedError {
  return { code, message, hint, retryAfter };
}

export function unpackError({ code, message, hint, retryAfter }: PackedError): HistoryError {
  return new HistoryError(code, message, { hint, retryAfter });
}
