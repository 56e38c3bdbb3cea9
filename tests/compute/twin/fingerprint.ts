/** SFP-1, slow and obvious: every byte string is written out and hashed whole. */
import type { Bars, Claims, Trades } from "../../../src/compute/mod.ts";
import { sha256 } from "./sha256.ts";
import { slotAt } from "./slots.ts";

const encoder = new TextEncoder();

function join(parts: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function hash(name: string, body: Uint8Array): string {
  const tag = new Uint8Array(64);
  tag.set(encoder.encode(`seamless.fingerprint.v1/${name}`));
  return sha256(join([tag, body]));
}

function int(value: number, bytes: 4 | 8): Uint8Array {
  const view = new DataView(new ArrayBuffer(bytes));
  if (bytes === 4) view.setUint32(0, value, true);
  else view.setBigInt64(0, BigInt(value), true);
  return new Uint8Array(view.buffer);
}

function float(value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  if (Number.isNaN(value)) view.setBigUint64(0, 0x7ff8000000000000n, true);
  else view.setFloat64(0, value === 0 ? 0 : value, true);
  return new Uint8Array(view.buffer);
}

/** The bytes of one column of some rows. */
function columnBytes(schema: string, column: ArrayLike<number | string>, rows: number[]): Uint8Array {
  const type = schema.split(":")[1];
  if (type === "i64") return join(rows.map((row) => int(column[row] as number, 8)));
  if (type === "f64") return join(rows.map((row) => float(column[row] as number)));
  if (type === "i8") return Uint8Array.from(rows, (row) => (column[row] as number) & 255);
  const texts = rows.map((row) => encoder.encode(column[row] as string));
  return join([...texts.map((text) => int(text.length, 4)), ...texts]);
}

/** A frame's fingerprint and chunks. */
export function fingerprint(frame: Bars | Trades, claims: Claims) {
  const trades = "ts_ms" in frame;
  const schema = trades
    ? ["ts_ms:i64", "price:f64", "amount:f64", "side:i8", "id:text"]
    : ["ts:i64", "open:f64", "high:f64", "low:f64", "close:f64", "volume:f64"];
  const columns = frame as unknown as Record<string, ArrayLike<number | string>>;
  const times = Array.from(columns[schema[0].split(":")[0]] as ArrayLike<number>);
  const slots = times.map((t) => trades ? Math.floor(t / 1000) : slotAt(t, claims.grid));
  const keys = [...new Set(slots.map((slot) => Math.floor(slot / 4096)))].sort((a, b) => a - b);
  const chunks = keys.map((k) => {
    const rows = slots.flatMap((slot, i) => Math.floor(slot / 4096) === k ? [i] : []);
    const leaves = schema.map((s) => hash("leaf", columnBytes(s, columns[s.split(":")[0]], rows)));
    const body = join([int(k, 8), int(rows.length, 4), int(schema.length, 4), ...leaves.map(fromHex)]);
    return { k, rows: rows.length, digest: hash("chunk", body), leaves };
  });
  const interval = trades ? 1 : "step" in claims.grid ? claims.grid.step : 2592000;
  const meta = encoder.encode(
    `{"conformance_version":${JSON.stringify(claims.conformanceVersion)},"interval":${interval},` +
      `"node_id":${JSON.stringify(claims.nodeId)},"range":[${claims.range[0]},${claims.range[1]}],` +
      `"schema":${JSON.stringify(schema)}}`,
  );
  const digests = chunks.map((chunk) => fromHex(chunk.digest));
  const root = hash("root", join([...digests, meta, int(meta.length, 8), int(chunks.length, 8)]));
  return { fingerprint: `sfp1:${root}`, chunks };
}
