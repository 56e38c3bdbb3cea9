import assert from "node:assert/strict";
import { HistoryError } from "../../src/core/errors.ts";
import type { ErrorCode } from "../../src/core/errors.ts";
import { canonicalBytes } from "../../src/core/canonical_json.ts";
import { concatBars } from "../../src/core/bar_frame.ts";
import type { Bars } from "../../src/core/bar_frame.ts";
import type { Manifest } from "../../src/core/manifest.ts";
import type { ArtifactStore } from "../../src/core/ports.ts";
import { decodeRows } from "../../src/core/stored_chunk.ts";
import { barsOf, chunksOfBars, codec, fingerprintOf, holding, MINUTE, NODE, START } from "./holdings.ts";
import { objectsOf, publishing, rowsOf, T0 } from "./publisher_fixture.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const CHUNK = 4096 * 60;
const sha256 = async (bytes: Uint8Array) =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>)).toHex();

function codeIs(code: ErrorCode) {
  return (error: unknown) => error instanceof HistoryError && error.code === code && error.hint !== "";
}

/** The rows in the files of a snapshot, as a reader sees them that knows Parquet and nothing else. */
async function rowsInFiles(artifacts: ArtifactStore, manifest: Manifest): Promise<Bars> {
  const frames: Bars[] = [];
  for (const { uri, rows, bytes, file_sha256, range } of manifest.segments) {
    const file = (await artifacts.get(uri))!;
    assert.equal(file.length, bytes);
    assert.equal(await sha256(file), file_sha256);
    assert.ok(uri.endsWith(`/segments/${file_sha256}.parquet`));
    const source = {
      sizeBytes: file.length,
      read: (s: number, e: number) => Promise.resolve(file.slice(s, e)),
    };
    const ks = manifest.chunks.filter(({ k }) => k * CHUNK < range[1] && (k + 1) * CHUNK > range[0]);
    const chunks = await Array.fromAsync(codec.decode(source, ks, MINUTE));
    assert.equal(chunks.reduce((sum, chunk) => sum + chunk.rows, 0), rows);
    frames.push(...chunks.map((chunk) => decodeRows(chunk.bytes)));
  }
  return concatBars(frames);
}

Deno.test({ ...strict, name: "a first publication says everything about its rows" }, async () => {
  const { publisher, snapshots, artifacts, catalog, events } = publishing();
  const end = START + 3 * CHUNK + 600;
  const gaps = [{ start: START + 6000, end: START + 6600, reason: "absent_at_source" as const }];
  const bars = barsOf([START, end], { skip: (ts) => ts >= START + 6000 && ts < START + 6600 });
  const findings = [{ ts: START + 60, flag: "duplicate_ts", count: 2 }, {
    ts: START + 120,
    flag: "duplicate_ts",
    count: 1,
  }];
  const { entry, unchanged, bytesWritten } = await publisher.publish(holding(bars, { gaps, findings }));
  const { manifest } = entry;
  assert.equal(unchanged, false);
  assert.deepEqual([manifest.seq, manifest.previous, manifest.operation], [1, null, "publish"]);
  assert.deepEqual([manifest.node_id, manifest.interval, manifest.grid], [NODE, 60, { step: 60, anchor: 0 }]);
  assert.deepEqual([manifest.range, manifest.publication_watermark], [[START, end], end]);
  assert.equal(manifest.row_count, 3 * 4096);
  assert.equal(manifest.dataset_fingerprint, fingerprintOf(bars, [START, end]));
  assert.equal(manifest.as_of, "2024-01-01T00:00:00.000Z");
  assert.deepEqual(manifest.conformance, { flags: { duplicate_ts: 3, gap: 10 }, warnings: [] });
  assert.deepEqual(manifest.coverage, { ratio: 12288 / 12298, explained_ratio: 12288 / 12298 });
  assert.deepEqual(manifest.gaps, [{
    start: START + 6000,
    end: START + 6600,
    bars: 10,
    reason: gaps[0].reason,
  }]);
  assert.deepEqual(manifest.covered, [[START, end]]);
  assert.deepEqual(manifest.findings, findings);
  assert.deepEqual(manifest.producer, {
    identity: "seamless",
    version: "0.1.0",
    worker: "test",
    exchange: "binance",
    source: "ccxt:binance",
    policy: { align: "reject", invariant: "flag" },
  });
  assert.deepEqual(await rowsOf(snapshots, manifest), bars);
  assert.deepEqual(await rowsInFiles(artifacts, manifest), bars);
  assert.equal(entry.manifestSha256, await sha256(canonicalBytes(manifest)));
  assert.deepEqual(await artifacts.get(entry.manifestUri), canonicalBytes(manifest));
  const sizes = await Promise.all((await objectsOf(artifacts)).map((key) => artifacts.size(key)));
  assert.equal(bytesWritten, sizes.reduce<number>((sum, size) => sum + size!, 0));
  assert.deepEqual(catalog, [{
    nodeId: NODE,
    seq: 1,
    asOfMs: T0,
    datasetFingerprint: manifest.dataset_fingerprint,
    manifestSha256: entry.manifestSha256,
  }]);
  assert.equal(events[0].event, "seamless.artifact.published");
  assert.equal(events[0].fields.dataset_fingerprint, manifest.dataset_fingerprint);
  assert.equal(events[0].fields.as_of, manifest.as_of);
});

Deno.test({ ...strict, name: "everything of a node lies under its percent-encoded folder" }, async () => {
  const { publisher, artifacts } = publishing();
  const nodeId = "ohlcv:binance:BTC/USDT:USDT:1m";
  await publisher.publish(holding(barsOf([START, START + 600]), { nodeId }));
  const folder = "ohlcv/exchange=binance/symbol=BTC%2FUSDT%3AUSDT/timeframe=1m/";
  const keys = await objectsOf(artifacts);
  assert.equal(keys.length, 2);
  assert.equal(keys[0], `${folder}log/000000000001.json`);
  assert.match(keys[1].slice(folder.length), /^segments\/[0-9a-f]{64}\.parquet$/);
});

Deno.test({ ...strict, name: "publishing what is there writes nothing and moves no as_of" }, async () => {
  const { publisher, artifacts, clock, catalog, events } = publishing();
  const bars = barsOf([START, START + CHUNK + 600]);
  const first = await publisher.publish(holding(bars));
  const before = await objectsOf(artifacts);
  clock.setWall(T0 + 3_600_000);
  const again = await publisher.publish(holding(bars));
  assert.deepEqual([again.unchanged, again.bytesWritten], [true, 0]);
  assert.deepEqual(again.entry, first.entry);
  assert.deepEqual(await objectsOf(artifacts), before);
  assert.equal(catalog.length, 1);
  assert.equal(events.at(-1)!.event, "seamless.artifact.unchanged");
});

Deno.test({ ...strict, name: "another process, and findings alone, change nothing either" }, async () => {
  const { publisher, artifacts } = publishing();
  const bars = barsOf([START, START + CHUNK + 600]);
  await publisher.publish(holding(bars));
  const other = publishing({ artifacts });
  const findings = [{ ts: START, flag: "ohlc_invariant", count: 1 }];
  assert.equal((await other.publisher.publish(holding(bars, { findings }))).unchanged, true);
  // The winner may have been killed before it told the catalog.
  assert.equal(other.catalog.length, 1);
});

Deno.test(
  { ...strict, name: "a publisher that holds a part of what is published writes nothing" },
  async () => {
    const { publisher, artifacts } = publishing();
    const bars = barsOf([START, START + 3 * CHUNK]);
    await publisher.publish(holding(bars));
    for (const part of [[START, START + 600], [START + CHUNK / 2, START + 2 * CHUNK]] as const) {
      const other = publishing({ artifacts });
      assert.equal((await other.publisher.publish(holding(barsOf(part)))).unchanged, true);
    }
    assert.equal((await publisher.publish(holding(bars, { within: [START, START + 180] }))).unchanged, true);
  },
);

Deno.test({
  ...strict,
  name: "new rows append: the log is chained, and only the open chunk is written again",
}, async () => {
  const { publisher, snapshots, artifacts, clock } = publishing();
  const first = (await publisher.publish(holding(barsOf([START, START + 9 * CHUNK + 600])))).entry;
  clock.setWall(T0 + 60_000);
  const before = new Set(await objectsOf(artifacts));
  const bars = barsOf([START, START + 9 * CHUNK + 1200]);
  const second = (await publisher.publish(holding(bars))).entry;
  assert.deepEqual([second.seq, second.manifest.previous], [2, first.manifestSha256]);
  assert.equal(second.manifest.operation, "publish");
  assert.equal(second.asOfMs, T0 + 60_000);
  const added = (await objectsOf(artifacts)).filter((key) => !before.has(key));
  assert.equal(added.length, 2, "one manifest, one segment");
  assert.deepEqual(await rowsOf(snapshots, second.manifest), bars);
  assert.deepEqual(await rowsInFiles(artifacts, second.manifest), bars);
  assert.deepEqual(await rowsInFiles(artifacts, first.manifest), barsOf([START, START + 9 * CHUNK + 600]));
});

Deno.test({ ...strict, name: "as_of strictly increases, whatever the clock does" }, async () => {
  const { publisher, clock } = publishing();
  const stamps: number[] = [];
  for (let i = 1; i <= 4; i++) {
    clock.setWall(T0 - i * 5000);
    stamps.push((await publisher.publish(holding(barsOf([START, START + i * 600])))).entry.asOfMs);
  }
  assert.deepEqual(stamps, [T0 - 5000, T0 - 4999, T0 - 4998, T0 - 4997]);
});

Deno.test(
  { ...strict, name: "a publisher that holds other bars adds them and takes nothing away" },
  async () => {
    const { publisher, artifacts } = publishing();
    const gap = { start: START + 600, end: START + 900, reason: "no_trades" as const };
    const early = barsOf([START, START + CHUNK + 6000], { skip: (ts) => ts >= gap.start && ts < gap.end });
    await publisher.publish(
      holding(early, { gaps: [gap], findings: [{ ts: START, flag: "duplicate_ts", count: 1 }] }),
    );
    const late = barsOf([START + CHUNK + 3000, START + 2 * CHUNK + 600]);
    const other = publishing({ artifacts });
    const { entry: { manifest } } = await other.publisher.publish(
      holding(late, { findings: [{ ts: START + 2 * CHUNK, flag: "ohlc_invariant", count: 1 }] }),
    );
    const all = barsOf([START, START + 2 * CHUNK + 600], { skip: (ts) => ts >= gap.start && ts < gap.end });
    assert.deepEqual(await rowsOf(other.snapshots, manifest), all);
    assert.equal(manifest.dataset_fingerprint, fingerprintOf(all, [START, START + 2 * CHUNK + 600]));
    assert.deepEqual(manifest.gaps, [{ ...gap, bars: 5 }]);
    assert.deepEqual(manifest.conformance.flags, { duplicate_ts: 1, ohlc_invariant: 1, gap: 5 });
    assert.equal(manifest.operation, "publish");
  },
);

Deno.test({ ...strict, name: "a bar that the venue no longer sends stays a bar" }, async () => {
  const { publisher, artifacts } = publishing();
  const bars = barsOf([START, START + 6000]);
  await publisher.publish(holding(bars));
  const gap = { start: START + 600, end: START + 1200, reason: "absent_at_source" as const };
  const holed = barsOf([START, START + 6600], { skip: (ts) => ts >= gap.start && ts < gap.end });
  const { publisher: second, snapshots } = publishing({ artifacts });
  const { entry: { manifest } } = await second.publish(holding(holed, { gaps: [gap] }));
  assert.deepEqual(await rowsOf(snapshots, manifest), barsOf([START, START + 6600]));
  assert.deepEqual(manifest.gaps, []);
});

Deno.test({ ...strict, name: "a bar that came late fills its gap" }, async () => {
  const { publisher, snapshots } = publishing();
  const gap = { start: START + 600, end: START + 1200, reason: "absent_at_source" as const };
  const holed = barsOf([START, START + 6000], { skip: (ts) => ts >= gap.start && ts < gap.end });
  await publisher.publish(holding(holed, { gaps: [gap] }));
  const bars = barsOf([START, START + 6000], { skip: (ts) => ts >= gap.start + 60 && ts < gap.end });
  const { entry: { manifest } } = await publisher.publish(
    holding(bars, { gaps: [{ ...gap, start: gap.start + 60 }] }),
  );
  assert.equal(manifest.operation, "publish");
  assert.deepEqual(await rowsOf(snapshots, manifest), bars);
  assert.deepEqual(manifest.gaps.map(({ bars }) => bars), [9]);
});

Deno.test(
  { ...strict, name: "a value that changed makes a revision, and rewrites its segment alone" },
  async () => {
    const { publisher, snapshots, artifacts } = publishing();
    const bars = barsOf([START, START + 70 * CHUNK]);
    const { entry: first } = await publisher.publish(holding(bars));
    const revised = barsOf([START, START + 70 * CHUNK]);
    revised.close[5000] += 1;
    const { entry: { manifest } } = await publisher.publish(holding(revised));
    assert.equal(manifest.operation, "revise");
    assert.deepEqual(await rowsOf(snapshots, manifest), revised);
    assert.deepEqual(await rowsInFiles(artifacts, first.manifest), bars);
    const kept = new Set(first.manifest.segments.map(({ uri }) => uri));
    assert.equal(manifest.segments.filter(({ uri }) => !kept.has(uri)).length, 1);
    assert.notEqual(manifest.dataset_fingerprint, first.manifest.dataset_fingerprint);
  },
);

Deno.test({ ...strict, name: "coverage that grows without rows is a snapshot of its own" }, async () => {
  const { publisher, artifacts } = publishing();
  const bars = barsOf([START, START + 6000]);
  const { entry: first } = await publisher.publish(holding(bars));
  const quiet = [{ start: START + 6000, end: START + 6600, reason: "no_trades" as const }];
  const { entry: { manifest } } = await publisher.publish(holding(bars, { gaps: quiet }));
  assert.equal(manifest.operation, "coverage");
  assert.deepEqual([manifest.publication_watermark, manifest.row_count], [START + 6600, 100]);
  assert.deepEqual(manifest.coverage, { ratio: 100 / 110, explained_ratio: 1 });
  assert.equal(manifest.dataset_fingerprint, fingerprintOf(bars, [START, START + 6600]));
  assert.deepEqual(manifest.segments, first.manifest.segments);
  const outage = [{ ...quiet[0], reason: "exchange_outage" as const }];
  const { entry: third } = await publisher.publish(holding(bars, { gaps: outage }));
  assert.equal(third.manifest.operation, "coverage");
  assert.equal(third.manifest.dataset_fingerprint, manifest.dataset_fingerprint);
  assert.equal((await objectsOf(artifacts)).filter((key) => key.endsWith(".parquet")).length, 1);
});

Deno.test({ ...strict, name: "a settled range without any bar can be published" }, async () => {
  const { publisher, snapshots } = publishing();
  const gaps = [{ start: START, end: START + 600, reason: "not_listed" as const }];
  const { entry: { manifest } } = await publisher.publish(holding(barsOf([START, START]), { gaps }));
  assert.deepEqual([manifest.row_count, manifest.segments, manifest.range], [0, [], [START, START + 600]]);
  assert.equal(manifest.dataset_fingerprint, fingerprintOf(barsOf([0, 0]), [START, START + 600]));
  assert.equal((await rowsOf(snapshots, manifest)).ts.length, 0);
});

Deno.test({ ...strict, name: "open slots inside the range stay open" }, async () => {
  const { publisher } = publishing();
  const bars = barsOf([START, START + 6000], { skip: (ts) => ts >= START + 600 && ts < START + 1200 });
  const { entry: { manifest } } = await publisher.publish(holding(bars));
  assert.deepEqual(manifest.covered, [[START, START + 600], [START + 1200, START + 6000]]);
  assert.deepEqual([manifest.gaps, manifest.conformance.flags], [[], { gap: 10 }]);
});

Deno.test({ ...strict, name: "a fill of the past goes before what is there" }, async () => {
  const { publisher, snapshots, artifacts } = publishing();
  await publisher.publish(holding(barsOf([START + 5 * CHUNK, START + 6 * CHUNK + 600])));
  const { publisher: other } = publishing({ artifacts });
  const { entry: { manifest } } = await other.publish(holding(barsOf([START + 120, START + 2 * CHUNK])));
  const [first, last] = [START + 120, START + 6 * CHUNK + 600];
  assert.deepEqual([manifest.range, manifest.publication_watermark], [[first, last], last]);
  const rows = await rowsOf(snapshots, manifest);
  assert.equal(rows.ts.length, 2 * 4096 - 2 + 4096 + 10);
});

Deno.test(
  { ...strict, name: "what the store took in since its state was taken is not published unclaimed" },
  async () => {
    const { publisher, snapshots } = publishing();
    const bars = barsOf([START, START + 6000], { skip: (ts) => ts === START + 1200 });
    const gaps = [{ start: START + 1200, end: START + 1260, reason: "absent_at_source" as const }];
    // Since then the late bar came, and ten more at the end.
    const stored = () => chunksOfBars(barsOf([START, START + 6600]));
    const { entry: { manifest } } = await publisher.publish(holding(bars, { gaps, stored }));
    assert.deepEqual(await rowsOf(snapshots, manifest), bars);
    assert.equal(manifest.dataset_fingerprint, fingerprintOf(bars, [START, START + 6000]));
  },
);

Deno.test({ ...strict, name: "a bar revised while it is published is published as it is now" }, async () => {
  const { publisher, snapshots } = publishing();
  await publisher.publish(holding(barsOf([START, START + 6000])));
  const now = barsOf([START, START + 6600]);
  now.close[3] += 7;
  const claimed = barsOf([START, START + 6600]);
  const { entry: { manifest } } = await publisher.publish(
    holding(claimed, { stored: () => chunksOfBars(now) }),
  );
  assert.deepEqual(await rowsOf(snapshots, manifest), now);
  assert.equal(manifest.dataset_fingerprint, fingerprintOf(now, [START, START + 6600]));
  assert.equal(manifest.operation, "revise");
});

Deno.test(
  { ...strict, name: "a revision that comes between planning and writing makes a new plan" },
  async () => {
    const { publisher, snapshots } = publishing();
    const claimed = barsOf([START, START + 3 * CHUNK]);
    const now = barsOf([START, START + 3 * CHUNK]);
    now.close[5000] += 7;
    const { entry: { manifest } } = await publisher.publish(
      holding(claimed, { stored: () => chunksOfBars(now) }),
    );
    assert.deepEqual(await rowsOf(snapshots, manifest), now);
    assert.equal(manifest.dataset_fingerprint, fingerprintOf(now, [START, START + 3 * CHUNK]));
  },
);

Deno.test(
  { ...strict, name: "claims that the store cannot keep are a bug and publish nothing" },
  async () => {
    const { publisher, artifacts } = publishing();
    const bars = barsOf([START, START + 6000]);
    const stored = () => chunksOfBars(barsOf([START, START + 6000], { skip: (ts) => ts === START + 60 }));
    await assert.rejects(publisher.publish(holding(bars, { stored })), /are claimed/);
    await assert.rejects(publisher.publish(holding(bars, { stored: () => [] })), /lacks chunk/);
    const gaps = [{ start: START, end: START + 60, reason: "no_trades" as const }];
    const contradiction = { ...holding(bars), gaps, covered: new Float64Array([START + 60, START + 6000]) };
    await assert.rejects(publisher.publish(contradiction), /covered slots/);
    assert.deepEqual(await objectsOf(artifacts), []);
  },
);

Deno.test({ ...strict, name: "another conformance version is another dataset" }, async () => {
  const { publisher } = publishing();
  const bars = barsOf([START, START + 6000]);
  const { entry: first } = await publisher.publish(holding(bars));
  const { entry, unchanged } = await publisher.publish(holding(bars, { conformanceVersion: "v3" }));
  assert.equal(unchanged, false);
  assert.notEqual(entry.manifest.dataset_fingerprint, first.manifest.dataset_fingerprint);
  assert.deepEqual(entry.manifest.segments, first.manifest.segments);
});

Deno.test({ ...strict, name: "nothing covered is told, unless something is published already" }, async () => {
  const { publisher } = publishing();
  const none = holding(barsOf([START, START]));
  await assert.rejects(publisher.publish(none), codeIs("COVERAGE_INCOMPLETE"));
  await publisher.publish(holding(barsOf([START, START + 600])));
  assert.equal((await publisher.publish(none)).unchanged, true);
});

Deno.test({ ...strict, name: "publication that is switched off is refused" }, async () => {
  for (const settings of [{ enabled: false }, { publishFingerprint: false }]) {
    const { publisher, artifacts } = publishing({ settings });
    await assert.rejects(publisher.publish(holding(barsOf([START, START + 600]))), codeIs("DOMAIN_DISABLED"));
    assert.deepEqual(await objectsOf(artifacts), []);
  }
});

Deno.test({
  ...strict,
  name: "warnings of what the publisher does not hold stay; those of what it holds anew are its own",
}, async () => {
  const { publisher } = publishing();
  const warned = async (from: number, to: number, ...warnings: string[]) =>
    (await publisher.publish({ ...holding(barsOf([START + from, START + to])), warnings })).entry.manifest
      .conformance.warnings;
  assert.deepEqual(await warned(0, 600, "first"), ["first"]);
  assert.deepEqual(await warned(600, 1_200, "second"), ["first", "second"]);
  assert.deepEqual(await warned(0, 1_800), []);
});
