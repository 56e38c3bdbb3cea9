/**
 * Leaves over workers: a frame is cut at the borders of chunks, workers hash the pieces side by side, and what comes back
 * is what one core computes alone. The host starts the workers, each running `spread_worker.ts` (or a module that
 * answers with `answerSpread`), and hands them over; nothing here starts or ends a thread but `close`.
 *
 * ```ts
 * const url = new URL("./spread_worker.ts", import.meta.url);
 * const workers = [1, 2].map(() => new Worker(url, { type: "module" }));
 * const crew = spread(compute, workers);
 * const { fingerprint } = await crew.fingerprint(frame, claims);
 * crew.close();
 * ```
 */
import { BAR_COLUMNS, type Bars, isTrades, type Trades, viewTrades } from "../core/bar_frame.ts";
import { checkGrid, type Grid } from "../core/timeframe.ts";
import { checkClaimedRange, checkClaims, checkFrame } from "./arguments.ts";
import { endOfChunks, endOfTradeChunk } from "./chunks.ts";
import type { Chunk, Claims, Compute } from "./types.ts";

/** A worker as browsers and Deno have them (`addEventListener`), or as Node has them (`on`). */
export type SpreadWorker = {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener?(
    type: "message" | "error",
    listen: (event: { data?: unknown; message?: string }) => void,
  ): void;
  on?(type: "message" | "error", listen: (value: unknown) => void): unknown;
  terminate(): unknown;
};

/** Several workers that hash as one core would. Calls may overlap; pieces are handed out in the order of the calls. */
export type Crew = {
  /** As `Compute.chunksOf`. */
  chunksOf(frame: Bars | Trades, grid: Grid): Promise<Chunk[]>;
  /** As `Compute.fingerprint`. */
  fingerprint(frame: Bars | Trades, claims: Claims): Promise<{ fingerprint: string; chunks: Chunk[] }>;
  /** Ends the workers; what is under way rejects. */
  close(): void;
};

/** Rows of one piece: eight chunks, so that the last pieces end at about the same time. */
const PIECE_CHUNKS = 8;
/** Pieces that a worker has at once: it never waits for the next one. */
const PIECES_AHEAD = 2;

/** Work for a worker: bars as six columns in one buffer, trades as they are. */
type Task = { id: number; grid: Grid; rows: number; columns?: ArrayBuffer; trades?: Trades };
/** What a worker answers; buffers come back to be used again. */
type Reply = {
  id: number;
  chunks?: Chunk[];
  columns?: ArrayBuffer;
  error?: { name: string; message: string };
};
type Job = {
  make: (buffer: ArrayBuffer | undefined) => Omit<Task, "id">;
  done: (reply: Reply) => void;
  fail: (e: Error) => void;
};

/** Makes a crew of workers, at least one. `compute` hashes the roots. */
export function spread(compute: Compute, workers: SpreadWorker[]): Crew {
  if (workers.length === 0) throw new RangeError("A crew needs at least one worker");
  const queue = new Queue(workers);
  const chunksOf = async (frame: Bars | Trades, grid: Grid): Promise<Chunk[]> => {
    checkFrame(frame, "frame");
    checkGrid(grid);
    const pieces = piecesOf(frame, grid).map((make) =>
      new Promise<Chunk[]>((done, fail) => queue.add({ make, done: (reply) => done(reply.chunks!), fail }))
    );
    return joined(await Promise.all(pieces));
  };
  return {
    chunksOf,
    async fingerprint(frame, claims) {
      checkClaims(claims);
      checkClaimedRange(claims.range);
      const chunks = await chunksOf(frame, claims.grid);
      return { fingerprint: compute.fingerprintOfChunks(chunks, claims), chunks };
    },
    close: () => queue.close(),
  };
}

/** Chunks of pieces in their order. Throws `RangeError` when a piece goes back in time, as a frame never does. */
function joined(pieces: Chunk[][]): Chunk[] {
  const chunks = pieces.flat();
  chunks.forEach((chunk, i) => {
    if (i > 0 && chunk.k <= chunks[i - 1].k) {
      throw new RangeError(`Cannot fingerprint a frame: times do not ascend at chunk ${chunk.k}`);
    }
  });
  return chunks;
}

/** How to make each piece's task, so that no more pieces are copied than are under way. */
function piecesOf(frame: Bars | Trades, grid: Grid): Job["make"][] {
  const rows = isTrades(frame) ? frame.ts_ms.length : frame.ts.length;
  const pieces: Job["make"][] = [];
  for (let from = 0; from < rows;) {
    const start = from;
    const end = isTrades(frame)
      ? endOfTradeChunk(frame.ts_ms, from, PIECE_CHUNKS)
      : endOfChunks(frame.ts, { from, chunks: PIECE_CHUNKS, grid });
    pieces.push((buffer) =>
      isTrades(frame)
        ? { grid, rows: end - start, trades: copyOf(viewTrades(frame, start, end)) }
        : { grid, rows: end - start, columns: pack(frame, start, end, buffer) }
    );
    from = end;
  }
  return pieces;
}

/** Copies of the columns: a view would take its whole buffer along. */
function copyOf({ ts_ms, price, amount, side, id }: Trades): Trades {
  return { ts_ms: ts_ms.slice(), price: price.slice(), amount: amount.slice(), side: side.slice(), id };
}

/** The rows' six columns end to end, in `buffer` where that is large enough. */
function pack(frame: Bars, start: number, end: number, buffer: ArrayBuffer | undefined): ArrayBuffer {
  const rows = end - start;
  const bytes = rows * 8 * BAR_COLUMNS.length;
  const into = buffer !== undefined && buffer.byteLength >= bytes ? buffer : new ArrayBuffer(bytes);
  BAR_COLUMNS.forEach((name, c) => {
    new Float64Array(into, c * rows * 8, rows).set(frame[name].subarray(start, end));
  });
  return into;
}

/** Hands jobs to workers and replies back. After a worker's own failure, or `close`, every job rejects. */
class Queue {
  readonly #workers: SpreadWorker[];
  readonly #waiting: Job[] = [];
  readonly #running = new Map<number, Job>();
  readonly #ahead: number[];
  /** Buffers that came back: fresh memory costs more than the copy. */
  readonly #buffers: ArrayBuffer[] = [];
  #nextId = 0;
  #ended: Error | null = null;

  constructor(workers: SpreadWorker[]) {
    this.#workers = workers;
    this.#ahead = workers.map(() => 0);
    workers.forEach((worker, index) => {
      const failed = (why: unknown) => this.#end(new Error(`A worker failed: ${why}`));
      const heard = (data: unknown) => this.#take(index, data as Reply);
      if (worker.addEventListener !== undefined) {
        worker.addEventListener("message", (event) => heard(event.data));
        worker.addEventListener("error", (event) => failed(event.message));
      } else {
        worker.on?.("message", heard);
        worker.on?.("error", failed);
      }
    });
  }

  add(job: Job): void {
    if (this.#ended !== null) job.fail(this.#ended);
    else this.#waiting.push(job);
    this.#hand();
  }

  close(): void {
    this.#end(new Error("The crew was closed"));
    for (const worker of this.#workers) worker.terminate();
  }

  #hand(): void {
    for (let depth = 0; depth < PIECES_AHEAD; depth++) {
      this.#workers.forEach((worker, index) => {
        if (this.#ahead[index] > depth || this.#waiting.length === 0) return;
        const job = this.#waiting.shift()!;
        const task: Task = { id: this.#nextId++, ...job.make(this.#buffers.pop()) };
        this.#running.set(task.id, job);
        this.#ahead[index]++;
        worker.postMessage(task, task.columns === undefined ? [] : [task.columns]);
      });
    }
  }

  #take(index: number, reply: Reply): void {
    const job = this.#running.get(reply.id);
    if (job === undefined) return;
    this.#running.delete(reply.id);
    this.#ahead[index]--;
    if (reply.columns !== undefined) this.#buffers.push(reply.columns);
    if (reply.error === undefined) job.done(reply);
    else job.fail(errorOf(reply.error));
    this.#hand();
  }

  #end(why: Error): void {
    this.#ended ??= why;
    const open = [...this.#running.values(), ...this.#waiting.splice(0)];
    this.#running.clear();
    for (const job of open) job.fail(this.#ended);
  }
}

function errorOf({ name, message }: { name: string; message: string }): Error {
  return name === "RangeError"
    ? new RangeError(message)
    : name === "TypeError"
    ? new TypeError(message)
    : new Error(message);
}

/** Where a worker hears tasks and answers them. */
export type SpreadPort = {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
};

/** One task of a crew, answered by a worker's own core. */
export function answerSpread(compute: Compute, port: SpreadPort, message: unknown): void {
  const { id, grid, rows, columns, trades } = message as Task;
  const back = columns === undefined ? [] : [columns];
  try {
    const frame = columns === undefined ? trades! : unpack(columns, rows);
    port.postMessage({ id, columns, chunks: compute.chunksOf(frame, grid) } satisfies Reply, back);
  } catch (error) {
    const { name, message } = error as Error;
    port.postMessage({ id, columns, error: { name, message } } satisfies Reply, back);
  }
}

function unpack(buffer: ArrayBuffer, rows: number): Bars {
  const [ts, open, high, low, close, volume] = BAR_COLUMNS.map((_, c) =>
    new Float64Array(buffer, c * rows * 8, rows)
  );
  return { ts, open, high, low, close, volume };
}
