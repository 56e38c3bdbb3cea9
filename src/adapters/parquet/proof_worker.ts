/** A thread that proves segment files, one after the other, with a compute core of its own. */

import { load } from "../../compute/mod.ts";
import type { SegmentProof } from "../../core/ports.ts";
import { type FileToProve, proveFile, sourceOf } from "./proof.ts";

/** To the thread: a file, whose bytes are handed over. */
export type ToProver = Omit<FileToProve, "source"> & { bytes: Uint8Array<ArrayBuffer> };
/** From the thread: the proof of the file, or what could not be expected. */
export type FromProver = { proof: SegmentProof } | { error: string };

/** What a worker sees of its own thread; the types of a page's window stand in the way otherwise. */
const thread = globalThis as {
  onmessage: (event: MessageEvent<ToProver>) => void;
  postMessage(message: FromProver): void;
};

const compute = load();

thread.onmessage = async ({ data }) => {
  try {
    thread.postMessage({ proof: await proveFile({ ...data, source: sourceOf(data.bytes) }, await compute) });
  } catch (error) {
    thread.postMessage({ error: error instanceof Error ? error.message : String(error) });
  }
};
