/** SHA-256 of bytes and of streams. A stream's state lives outside WASM, so that any number of them can be open. */
import { checkBytes } from "./arguments.ts";
import type { Door } from "./door.ts";

/** The tags of SFP-1, by the number that WASM knows them by. */
export const TAG = { leaf: 0, chunk: 1, root: 2 } as const;

/** A tag as the block that it fills: what a hash starts with that cannot start from the state after it. */
export function tagBlock(name: keyof typeof TAG): Uint8Array {
  const block = new Uint8Array(64);
  new TextEncoder().encodeInto(`seamless.fingerprint.v1/${name}`, block);
  return block;
}

const STREAM_BYTES = 104;
const DIGEST_BYTES = 32;
/** Bytes that go into the arena at once: memory stays small however long the message. */
const PIECE_BYTES = 1 << 18;

/** A message that comes in pieces. Its state is 104 bytes, which can be copied. */
export class ShaStream {
  readonly #door: Door;
  readonly #state: Uint8Array;

  constructor(door: Door, state: Uint8Array) {
    this.#door = door;
    this.#state = state;
  }

  /** A stream that has taken nothing, or just the tag. */
  static start(door: Door, tag?: number): ShaStream {
    const state = door.scoped(() => {
      const at = door.alloc(STREAM_BYTES);
      if (tag === undefined) door.wasm.shaStart(at);
      else door.wasm.shaStartTagged(at, tag);
      return door.bytes(at, STREAM_BYTES).slice();
    });
    return new ShaStream(door, state);
  }

  /** The state's own bytes, not a copy. */
  get state(): Uint8Array {
    return this.#state;
  }

  update(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; from += PIECE_BYTES) {
      const piece = bytes.subarray(from, from + PIECE_BYTES);
      this.#door.scoped(() => this.updateAt(this.#door.copyBytesIn(piece), piece.length));
    }
  }

  /** Takes bytes that stand in the arena already. */
  updateAt(at: number, count: number): void {
    const door = this.#door;
    const stream = door.copyBytesIn(this.#state);
    door.wasm.shaUpdate(stream, at, count);
    this.#state.set(door.bytes(stream, STREAM_BYTES));
  }

  /** The digest of what came so far; the stream can go on. */
  digest(): Uint8Array {
    const door = this.#door;
    return door.scoped(() => {
      const stream = door.copyBytesIn(this.#state);
      const out = door.alloc(DIGEST_BYTES);
      door.wasm.shaFinish(stream, out);
      return door.bytes(out, DIGEST_BYTES).slice();
    });
  }

  /** Another stream that has taken the same bytes. */
  copy(): ShaStream {
    return new ShaStream(this.#door, this.#state.slice());
  }
}

/** See `Compute.sha256`. */
export function sha256(door: Door, bytes: Uint8Array): Uint8Array {
  checkBytes(bytes, "bytes");
  const stream = ShaStream.start(door);
  stream.update(bytes);
  return stream.digest();
}

/** See `Compute.sha256Stream`. */
export function sha256Stream(door: Door): { update(bytes: Uint8Array): void; digest(): Uint8Array } {
  const stream = ShaStream.start(door);
  let finished = false;
  const refuseLate = (act: string) => {
    if (finished) throw new TypeError(`Cannot ${act} a SHA-256 stream after its digest: start another one`);
  };
  return {
    update(bytes) {
      checkBytes(bytes, "bytes");
      refuseLate("update");
      stream.update(bytes);
    },
    digest() {
      refuseLate("digest");
      finished = true;
      return stream.digest();
    },
  };
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Bytes as lower-case hex digits: by the host where it can, which is much faster. */
export function toHex(bytes: Uint8Array): string {
  if (typeof bytes.toHex === "function") return bytes.toHex();
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += HEX[bytes[i]];
  return text;
}

/** The 32 bytes of a digest in hex, written to `out` at `at`. False when it is none. */
export function digestBytes(hex: string, out: Uint8Array, at: number): boolean {
  if (typeof hex !== "string" || hex.length !== 64) return false;
  for (let i = 0; i < 32; i++) {
    const value = (nibble(hex.charCodeAt(2 * i)) << 4) | nibble(hex.charCodeAt(2 * i + 1));
    if (value < 0) return false;
    out[at + i] = value;
  }
  return true;
}

function nibble(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  return code >= 97 && code <= 102 ? code - 87 : -1;
}
