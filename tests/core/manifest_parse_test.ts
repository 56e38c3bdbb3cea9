import assert from "node:assert/strict";
import { canonicalBytes } from "../../src/core/canonical_json.ts";
import { HistoryError } from "../../src/core/errors.ts";
import type { PageRecord } from "../../src/core/manifest.ts";
import { encodeChunkPage } from "../../src/core/manifest_pages.ts";
import { parseManifest, parsePage } from "../../src/core/manifest_parse.ts";
import { barsOf, holding, NODE, START } from "../history/holdings.ts";
import { publishing } from "../history/publisher_fixture.ts";

const AT = { uri: "log/000000000001.json", seq: 1, nodeId: NODE };
const gaps = [{ start: START, end: START + 60, reason: "no_trades" as const }];
const skip = (ts: number) => ts === START;
const findings = [{ ts: START, flag: "duplicate_ts", count: 1 }];
const { entry } = await publishing().publisher.publish(
  holding(barsOf([START, START + 6000], { skip }), { gaps, findings }),
);

function refused(error: unknown): boolean {
  return error instanceof HistoryError && error.code === "VERIFY_FAILED" && error.message.includes(AT.uri);
}

Deno.test("parseManifest() gives back what was published, unknown fields included", () => {
  assert.deepEqual(parseManifest(canonicalBytes(entry.manifest), AT), entry.manifest);
  const later = { ...entry.manifest, something_new: 1 };
  assert.deepEqual(parseManifest(canonicalBytes(later), AT), later);
});

Deno.test("parseManifest() refuses every field that is wrong or missing, and names it", () => {
  const good: Record<string, unknown> = { ...entry.manifest };
  const wrong: Record<string, unknown[]> = {
    manifest_version: [2, "1"],
    seq: [2, "1"],
    previous: ["a".repeat(64), 5],
    operation: ["erase"],
    node_id: ["ohlcv:binance:ETH/USDT:1m"],
    interval: [-1, 1.5, "60"],
    grid: [{}, null, { unit: "week" }, { step: 60 }],
    range: [[0], [60, 0], ["a", "b"], [0.5, 60]],
    row_count: [-1, null],
    dataset_fingerprint: ["sfp1:xyz", "sfp2:" + "a".repeat(64)],
    as_of: ["2024-01-01T00:00:00Z", "2024-01-01 00:00:00.000Z", "2024-13-01T00:00:00.000Z"],
    publication_watermark: ["x"],
    stabilization_bars: [-1],
    conformance: [{}, null],
    coverage: [{ ratio: 1 }],
    producer: [[], "me"],
    segments: [{}, [{ ...entry.manifest.segments[0], uri: "../../etc/passwd" }], [{}]],
    chunks: [{}, [{ k: 1, rows: 1, digest: "zz" }], [null]],
    covered: [[[5, 5]], [5]],
    gaps: [[{ start: 0, end: 60, bars: 1, reason: "bored" }]],
    findings: [[{ ts: 0, flag: 1, count: 1 }]],
    pages: [{}, { ...entry.manifest.pages, gaps: [{ from: 0, to: 1, count: 1, sha256: "x", uri: "a" }] }],
    signature: ["signed"],
  };
  for (const [field, values] of Object.entries(wrong)) {
    for (const value of values) {
      const bytes = canonicalBytes({ ...good, [field]: value });
      assert.throws(() => parseManifest(bytes, AT), (error) => {
        return refused(error) && (error as Error).message.includes(field);
      }, `${field} ${JSON.stringify(value)}`);
    }
    if (field === "signature") continue;
    const { [field]: _, ...without } = good;
    assert.throws(() => parseManifest(canonicalBytes(without), AT), refused, field);
  }
});

Deno.test("parseManifest() refuses what is no JSON, no UTF-8 or no object", () => {
  const texts = ["", "{", "[]", "null", "5", '{"a":1}'];
  for (const text of texts) assert.throws(() => parseManifest(new TextEncoder().encode(text), AT), refused);
  assert.throws(() => parseManifest(new Uint8Array([0xff, 0xfe]), AT), refused);
});

Deno.test("parsePage() holds a page against its record", () => {
  const records = [{ k: 3, rows: 2, digest: "ab".repeat(32) }, { k: 9, rows: 1, digest: "cd".repeat(32) }];
  const bytes = encodeChunkPage(records);
  const record: PageRecord = { from: 3, to: 10, count: 2, sha256: "0".repeat(64), uri: AT.uri };
  assert.deepEqual(parsePage("chunks", bytes, record), records);
  for (const wrong of [{ count: 1 }, { from: 2 }, { to: 9 }]) {
    assert.throws(() => parsePage("chunks", bytes, { ...record, ...wrong }), refused);
  }
  assert.throws(() => parsePage("chunks", bytes.slice(1), record), refused);
  assert.throws(() => parsePage("gaps", bytes, record), refused);
  assert.throws(() => parsePage("covered", canonicalBytes([[0, 60], "x"]), record), refused);
});
