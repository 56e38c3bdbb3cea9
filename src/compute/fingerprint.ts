/** SFP-1 (docs: fingerprint.md): the root over chunk digests and claims. */
import { BAR_SCHEMA, type Bars, isTrades, TRADE_SCHEMA, type Trades } from "../core/bar_frame.ts";
import { intervalOf } from "../core/timeframe.ts";
import { checkClaimedRange, checkClaims, checkFrame } from "./arguments.ts";
import { chunksOf } from "./chunks.ts";
import type { Door } from "./door.ts";
import { nativeDigest, takesNative } from "./native_leaves.ts";
import { digestBytes, ShaStream, TAG, tagBlock, toHex } from "./sha256.ts";
import type { Chunk, Claims } from "./types.ts";

/** What comes before the root's hex digits, and names the version of the rules. */
export const PREFIX = "sfp1:";

/** The kinds of data that have a schema. */
export type Kind = "ohlcv" | "trades";

const encoder = new TextEncoder();

/** See `Compute.fingerprint`. */
export function fingerprint(
  door: Door,
  frame: Bars | Trades,
  claims: Claims,
): { fingerprint: string; chunks: Chunk[] } {
  checkFrame(frame, "frame");
  checkClaims(claims);
  checkClaimedRange(claims.range);
  const chunks = chunksOf(door, frame, claims.grid);
  return { fingerprint: rootOf(door, chunks, claims, isTrades(frame) ? "trades" : "ohlcv"), chunks };
}

/** See `Compute.fingerprintOfChunks`. Whether they are of bars or trades is seen from their leaves, else from the node's id. */
export function fingerprintOfChunks(door: Door, chunks: Chunk[], claims: Claims): string {
  checkClaims(claims);
  checkClaimedRange(claims.range);
  checkChunks(chunks, "chunks");
  return rootOf(door, chunks, claims, kindOf(chunks, claims.nodeId));
}

/** Throws unless the chunks ascend in `k`. */
export function checkChunks(chunks: Chunk[], name: string): void {
  if (!Array.isArray(chunks)) throw new TypeError(`${name} must be an array of chunks`);
  let before = -Infinity;
  for (const chunk of chunks) {
    if (chunk === null || typeof chunk !== "object") throw new TypeError(`${name} must hold chunks`);
    if (!Number.isSafeInteger(chunk.k) || chunk.k <= before) {
      throw new RangeError(`${name} must ascend in k: ${chunk.k} after ${before}`);
    }
    before = chunk.k;
  }
}

/** The end of a fingerprint: closes a root stream that took the digests of `count` chunks. */
export function closeRoot(root: ShaStream, count: number, claims: Claims, kind: Kind): string {
  root.update(rootTail(count, claims, kind));
  return PREFIX + toHex(root.digest());
}

/** What the root hashes after the digests: meta ‖ u64 length of meta ‖ u64 number of chunks. */
function rootTail(count: number, claims: Claims, kind: Kind): Uint8Array {
  const meta = encoder.encode(metaOf(claims, kind));
  const tail = new Uint8Array(meta.length + 16);
  tail.set(meta);
  const numbers = new DataView(tail.buffer);
  numbers.setBigUint64(meta.length, BigInt(meta.length), true);
  numbers.setBigUint64(meta.length + 8, BigInt(count), true);
  return tail;
}

function rootOf(door: Door, chunks: Chunk[], claims: Claims, kind: Kind): string {
  const digests = new Uint8Array(chunks.length * 32);
  let count = 0;
  for (const chunk of chunks) {
    if (chunk.rows === 0) continue;
    if (!digestBytes(chunk.digest, digests, count * 32)) {
      throw new TypeError(`The digest of chunk ${chunk.k} is not 64 lower-case hex digits`);
    }
    count++;
  }
  const body = digests.subarray(0, count * 32);
  if (takesNative(door, body.length)) {
    return PREFIX + toHex(nativeDigest(door, [tagBlock("root"), body, rootTail(count, claims, kind)]));
  }
  const root = ShaStream.start(door, TAG.root);
  root.update(body);
  return closeRoot(root, count, claims, kind);
}

function kindOf(chunks: Chunk[], nodeId: string): Kind {
  const leaves = chunks.find((chunk) => chunk.leaves?.length > 0)?.leaves.length;
  if (leaves !== undefined) return leaves === TRADE_SCHEMA.length ? "trades" : "ohlcv";
  return nodeId.startsWith("trades:") ? "trades" : "ohlcv";
}

/** RFC 8785 of the claims: the keys stand in order here, and `JSON.stringify` writes texts and numbers as it asks. */
function metaOf(claims: Claims, kind: Kind): string {
  return JSON.stringify({
    conformance_version: claims.conformanceVersion,
    interval: kind === "trades" ? 1 : intervalOf(claims.grid),
    node_id: claims.nodeId,
    range: [claims.range[0], claims.range[1]],
    schema: kind === "trades" ? TRADE_SCHEMA : BAR_SCHEMA,
  });
}
