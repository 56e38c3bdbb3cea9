/** The golden frame of fingerprint.md: hashed at start by the core, compared with what the host's SHA-256 gives. */

import type { Compute } from "../compute/mod.ts";
import type { Bars } from "../core/bar_frame.ts";

const GOLDEN_BARS: Bars = {
  ts: Float64Array.of(0, 60),
  open: Float64Array.of(1.0, 1.1),
  high: Float64Array.of(1.2, 1.3),
  low: Float64Array.of(0.9, 1.0),
  close: Float64Array.of(1.05, 1.15),
  volume: Float64Array.of(10, 11),
};
const NODE = "ohlcv:binance:BTC/USDT:1m";
const META = `{"conformance_version":"v2","interval":60,"node_id":"${NODE}","range":[0,120],` +
  `"schema":["ts:i64","open:f64","high:f64","low:f64","close:f64","volume:f64"]}`;
const encoder = new TextEncoder();

/** Whether the core's fingerprint of the golden frame is the one that `sha256` of the host leads to. */
export function goldenHolds(compute: Compute, sha256: (bytes: Uint8Array) => Uint8Array): boolean {
  const claims = { nodeId: NODE, grid: { step: 60 }, range: [0, 120] as const, conformanceVersion: "v2" };
  return compute.fingerprint(GOLDEN_BARS, claims).fingerprint === `sfp1:${hex(hostRoot(sha256))}`;
}

/** SFP-1 as fingerprint.md writes it, for one chunk: slow, obvious, and without the core. */
function hostRoot(sha256: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  const tagged = (name: string, body: Uint8Array) =>
    sha256(join([padded(`seamless.fingerprint.v1/${name}`), body]));
  const leaves = Object.entries(GOLDEN_BARS).map(([name, column]) =>
    tagged("leaf", name === "ts" ? int64s([...column]) : new Uint8Array(column.slice().buffer))
  );
  const chunk = tagged("chunk", join([int64s([0]), uint32s([2, 6]), ...leaves]));
  const meta = encoder.encode(META);
  return tagged("root", join([chunk, meta, int64s([meta.length, 1])]));
}

function padded(text: string): Uint8Array {
  const tag = new Uint8Array(64);
  tag.set(encoder.encode(text));
  return tag;
}

function int64s(values: number[]): Uint8Array {
  return new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
}

function uint32s(values: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

function join(parts: Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
