/**
 * One SQLite file of one process: a connection that reads, here, and one that writes, in a thread of its own.
 *
 * Writes queue up while the writing thread works and go over together, so that many small writes cost few
 * transactions. Readers never wait for writers (WAL). The thread starts with the first write: a command that only reads
 * never pays for it. Every failure of the medium is `STORE_UNAVAILABLE` and names the path.
 */

import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { HistoryError } from "../../core/errors.ts";
import { SQLITE_READ_WAIT_MS, SQLITE_WRITE_WAIT_MS, STORE_BATCH_MAX } from "../../core/limits.ts";
import { storeClosed } from "./refusals.ts";
import { storeFault } from "./sqlite_faults.ts";
import { buffersOf, unpackError } from "./sqlite_messages.ts";
import type {
  FromWriter,
  SqlStep,
  SqlValue,
  ToWriter,
  WriteOperation,
  WriteResult,
} from "./sqlite_messages.ts";
import { migrate, SCHEMA_VERSION, schemaOf } from "./sqlite_schema.ts";
import { Statements } from "./sqlite_statements.ts";

interface Waiting {
  operation: WriteOperation;
  settle: (result: WriteResult) => void;
}

/** Opens the file, and makes its folder, the file and its tables where they lack. */
export function openSqliteFile(path: string): SqliteFile {
  try {
    mkdirSync(dirname(path), { recursive: true });
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw new Error("it is a directory");
    const reader = isCurrent(path) ? openReader(path) : prepare(path);
    return new SqliteFile(path, reader);
  } catch (error) {
    throw storeFault(error, { act: "open", path });
  }
}

function openReader(path: string): DatabaseSync {
  return new DatabaseSync(path, { readOnly: true, timeout: SQLITE_READ_WAIT_MS });
}

function isCurrent(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return false;
  const db = openReader(path);
  try {
    return schemaOf(db, path) === SCHEMA_VERSION;
  } finally {
    db.close();
  }
}

/** The reader is opened before the connection that made the tables closes: it finds the log of a live file. */
function prepare(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: SQLITE_WRITE_WAIT_MS });
  try {
    db.exec("PRAGMA journal_mode = WAL");
    migrate(db, path);
    return openReader(path);
  } finally {
    db.close();
  }
}

/** The open file. `close` writes what is queued, ends the thread and gives both connections back. */
export class SqliteFile {
  readonly path: string;
  readonly #reader: DatabaseSync;
  readonly #sql: Statements;
  #users = 0;
  #worker: Worker | null = null;
  #answered: (answer: FromWriter) => void = () => {};
  #queue: Waiting[] = [];
  #pumping: Promise<void> | null = null;
  #broken: HistoryError | null = null;
  #closing: Promise<void> | null = null;

  constructor(path: string, reader: DatabaseSync) {
    this.path = path;
    this.#reader = reader;
    this.#sql = new Statements(reader);
  }

  /** Says that one more port stands on this file; each of them calls `release` once, and the last one closes it. */
  retain(): void {
    this.#users++;
  }

  async release(): Promise<void> {
    this.#users--;
    if (this.#users <= 0) await this.close();
  }

  /** Reads in one go, synchronously: `work` must be short. What it throws becomes `STORE_UNAVAILABLE`. */
  read<T>(work: (sql: Statements) => T): T {
    if (this.#closing !== null) throw storeClosed();
    try {
      return work(this.#sql);
    } catch (error) {
      throw storeFault(error, { act: "read", path: this.path });
    }
  }

  /** Changes with every write of anybody to the file; means nothing to another process. */
  dataVersion(): number {
    return this.read((sql) => sql.first("PRAGMA data_version")![0] as number);
  }

  /** Runs the statements in one transaction, all or none, and resolves with the rows of each. */
  async transact(steps: SqlStep[]): Promise<SqlValue[][][]> {
    return await this.write({ kind: "steps", steps }) as SqlValue[][][];
  }

  /** Resolves when the operation is committed. */
  write(operation: WriteOperation): Promise<unknown> {
    if (this.#closing !== null) return Promise.reject(storeClosed());
    return new Promise((resolve, reject) => {
      const settle = (result: WriteResult) =>
        "value" in result ? resolve(result.value) : reject(unpackError(result.error));
      this.#queue.push({ operation, settle });
      // Whatever else is written in this turn of the event loop goes along in the same transaction.
      this.#pumping ??= Promise.resolve().then(() => this.#pump());
    });
  }

  /** Throws that the file does not do what a store must. */
  fault(what: string): never {
    throw storeFault(new Error(what), { act: "use", path: this.path });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#pumping;
    if (this.#worker !== null) {
      if (this.#broken === null) await this.#ask({ close: true });
      this.#worker.terminate();
    }
    this.#reader.close();
  }

  async #pump(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, STORE_BATCH_MAX);
      const results = await this.#send(batch.map(({ operation }) => operation));
      batch.forEach(({ settle }, i) => settle(results[i]));
    }
    this.#pumping = null;
  }

  async #send(batch: WriteOperation[]): Promise<WriteResult[]> {
    try {
      if (this.#worker === null) await this.#start();
      if (this.#broken !== null) throw this.#broken;
      const answer = await this.#ask({ batch }, buffersOf(batch));
      if ("results" in answer) return answer.results;
      throw new Error("the writing thread answered another question");
    } catch (error) {
      const { code, message, hint } = storeFault(error, { act: "write to", path: this.path });
      return batch.map(() => ({ error: { code, message, hint } }));
    }
  }

  async #start(): Promise<void> {
    const worker = new Worker(new URL("./sqlite_worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<FromWriter>) => this.#answered(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(new Error(`its writing thread ended: ${event.message}`));
    };
    this.#worker = worker;
    const answer = await this.#ask({ open: { path: this.path } });
    if ("opened" in answer && "error" in answer.opened) {
      worker.terminate();
      this.#worker = null;
      throw unpackError(answer.opened.error);
    }
  }

  #fail(error: Error): void {
    this.#broken = storeFault(error, { act: "write to", path: this.path });
    const packed = { code: this.#broken.code, message: this.#broken.message, hint: this.#broken.hint };
    this.#answered({ opened: { error: packed } });
  }

  #ask(message: ToWriter, handedOver: ArrayBuffer[] = []): Promise<FromWriter> {
    return new Promise((resolve) => {
      this.#answered = resolve;
      this.#worker!.postMessage(message, handedOver);
    });
  }
}
