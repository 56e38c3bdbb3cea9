/** The writing thread: opens the file it is told, answers each message with one message, ends when it is told. */

import { HistoryError } from "../../core/errors.ts";
import { packError } from "./sqlite_messages.ts";
import type { FromWriter, ToWriter } from "./sqlite_messages.ts";
import { SqliteWriter } from "./sqlite_writer.ts";

/** What a worker sees of its own thread; the types of a page's window stand in the way otherwise. */
const thread = globalThis as {
  onmessage: (event: MessageEvent<ToWriter>) => void;
  postMessage(message: FromWriter): void;
};

let writer: SqliteWriter | null = null;

thread.onmessage = ({ data }) => thread.postMessage(answer(data));

function answer(message: ToWriter): FromWriter {
  if ("open" in message) return open(message.open.path);
  if ("batch" in message) return { results: writer!.run(message.batch) };
  writer?.close();
  return { closed: true };
}

function open(path: string): FromWriter {
  try {
    writer = new SqliteWriter(path);
    return { opened: { value: null } };
  } catch (error) {
    if (error instanceof HistoryError) return { opened: { error: packError(error) } };
    throw error;
  }
}
