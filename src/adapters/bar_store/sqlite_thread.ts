/**
 * The one thread of a process that writes to the file. It is started with the first write, so that a command that only
 * reads never pays for it. Where its module cannot be loaded (a bundle of one file, no permission to read the program's
 * own folder), the same writer works in the thread that asks: slower for everybody else, never wrong.
 */

import { statSync } from "node:fs";
import { buffersOf, unpackError } from "./sqlite_messages.ts";
import type { FromWriter, ToWriter, WriteOperation, WriteResult } from "./sqlite_messages.ts";
import { SqliteWriter } from "./sqlite_writer.ts";

/** Writes batches, one at a time; each operation gets its result. `run` rejects when the writer itself is gone. */
export interface BatchWriter {
  run(batch: WriteOperation[]): Promise<WriteResult[]>;
  close(): Promise<void>;
}

const MODULE = new URL("./sqlite_worker.ts", import.meta.url);

/** Rejects with `STORE_UNAVAILABLE` when the file cannot be written to. */
export async function startWriter(path: string): Promise<BatchWriter> {
  if (!isReadable(MODULE)) return inThisThread(path);
  const thread = new WriterThread();
  const answer = await thread.ask({ open: { path } });
  if ("opened" in answer && "error" in answer.opened) {
    thread.end();
    throw unpackError(answer.opened.error);
  }
  if ("opened" in answer) return thread;
  thread.end();
  return inThisThread(path);
}

/** Asked beforehand, because a thread whose module is missing complains on stderr whatever one does. */
function isReadable(module: URL): boolean {
  const isAllowed = Deno.permissions.querySync({ name: "read", path: module }).state === "granted";
  return isAllowed && statSync(module, { throwIfNoEntry: false }) !== undefined;
}

/** What the thread says, or that it ended. */
type Answer = FromWriter | { ended: string };

class WriterThread implements BatchWriter {
  readonly #worker: Worker;
  #answered: (answer: Answer) => void = () => {};
  #ended: string | null = null;

  constructor() {
    this.#worker = new Worker(MODULE, { type: "module" });
    this.#worker.onmessage = ({ data }: MessageEvent<FromWriter>) => this.#answered(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#ended = event.message;
      this.#answered({ ended: event.message });
    };
  }

  ask(message: ToWriter, handedOver: ArrayBuffer[] = []): Promise<Answer> {
    if (this.#ended !== null) return Promise.resolve({ ended: this.#ended });
    return new Promise((resolve) => {
      this.#answered = resolve;
      this.#worker.postMessage(message, handedOver);
    });
  }

  async run(batch: WriteOperation[]): Promise<WriteResult[]> {
    const answer = await this.ask({ batch }, buffersOf(batch));
    if ("results" in answer) return answer.results;
    const why = "ended" in answer ? answer.ended : "it answered another question";
    this.end();
    throw new Error(`the writing thread ended: ${why}`);
  }

  async close(): Promise<void> {
    await this.ask({ close: true });
    this.end();
  }

  end(): void {
    this.#worker.terminate();
  }
}

function inThisThread(path: string): BatchWriter {
  const writer = new SqliteWriter(path);
  return {
    run: (batch) => Promise.resolve(writer.run(batch)),
    close: () => Promise.resolve(writer.close()),
  };
}
