/**
 * The `SegmentProver` of the service: a few threads, started with the first file and ended with `close`. Where their
 * module cannot be loaded (a bundle of one file, no permission to read the program's own folder), files are proven in
 * the thread that asks: one at a time, with the same result.
 */

import { statSync } from "node:fs";
import { cancelled } from "../../core/errors.ts";
import { PROVEN_WHOLE_MAX_BYTES, PROVER_THREADS_MAX } from "../../core/limits.ts";
import type { SegmentProof, SegmentProver } from "../../core/ports.ts";
import { type FileToProve, proveFile, type ProvingCore } from "./proof.ts";
import type { FromProver, ToProver } from "./proof_worker.ts";

const MODULE = new URL("./proof_worker.ts", import.meta.url);

/** A prover with as many threads as there are cores, at most a few: each holds a whole file. */
export function createSegmentProver(compute: ProvingCore): SegmentProver {
  const width = Math.min(navigator.hardwareConcurrency, PROVER_THREADS_MAX);
  return width > 1 && isReadable(MODULE) ? new ProverThreads(width, compute) : proverHere(compute);
}

/** A prover in this thread. */
export function proverHere(compute: ProvingCore): SegmentProver {
  return { width: 1, prove: (file) => proveFile(file, compute), close() {/* It has no thread. */} };
}

/** Asked beforehand, because a thread whose module is missing complains on stderr whatever one does. */
function isReadable(module: URL): boolean {
  const isAllowed = Deno.permissions.querySync({ name: "read", path: module }).state === "granted";
  return isAllowed && statSync(module, { throwIfNoEntry: false }) !== undefined;
}

interface Task {
  file: ToProver;
  resolve: (proof: SegmentProof) => void;
  reject: (error: Error) => void;
}

class ProverThreads implements SegmentProver {
  readonly width: number;
  readonly #idle: ProverThread[] = [];
  readonly #all: ProverThread[] = [];
  readonly #waiting: Task[] = [];
  readonly #compute: ProvingCore;
  #isClosed = false;

  constructor(width: number, compute: ProvingCore) {
    this.width = width;
    this.#compute = compute;
  }

  async prove(file: FileToProve): Promise<SegmentProof> {
    const { source, ...rest } = file;
    // No segment of ours is so large; whatever it is, it does not go into memory whole.
    if (source.sizeBytes > PROVEN_WHOLE_MAX_BYTES) return await proveFile(file, this.#compute);
    const bytes = await source.read(0, source.sizeBytes);
    const whole = bytes.buffer.byteLength === bytes.length ? bytes as Uint8Array<ArrayBuffer> : bytes.slice();
    return await this.#inAThread({ ...rest, bytes: whole });
  }

  #inAThread(file: ToProver): Promise<SegmentProof> {
    if (this.#isClosed) return Promise.reject(cancelled("Proving a segment"));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ file, resolve, reject });
      this.#next();
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const thread of [...this.#all]) thread.end(cancelled("Proving a segment"));
    for (const { reject } of this.#waiting.splice(0)) reject(cancelled("Proving a segment"));
  }

  #next(): void {
    const thread = this.#idle.pop() ?? this.#another();
    if (thread === null) return;
    const task = this.#waiting.shift();
    if (task === undefined) return void this.#idle.push(thread);
    const done = () => {
      if (thread.isAlive) this.#idle.push(thread);
      this.#next();
    };
    thread.ask(task.file).then(task.resolve, task.reject).finally(done);
  }

  /** A thread ends by itself too, also while it has nothing to do. */
  #forget(thread: ProverThread): void {
    for (const list of [this.#all, this.#idle]) {
      const at = list.indexOf(thread);
      if (at >= 0) list.splice(at, 1);
    }
  }

  #another(): ProverThread | null {
    if (this.#isClosed || this.#all.length >= this.width || this.#waiting.length === 0) return null;
    const thread = new ProverThread((ended) => this.#forget(ended));
    this.#all.push(thread);
    return thread;
  }
}

/** One thread, which answers one question at a time. */
class ProverThread {
  readonly #worker = new Worker(MODULE, { type: "module" });
  #settle: { resolve: (proof: SegmentProof) => void; reject: (error: Error) => void } | null = null;
  readonly #onEnd: (thread: ProverThread) => void;
  isAlive = true;

  constructor(onEnd: (thread: ProverThread) => void) {
    this.#onEnd = onEnd;
    this.#worker.onmessage = ({ data }: MessageEvent<FromProver>) => {
      const settle = this.#settle!;
      this.#settle = null;
      if ("proof" in data) settle.resolve(data.proof);
      else settle.reject(new Error(`a proving thread failed: ${data.error}`));
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.end(new Error(`a proving thread ended: ${event.message}`));
    };
  }

  ask(file: ToProver): Promise<SegmentProof> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#worker.postMessage(file, [file.bytes.buffer]);
    });
  }

  /** Whoever still waits is told why. */
  end(why: Error): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.#worker.terminate();
    this.#onEnd(this);
    this.#settle?.reject(why);
    this.#settle = null;
  }
}
