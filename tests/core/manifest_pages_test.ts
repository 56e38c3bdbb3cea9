import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { canonicalBytes } from "../../src/core/canonical_json.ts";
import type { GapReason } from "../../src/core/gap_reason.ts";
import { LIST_NAMES } from "../../src/core/manifest.ts";
import type { ListName, ManifestLists, SegmentRecord } from "../../src/core/manifest.ts";
import { decodeChunkPage, encodeChunkPage, layPages, sameList } from "../../src/core/manifest_pages.ts";
import type { EarlierPages, ManifestHead } from "../../src/core/manifest_pages.ts";
import { parseManifest, parsePage } from "../../src/core/manifest_parse.ts";
import type { TimeRange } from "../../src/core/time_range.ts";

const NODE = "ohlcv:bitfinex:BTC/USD:1m";
const FOLDER = "ohlcv/exchange=bitfinex/symbol=BTC%2FUSD/timeframe=1m";
const T = 1_451_606_400;
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const digestOf = (n: number) => sha256(new Uint8Array(new Float64Array([n]).buffer));

function segments(count: number): SegmentRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    range: [T + i * 15_728_640, T + (i + 1) * 15_728_640],
    rows: 262_144,
    bytes: 5_216_137,
    uri: `${FOLDER}/segments/${digestOf(i)}.parquet`,
    file_sha256: digestOf(i),
  }));
}

function headWith(count: number): ManifestHead {
  return {
    manifest_version: 1,
    seq: 123_456,
    previous: digestOf(-1),
    operation: "publish",
    node_id: NODE,
    interval: 60,
    grid: { step: 60, anchor: 0 },
    range: [T, T + 600],
    row_count: 5_000_000,
    dataset_fingerprint: `sfp1:${digestOf(-2)}`,
    fingerprint_version: "sfp1",
    as_of: "2026-01-01T00:00:00.000Z",
    publication_watermark: T + 600,
    stabilization_bars: 2,
    conformance_version: "v2",
    conformance: { flags: { gap: 233_809, duplicate_ts: 12 }, warnings: [] },
    coverage: { ratio: 0.5563, explained_ratio: 0.5563 },
    producer: {
      identity: "seamless",
      version: "0.1.0",
      exchange: "bitfinex",
      source: "ccxt:bitfinex",
      policy: { align: "reject", invariant: "flag", blocking: ["missing_column", "dtype_mismatch"] },
      worker: "0123456789abcdef",
    },
    segments: segments(count),
  };
}

function lists(o: { chunks: number; gaps: number; covered: number; findings: number }): ManifestLists {
  const reason: GapReason = "absent_at_source";
  return {
    chunks: Array.from({ length: o.chunks }, (_, i) => ({ k: 5900 + i, rows: 4096, digest: digestOf(i) })),
    covered: Array.from({ length: o.covered }, (_, i): TimeRange => [T + i * 3000, T + i * 3000 + 2940]),
    gaps: Array.from(
      { length: o.gaps },
      (_, i) => ({ start: T + i * 3000, end: T + i * 3000 + 120, bars: 2, reason }),
    ),
    findings: Array.from(
      { length: o.findings },
      (_, i) => ({ ts: T + i * 60, flag: "ohlc_invariant", count: 1 }),
    ),
  };
}

/** Lays lists out and reads them back as anybody would who knows the spec. */
function layAndRead(all: ManifestLists, o: { segments?: number; earlier?: EarlierPages } = {}) {
  const laid = layPages({
    head: headWith(o.segments ?? 3),
    lists: all,
    earlier: o.earlier ?? null,
    folder: FOLDER,
    sha256,
  });
  const bytes = canonicalBytes(laid.manifest);
  const manifest = parseManifest(bytes, { uri: "log/1", seq: 123_456, nodeId: NODE });
  return { laid, manifest, bytes };
}

/** Everything that a list has: its pages in their order, then what is inline. */
function whole(
  list: ListName,
  manifest: ReturnType<typeof layAndRead>["manifest"],
  pages: Map<string, Uint8Array>,
) {
  const older = manifest.pages[list].flatMap((record) => {
    const page = pages.get(record.uri)!;
    assert.equal(sha256(page), record.sha256);
    return parsePage(list, page, record) as unknown[];
  });
  return [...older, ...manifest[list]];
}

Deno.test("short lists stand in the manifest alone", () => {
  const all = lists({ chunks: 256, gaps: 100, covered: 2, findings: 0 });
  const { laid, manifest } = layAndRead(all);
  assert.deepEqual(laid.newPages, []);
  for (const list of LIST_NAMES) assert.deepEqual(manifest[list], all[list]);
});

Deno.test("long lists read back whole from pages and manifest", () => {
  for (const n of [257, 511, 512, 513, 4096, 4097, 9001]) {
    const all = lists({ chunks: n, gaps: n, covered: n, findings: n });
    const { laid, manifest } = layAndRead(all);
    const pages = new Map(laid.newPages.map(({ key, bytes }) => [key, bytes]));
    for (const list of LIST_NAMES) {
      assert.deepEqual(whole(list, manifest, pages), all[list], `${n} ${list}`);
      assert.ok(manifest[list].length <= 256);
    }
  }
});

Deno.test("chunk pages hold 256 records of 44 bytes, the others at most 4,096 entries of canonical JSON", () => {
  const all = lists({ chunks: 1284, gaps: 10_000, covered: 1, findings: 0 });
  const { laid, manifest } = layAndRead(all);
  const bytesOf = new Map(laid.newPages.map(({ key, bytes }) => [key, bytes]));
  for (const { uri, count } of manifest.pages.chunks) {
    assert.match(uri, /\/pages\/[0-9a-f]{64}\.bin$/);
    assert.deepEqual([count, bytesOf.get(uri)!.length], [256, 256 * 44]);
  }
  assert.equal(manifest.pages.chunks.length, 5);
  for (const { uri, count } of manifest.pages.gaps) {
    assert.match(uri, /\/pages\/[0-9a-f]{64}\.json$/);
    assert.ok(count <= 4096);
    const text = new TextDecoder().decode(bytesOf.get(uri));
    assert.deepEqual(canonicalBytes(JSON.parse(text)), bytesOf.get(uri));
  }
});

Deno.test("a chunk record is i64 k, u32 rows, digest, little-endian", () => {
  const bytes = encodeChunkPage([{ k: -2, rows: 258, digest: "0102" + "ff".repeat(30) }]);
  assert.equal(bytes.toHex(), `feffffffffffffff020100000102${"ff".repeat(30)}`);
  assert.deepEqual(decodeChunkPage(bytes), [{ k: -2, rows: 258, digest: "0102" + "ff".repeat(30) }]);
  assert.equal(decodeChunkPage(new Uint8Array(43)), null);
});

Deno.test("ten years of 1m bars with 100,000 gaps make a manifest of at most 64 KiB", () => {
  const shapes = [
    { chunks: 1284, gaps: 100_000, covered: 1, findings: 0 },
    { chunks: 1284, gaps: 100_000, covered: 100_000, findings: 100_000 },
    { chunks: 256, gaps: 256, covered: 256, findings: 256 },
    { chunks: 511, gaps: 4351, covered: 4351, findings: 4351 },
  ];
  for (const shape of shapes) {
    const { bytes, manifest, laid } = layAndRead(lists(shape), { segments: 40 });
    assert.ok(bytes.length <= 64 * 1024 - 256, `${bytes.length} bytes for ${JSON.stringify(shape)}`);
    const pages = new Map(laid.newPages.map((page) => [page.key, page.bytes]));
    for (const list of LIST_NAMES) assert.equal(whole(list, manifest, pages).length, shape[list]);
  }
});

Deno.test("a list that grew keeps its pages, and only what changed is written again", () => {
  const before = lists({ chunks: 1000, gaps: 9000, covered: 1, findings: 0 });
  const first = layAndRead(before);
  const earlier = { lists: before, pages: first.manifest.pages };
  const grown = lists({ chunks: 1001, gaps: 9010, covered: 1, findings: 0 });
  assert.deepEqual(layAndRead(grown, { earlier }).laid.newPages, []);
  const changed = lists({ chunks: 1000, gaps: 9000, covered: 1, findings: 0 });
  changed.gaps[5] = { ...changed.gaps[5], reason: "exchange_outage" };
  changed.chunks[300] = { ...changed.chunks[300], digest: digestOf(-5) };
  const second = layAndRead(changed, { earlier });
  assert.deepEqual(second.laid.newPages.map(({ key }) => key.split(".").pop()), ["bin", "json"]);
  const pages = new Map(
    [...first.laid.newPages, ...second.laid.newPages].map(({ key, bytes }) => [key, bytes]),
  );
  for (const list of LIST_NAMES) assert.deepEqual(whole(list, second.manifest, pages), changed[list]);
});

Deno.test("sameList() sees any difference", () => {
  const one = lists({ chunks: 2, gaps: 2, covered: 2, findings: 2 });
  for (const list of LIST_NAMES) {
    assert.equal(sameList(list, one[list], structuredClone(one[list])), true);
    assert.equal(sameList(list, one[list], one[list].slice(1)), false);
  }
  assert.equal(sameList("chunks", one.chunks, one.chunks.map((chunk) => ({ ...chunk, rows: 1 }))), false);
  assert.equal(sameList("covered", one.covered, one.covered.map(([s, e]): TimeRange => [s, e + 60])), false);
  assert.equal(sameList("gaps", one.gaps, one.gaps.map((gap) => ({ ...gap, reason: "no_trades" }))), false);
  assert.equal(sameList("findings", one.findings, one.findings.map((f) => ({ ...f, count: 2 }))), false);
});
