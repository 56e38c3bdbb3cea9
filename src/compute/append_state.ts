/** What an appender keeps, and the bytes that it is written to: a JSON head, hash states, digests, and a checksum. */
import { BAR_COLUMNS, BAR_SCHEMA, type Bars, TRADE_SCHEMA } from "../core/bar_frame.ts";
import { type Grid, gridRecord } from "../core/timeframe.ts";
import { checkBytes } from "./arguments.ts";
import { copyColumns, strideOf } from "./columns.ts";
import type { Door } from "./door.ts";
import { finishRecord, leafAt, readRecord, recordSize } from "./records.ts";
import type { Kind } from "./fingerprint.ts";
import { digestBytes, sha256, ShaStream, TAG, toHex } from "./sha256.ts";
import type { Chunk, Claims } from "./types.ts";

const MAGIC = "seamless.appender.v1";
const STREAM_BYTES = 104;
const DIGEST_BYTES = 32;
/** Numbers hashed at once: memory stays small however many rows come. */
const PIECE = 1 << 15;

function leavesOf(kind: Kind): number {
  return kind === "trades" ? TRADE_SCHEMA.length : BAR_SCHEMA.length;
}

/** The chunk that still grows: a hash state for each column. Of texts all lengths are hashed first, so their bytes wait. */
export class OpenChunk {
  readonly #door: Door;
  readonly k: number;
  rows: number;
  readonly streams: ShaStream[];
  text: Uint8Array;
  textBytes: number;

  constructor(door: Door, o: { k: number; rows: number; streams: ShaStream[]; text: Uint8Array }) {
    this.#door = door;
    this.k = o.k;
    this.rows = o.rows;
    this.streams = o.streams;
    this.text = o.text;
    this.textBytes = o.text.length;
  }

  static start(door: Door, k: number, kind: Kind): OpenChunk {
    const streams = Array.from({ length: leavesOf(kind) }, () => ShaStream.start(door, TAG.leaf));
    return new OpenChunk(door, { k, rows: 0, streams, text: new Uint8Array(0) });
  }

  /** Hashes bars, all six columns side by side. */
  takeBars(rows: Bars): void {
    const door = this.#door;
    const count = rows.ts.length;
    door.scoped(() => {
      const stride = strideOf(count);
      const at = copyColumns(door, BAR_COLUMNS.map((name) => rows[name]), stride);
      const states = this.#copyStatesIn();
      door.wasm.toInt64(at, count);
      for (let c = 1; c < this.streams.length; c++) door.wasm.canonicalise(at + c * stride, count);
      door.wasm.updateStreams(states, this.streams.length, at, stride, count * 8);
      const all = door.bytes(states, this.streams.length * STREAM_BYTES);
      this.streams.forEach((stream, c) =>
        stream.state.set(all.subarray(c * STREAM_BYTES, (c + 1) * STREAM_BYTES))
      );
    });
    this.rows += count;
  }

  #copyStatesIn(): number {
    const at = this.#door.alloc(this.streams.length * STREAM_BYTES);
    const all = this.#door.bytes(at, this.streams.length * STREAM_BYTES);
    this.streams.forEach((stream, c) => all.set(stream.state, c * STREAM_BYTES));
    return at;
  }

  /** Hashes numbers into a column, as i64 or as f64 with canonical bits. */
  takeNumbers(column: number, values: Float64Array, asInteger: boolean): void {
    const door = this.#door;
    for (let from = 0; from < values.length; from += PIECE) {
      const piece = values.subarray(from, from + PIECE);
      door.scoped(() => {
        const at = door.copyIn(piece);
        if (asInteger) door.wasm.toInt64(at, piece.length);
        else door.wasm.canonicalise(at, piece.length);
        this.streams[column].updateAt(at, piece.length * 8);
      });
    }
  }

  takeBytes(column: number, bytes: Uint8Array): void {
    this.streams[column].update(bytes);
  }

  /** Keeps the bytes of texts until the chunk is closed; room grows by doubling. */
  takeText(bytes: Uint8Array): void {
    const needed = this.textBytes + bytes.length;
    if (needed > this.text.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.text.length));
      larger.set(this.text.subarray(0, this.textBytes));
      this.text = larger;
    }
    this.text.set(bytes, this.textBytes);
    this.textBytes = needed;
  }

  /** Answers what brings the chunk back to here. Texts only grow at their end, so that their length says it all. */
  keep(): () => void {
    const { rows, textBytes } = this;
    const states = this.streams.map((stream) => stream.state.slice());
    return () => {
      this.rows = rows;
      this.textBytes = textBytes;
      this.streams.forEach((stream, c) => stream.state.set(states[c]));
    };
  }

  /** The chunk as it is now; it can go on growing. */
  chunk(): Chunk {
    const door = this.#door;
    const count = this.streams.length;
    return door.scoped(() => {
      const record = door.alloc(recordSize(count));
      const states = this.#copyStatesIn();
      const last = states + (count - 1) * STREAM_BYTES;
      if (count === TRADE_SCHEMA.length) {
        const text = door.copyBytesIn(this.text.subarray(0, this.textBytes));
        door.wasm.shaUpdate(last, text, this.textBytes);
      }
      for (let c = 0; c < count; c++) door.wasm.shaFinish(states + c * STREAM_BYTES, leafAt(record, c));
      finishRecord(door, record, { k: this.k, rows: this.rows, leaves: count });
      return readRecord(door, record, count);
    });
  }
}

/** Everything between two calls of `append`. */
export class AppendState {
  readonly #door: Door;
  readonly #claims: Omit<Claims, "range">;
  kind: Kind;
  root: ShaStream;
  closed: Chunk[] = [];
  open: OpenChunk | null = null;
  lastTime = -Infinity;
  lastId = "";
  /** The open chunk's digests, kept until more rows come. */
  #shown: { rows: number; chunk: Chunk } | null = null;

  constructor(door: Door, claims: Omit<Claims, "range">, kind: Kind, root: ShaStream) {
    this.#door = door;
    this.#claims = claims;
    this.kind = kind;
    this.root = root;
  }

  static empty(door: Door, claims: Omit<Claims, "range">): AppendState {
    const kind = claims.nodeId.startsWith("trades:") ? "trades" : "ohlcv";
    return new AppendState(door, claims, kind, ShaStream.start(door, TAG.root));
  }

  get grid(): Grid {
    return this.#claims.grid;
  }

  get isEmpty(): boolean {
    return this.open === null && this.closed.length === 0;
  }

  /** How many chunks there are, the open one included. */
  get count(): number {
    return this.closed.length + (this.open === null ? 0 : 1);
  }

  /** The open chunk with its digests, if there is one. */
  openChunk(): Chunk | null {
    if (this.open === null) return null;
    if (this.#shown?.rows !== this.open.rows || this.#shown.chunk.k !== this.open.k) {
      this.#shown = { rows: this.open.rows, chunk: this.open.chunk() };
    }
    return this.#shown.chunk;
  }

  /** Closed chunks, then the open one. */
  allChunks(): Chunk[] {
    const open = this.openChunk();
    return open === null ? this.closed : [...this.closed, open];
  }

  /** Answers what brings all back to here, for rows on whose way a host's hash or memory fails. */
  keep(): () => void {
    const { kind, open, root } = this;
    const closed = this.closed.length;
    const rootState = root.state.slice();
    const restoreOpen = open?.keep();
    return () => {
      this.kind = kind;
      this.open = open;
      this.closed.length = closed;
      root.state.set(rootState);
      restoreOpen?.();
    };
  }

  /** Ends the open chunk: its digest goes into the root. */
  close(): void {
    const chunk = this.open!.chunk();
    const digest = new Uint8Array(DIGEST_BYTES);
    digestBytes(chunk.digest, digest, 0);
    this.closed.push(chunk);
    this.root.update(digest);
    this.open = null;
  }

  /** The state as bytes. */
  write(): Uint8Array {
    const { open, closed } = this;
    const head = new TextEncoder().encode(JSON.stringify({
      magic: MAGIC,
      about: about(this.#claims),
      kind: this.kind,
      lastTime: this.isEmpty ? null : this.lastTime,
      lastId: this.lastId,
      chunks: closed.map((chunk) => [chunk.k, chunk.rows]),
      open: open && { k: open.k, rows: open.rows, textBytes: open.textBytes },
    }));
    const parts = [Uint32Array.of(head.length), head, this.root.state];
    for (const chunk of closed) {
      const digests = new Uint8Array((chunk.leaves.length + 1) * DIGEST_BYTES);
      [...chunk.leaves, chunk.digest].forEach((hex, i) => digestBytes(hex, digests, i * DIGEST_BYTES));
      parts.push(digests);
    }
    if (open !== null) {
      parts.push(...open.streams.map((stream) => stream.state), open.text.subarray(0, open.textBytes));
    }
    const body = join(parts.map((part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength)));
    return join([body, sha256(this.#door, body)]);
  }

  /** Reads what `write` wrote. Throws `RangeError` for other bytes, and for the state of other claims. */
  static read(door: Door, claims: Omit<Claims, "range">, bytes: Uint8Array): AppendState {
    checkBytes(bytes, "resume");
    // A copy: of Node's Buffers, which are what its files are read into, `slice` would hand out the caller's memory.
    const own = new Uint8Array(bytes);
    const bad = () =>
      new RangeError("Cannot resume: these bytes are no state of an appender, or are damaged");
    const body = own.subarray(0, Math.max(0, own.length - DIGEST_BYTES));
    const sum = own.subarray(body.length);
    if (body.length < 4 || toHex(sha256(door, body)) !== toHex(sum)) throw bad();
    const headBytes = new DataView(body.buffer, body.byteOffset).getUint32(0, true);
    const head = JSON.parse(new TextDecoder().decode(body.subarray(4, 4 + headBytes)));
    if (head.magic !== MAGIC) throw bad();
    if (head.about !== about(claims)) {
      throw new RangeError(`Cannot resume: the state is of other claims, ${head.about}`);
    }
    let at = 4 + headBytes;
    const take = (count: number) => body.slice(at, at += count);
    const state = new AppendState(door, claims, head.kind, new ShaStream(door, take(STREAM_BYTES)));
    const leaves = leavesOf(head.kind);
    for (const [k, rows] of head.chunks) {
      const hex = toHex(take((leaves + 1) * DIGEST_BYTES));
      const leaf = (_: unknown, i: number) => hex.slice(i * 64, i * 64 + 64);
      state.closed.push({
        k,
        rows,
        digest: hex.slice(leaves * 64),
        leaves: Array.from({ length: leaves }, leaf),
      });
    }
    if (head.open !== null) {
      const streams = Array.from({ length: leaves }, () => new ShaStream(door, take(STREAM_BYTES)));
      state.open = new OpenChunk(door, {
        k: head.open.k,
        rows: head.open.rows,
        streams,
        text: take(head.open.textBytes),
      });
    }
    state.lastTime = head.lastTime ?? -Infinity;
    state.lastId = head.lastId;
    return state;
  }
}

/** What a state belongs to: resuming under another node or grid would give a wrong fingerprint. */
function about(claims: Omit<Claims, "range">): string {
  return JSON.stringify([claims.nodeId, gridRecord(claims.grid), claims.conformanceVersion]);
}

function join(parts: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
