import assert from "node:assert/strict";
import { createMemoryArtifacts } from "../../src/adapters/artifact_store/memory.ts";
import { HistoryError } from "../../src/core/errors.ts";
import type { ErrorCode } from "../../src/core/errors.ts";
import type { ArtifactStore } from "../../src/core/ports.ts";
import { toPairs } from "../../src/core/time_range.ts";
import { createSnapshots } from "../../src/history/snapshots.ts";
import { FakeClock } from "../fake_clock.ts";
import { barsOf, chunksOfBars, codec, compute, holding, NODE, START } from "./holdings.ts";
import { publishing, rowsOf, T0 } from "./publisher_fixture.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const CHUNK = 4096 * 60;
const HOUR = 3_600_000;

function codeIs(code: ErrorCode) {
  return (error: unknown) => error instanceof HistoryError && error.code === code && error.hint !== "";
}

/** A store that counts what is asked of it. */
function counting(store: ArtifactStore) {
  const counts = { get: 0, size: 0, bytes: 0 };
  const counted: ArtifactStore = {
    get: async (key, range) => {
      counts.get++;
      const bytes = await store.get(key, range);
      counts.bytes += bytes?.length ?? 0;
      return bytes;
    },
    size: (key) => {
      counts.size++;
      return store.size(key);
    },
    putIfAbsent: (key, bytes) => store.putIfAbsent(key, bytes),
    list: (prefix) => store.list(prefix),
    skewMs: () => store.skewMs(),
    probe: () => store.probe(),
    close: () => store.close(),
  };
  return { counts, counted };
}

/** A log of `count` snapshots, one an hour from T0 on, each with ten bars more. */
async function hourlyLog(count: number, artifacts = createMemoryArtifacts()) {
  const site = publishing({ artifacts });
  const stamps: number[] = [];
  for (let i = 1; i <= count; i++) {
    site.clock.setWall(T0 + i * HOUR);
    stamps.push((await site.publisher.publish(holding(barsOf([START, START + i * 600])))).entry.asOfMs);
  }
  return { ...site, stamps };
}

/** Readers that know nothing yet. */
function freshReaders(artifacts: ArtifactStore, nowMs: number) {
  return createSnapshots({
    artifacts,
    codec,
    compute,
    clock: new FakeClock(nowMs),
    settings: { asOfSettleSec: 30 },
  });
}

Deno.test({
  ...strict,
  name: "head() is null before the first publication, and the newest snapshot after each",
}, async () => {
  const { publisher, snapshots } = publishing();
  assert.equal(await snapshots.head(NODE), null);
  for (let i = 1; i <= 5; i++) {
    const { entry } = await publisher.publish(holding(barsOf([START, START + i * 600])));
    assert.deepEqual(await snapshots.head(NODE), entry);
  }
});

Deno.test({
  ...strict,
  name: "head() sees what another process published, at the cost of one look when it did not",
}, async () => {
  const { artifacts, stamps } = await hourlyLog(3);
  const { counts, counted } = counting(artifacts);
  const readers = freshReaders(counted, T0 + 9 * HOUR);
  assert.equal((await readers.head(NODE))!.seq, 3);
  const before = { ...counts };
  assert.equal((await readers.head(NODE))!.seq, 3);
  assert.deepEqual({ get: counts.get - before.get, size: counts.size - before.size }, { get: 0, size: 1 });
  const other = publishing({ artifacts, clock: new FakeClock(T0 + 4 * HOUR) });
  await other.publisher.publish(holding(barsOf([START, START + 2400])));
  assert.equal((await readers.head(NODE))!.seq, 4);
  assert.equal(stamps.length, 3);
});

Deno.test({ ...strict, name: "resolveAsOf() is the newest snapshot at or before the instant" }, async () => {
  const { artifacts, stamps } = await hourlyLog(20);
  for (const fresh of [true, false]) {
    let readers = freshReaders(artifacts, T0 + 40 * HOUR);
    for (const [i, stamp] of stamps.entries()) {
      if (fresh) readers = freshReaders(artifacts, T0 + 40 * HOUR);
      assert.equal((await readers.resolveAsOf(NODE, stamp)).seq, i + 1);
      assert.equal((await readers.resolveAsOf(NODE, stamp + 1)).seq, i + 1);
      if (i > 0) assert.equal((await readers.resolveAsOf(NODE, stamp - 1)).seq, i);
    }
    await assert.rejects(readers.resolveAsOf(NODE, stamps[0] - 1), codeIs("SNAPSHOT_UNKNOWN"));
    assert.equal((await readers.resolveAsOf(NODE, T0 + 39 * HOUR)).seq, 20);
  }
});

Deno.test({
  ...strict,
  name: "an as_of is settled when it is old enough, or a snapshot stands at or after it",
}, async () => {
  const { artifacts, stamps } = await hourlyLog(2);
  const last = stamps[1];
  const readers = freshReaders(artifacts, last + 20_000);
  for (const asOf of [last + 1, last + 19_999, last + HOUR]) {
    await assert.rejects(readers.resolveAsOf(NODE, asOf), (error) => {
      return codeIs("AS_OF_NOT_SETTLED")(error) && (error as HistoryError).retryAfter! > 0;
    });
  }
  assert.equal((await readers.resolveAsOf(NODE, last)).seq, 2);
  assert.equal((await readers.resolveAsOf(NODE, last - 1)).seq, 1);
  const later = freshReaders(artifacts, last + 31_000);
  assert.equal((await later.resolveAsOf(NODE, last + 1000)).seq, 2);
  await assert.rejects(later.resolveAsOf(NODE, last + 1001), codeIs("AS_OF_NOT_SETTLED"));
});

Deno.test({ ...strict, name: "what an as_of resolved to once, it resolves to for ever" }, async () => {
  const artifacts = createMemoryArtifacts();
  const site = publishing({ artifacts });
  const answers = new Map<number, number>();
  for (let i = 1; i <= 12; i++) {
    site.clock.setWall(T0 + i * 20_000);
    await site.publisher.publish(holding(barsOf([START, START + i * 600])));
    for (let asOf = T0; asOf < T0 + i * 20_000 + 60_000; asOf += 5000) {
      const seq = await site.snapshots.resolveAsOf(NODE, asOf).then(({ seq }) => seq, (error) => {
        assert.ok(error instanceof HistoryError);
        return error.code === "AS_OF_NOT_SETTLED" ? null : 0;
      });
      if (seq !== null) assert.equal(seq, answers.get(asOf) ?? seq, `as of ${asOf - T0}`);
      if (seq !== null) answers.set(asOf, seq);
    }
  }
  assert.ok(answers.size > 40);
});

Deno.test({ ...strict, name: "byFingerprint() picks the oldest snapshot that has it" }, async () => {
  const { publisher, snapshots, artifacts } = publishing();
  const bars = barsOf([START, START + 600]);
  const { entry: first } = await publisher.publish(holding(bars));
  const quiet = { start: START + 600, end: START + 1200 };
  const fingerprints: string[] = [];
  for (const reason of ["absent_at_source", "exchange_outage", "no_trades"] as const) {
    const { entry } = await publisher.publish(holding(bars, { gaps: [{ ...quiet, reason }] }));
    fingerprints.push(entry.manifest.dataset_fingerprint);
  }
  assert.equal(new Set(fingerprints).size, 1);
  for (const readers of [snapshots, freshReaders(artifacts, T0)]) {
    assert.equal((await readers.byFingerprint(NODE, fingerprints[0])).seq, 2);
    assert.equal((await readers.byFingerprint(NODE, first.manifest.dataset_fingerprint)).seq, 1);
    await assert.rejects(readers.byFingerprint(NODE, `sfp1:${"0".repeat(64)}`), codeIs("SNAPSHOT_UNKNOWN"));
  }
});

Deno.test({ ...strict, name: "list() pages through a log, newest first" }, async () => {
  const { snapshots, stamps } = await hourlyLog(20);
  const seqs = async (o: Parameters<typeof snapshots.list>[1]) => {
    const page = await snapshots.list(NODE, o);
    return [page.snapshots.map(({ seq }) => seq), page.next];
  };
  assert.deepEqual(await seqs({ limit: 3 }), [[20, 19, 18], 18]);
  assert.deepEqual(await seqs({ limit: 3, before: 18 }), [[17, 16, 15], 15]);
  assert.deepEqual(await seqs({ limit: 3, before: 3 }), [[2, 1], null]);
  assert.deepEqual(await seqs({ limit: 3, before: 1 }), [[], null]);
  assert.deepEqual(await seqs({ limit: 100 }), [Array.from({ length: 20 }, (_, i) => 20 - i), null]);
  assert.deepEqual(await seqs({ limit: 2, asOfMs: stamps[4] }), [[5, 4], 4]);
  assert.deepEqual(await seqs({ limit: 2, asOfMs: T0 }), [[], null]);
  const { manifest } = (await snapshots.at(NODE, 7))!;
  assert.deepEqual(await seqs({ limit: 5, fingerprint: manifest.dataset_fingerprint }), [[7], null]);
  assert.deepEqual(await seqs({ limit: 5, fingerprint: `sfp1:${"0".repeat(64)}` }), [[], null]);
});

Deno.test({ ...strict, name: "a node that was never published has an empty list" }, async () => {
  const { snapshots } = publishing();
  assert.deepEqual(await snapshots.list("ohlcv:kraken:ETH/USD:1h", { limit: 10 }), {
    snapshots: [],
    next: null,
  });
  await assert.rejects(snapshots.manifestOf({ nodeId: NODE, seq: 4 }), codeIs("SNAPSHOT_UNKNOWN"));
});

Deno.test(
  { ...strict, name: "covered, gaps, findings and chunks are read from pages and manifest alike" },
  async () => {
    const { publisher, artifacts } = publishing();
    const skip = (ts: number) => ts % 300 === 0;
    const end = START + 3 * CHUNK;
    const bars = barsOf([START, end], { skip });
    const gaps = Array.from({ length: (end - START) / 300 }, (_, i) => {
      const start = Math.ceil(START / 300) * 300 + i * 300;
      return { start, end: start + 60, reason: "absent_at_source" as const };
    }).filter((gap) => gap.end <= end);
    const findings = Array.from(
      { length: 700 },
      (_, i) => ({ ts: START + i * 60, flag: "conflict", count: 1 }),
    );
    const { entry: { manifest } } = await publisher.publish(holding(bars, { gaps, findings }));
    assert.ok(manifest.pages.gaps.length > 0 && manifest.pages.findings.length > 0);
    const readers = freshReaders(artifacts, T0);
    const counted = gaps.map((gap) => ({ ...gap, bars: 1 }));
    assert.deepEqual(await readers.gaps(manifest, manifest.range), counted);
    assert.deepEqual((await readers.lists(manifest)).gaps, counted);
    assert.deepEqual(toPairs(await readers.covered(manifest)), [[START, end]]);
    assert.deepEqual(await readers.findings(manifest, [START + 600, START + 900]), findings.slice(10, 15));
    const inner: [number, number] = [START + CHUNK, START + CHUNK + 3000];
    assert.deepEqual(
      await readers.gaps(manifest, inner),
      counted.filter((gap) => gap.start >= inner[0] && gap.end <= inner[1]),
    );
    const digests = chunksOfBars(bars).map(({ k, rows, digest }) => ({ k, rows, digest }));
    assert.deepEqual(await readers.chunkDigests(manifest), digests);
    assert.deepEqual(await readers.chunkDigests(manifest, inner), [digests[1]]);
  },
);

Deno.test({ ...strict, name: "gaps() clips to the range that is asked" }, async () => {
  const { publisher, snapshots } = publishing();
  const gap = { start: START + 600, end: START + 1800, reason: "exchange_outage" as const };
  const skip = (ts: number) => ts >= gap.start && ts < gap.end;
  const { entry: { manifest } } = await publisher.publish(
    holding(barsOf([START, START + 6000], { skip }), { gaps: [gap] }),
  );
  assert.deepEqual(await snapshots.gaps(manifest, [START + 900, START + 1200]), [
    { start: START + 900, end: START + 1200, bars: 5, reason: "exchange_outage" },
  ]);
  assert.deepEqual(await snapshots.gaps(manifest, [START, START + 600]), []);
});

Deno.test({ ...strict, name: "requireCovered() names what a snapshot does not cover" }, async () => {
  const { publisher, snapshots } = publishing();
  const skip = (ts: number) => ts >= START + 600 && ts < START + 1200;
  const { entry: { manifest } } = await publisher.publish(holding(barsOf([START, START + 6000], { skip })));
  await snapshots.requireCovered(manifest, [START, START + 600]);
  await snapshots.requireCovered(manifest, [START + 1200, START + 6000]);
  await assert.rejects(snapshots.requireCovered(manifest, [START - 120, START + 6060]), (error) => {
    assert.ok(codeIs("ARTIFACT_MISSING")(error));
    assert.deepEqual((error as HistoryError).ranges, [
      [START - 120, START],
      [START + 600, START + 1200],
      [START + 6000, START + 6060],
    ]);
    return true;
  });
});

Deno.test({ ...strict, name: "readChunks() yields the whole chunks of a range, ascending" }, async () => {
  const { publisher, artifacts } = publishing();
  const bars = barsOf([START, START + 140 * CHUNK]);
  const { entry: { manifest } } = await publisher.publish(holding(bars));
  const chunks = chunksOfBars(bars);
  const readers = freshReaders(artifacts, T0);
  const read = (from: number, to: number) => Array.fromAsync(readers.readChunks(manifest, [from, to]));
  assert.deepEqual(await read(START + CHUNK + 60, START + CHUNK + 120), [chunks[1]]);
  assert.deepEqual(await read(START + 60 * CHUNK, START + 70 * CHUNK), chunks.slice(60, 70));
  assert.deepEqual(await read(START - CHUNK, START + CHUNK), [chunks[0]]);
  assert.deepEqual(await read(START + 500 * CHUNK, START + 600 * CHUNK), []);
  const all = await read(START, START + 140 * CHUNK);
  assert.deepEqual(all.map(({ digest }) => digest), chunks.map(({ digest }) => digest));
});

Deno.test(
  { ...strict, name: "verified chunks are kept, and serve every snapshot that has them" },
  async () => {
    const { publisher, artifacts } = publishing();
    const { entry: first } = await publisher.publish(holding(barsOf([START, START + 3 * CHUNK])));
    const { entry: second } = await publisher.publish(holding(barsOf([START, START + 4 * CHUNK])));
    const { counts, counted } = counting(artifacts);
    const readers = freshReaders(counted, T0);
    await rowsOf(readers, first.manifest);
    const before = counts.get;
    await rowsOf(readers, first.manifest);
    assert.equal(counts.get, before);
    await rowsOf(readers, second.manifest, [START, START + 3 * CHUNK]);
    assert.equal(counts.get, before);
  },
);

Deno.test({ ...strict, name: "a small question reads a small part of a segment" }, async () => {
  const { publisher, artifacts } = publishing();
  const { entry: { manifest } } = await publisher.publish(holding(barsOf([START, START + 130 * CHUNK])));
  const { counts, counted } = counting(artifacts);
  const readers = freshReaders(counted, T0);
  await rowsOf(readers, manifest, [START + 70 * CHUNK, START + 70 * CHUNK + 60]);
  const whole = manifest.segments.reduce((sum, segment) => sum + segment.bytes, 0);
  assert.ok(counts.bytes < whole / 8, `${counts.bytes} of ${whole}`);
});

Deno.test({ ...strict, name: "a changed segment is never served" }, async () => {
  const artifacts = createMemoryArtifacts();
  const { publisher } = publishing({ artifacts });
  const { entry: { manifest } } = await publisher.publish(holding(barsOf([START, START + CHUNK])));
  const [segment] = manifest.segments;
  const good = (await artifacts.get(segment.uri))!;
  for (const at of [40, 5000, good.length - 300]) {
    const bad = good.slice();
    bad[at] ^= 1;
    const lying: ArtifactStore = { ...counting(artifacts).counted };
    lying.get = (key, range) =>
      key === segment.uri ? Promise.resolve(bad.slice(range?.start, range?.end)) : artifacts.get(key, range);
    await assert.rejects(rowsOf(freshReaders(lying, T0), manifest), (error) => {
      return codeIs("VERIFY_FAILED")(error) && (error as Error).message.includes(segment.uri);
    });
  }
});

Deno.test({ ...strict, name: "a changed page is never served" }, async () => {
  const artifacts = createMemoryArtifacts();
  const { publisher } = publishing({ artifacts });
  const skip = (ts: number) => ts % 120 === 0;
  const { entry: { manifest } } = await publisher.publish(holding(barsOf([START, START + CHUNK], { skip })));
  const [page] = manifest.pages.covered;
  const bad = (await artifacts.get(page.uri))!;
  bad[20] ^= 1;
  const lying: ArtifactStore = { ...counting(artifacts).counted };
  lying.get = (key, range) => key === page.uri ? Promise.resolve(bad) : artifacts.get(key, range);
  await assert.rejects(freshReaders(lying, T0).covered(manifest), codeIs("VERIFY_FAILED"));
  lying.get = (key, range) => key === page.uri ? Promise.resolve(null) : artifacts.get(key, range);
  const readers = freshReaders(lying, T0);
  await assert.rejects(readers.covered(manifest), codeIs("ARTIFACT_MISSING"));
  lying.get = (key, range) => artifacts.get(key, range);
  assert.ok((await readers.covered(manifest)).length > 0, "a failure is not remembered");
});

Deno.test({ ...strict, name: "a segment that is gone is told with its range" }, async () => {
  const artifacts = createMemoryArtifacts();
  const { publisher } = publishing({ artifacts });
  const { entry: { manifest } } = await publisher.publish(holding(barsOf([START, START + 3 * CHUNK])));
  const lost: ArtifactStore = { ...counting(artifacts).counted };
  lost.size = (key) => key === manifest.segments[1].uri ? Promise.resolve(null) : artifacts.size(key);
  await assert.rejects(rowsOf(freshReaders(lost, T0), manifest), (error) => {
    assert.ok(codeIs("ARTIFACT_MISSING")(error));
    assert.deepEqual((error as HistoryError).ranges, [manifest.segments[1].range]);
    return true;
  });
});

Deno.test({ ...strict, name: "a chunk that no segment holds is not passed over" }, async () => {
  const { publisher, snapshots } = publishing();
  const { entry: { manifest } } = await publisher.publish(holding(barsOf([START, START + 3 * CHUNK])));
  for (const lost of [0, 1, 2]) {
    const segments = manifest.segments.filter((_, i) => i !== lost);
    await assert.rejects(rowsOf(snapshots, { ...manifest, segments }), codeIs("VERIFY_FAILED"));
  }
});

Deno.test({ ...strict, name: "a log with a hole is told, not served around" }, async () => {
  const { artifacts } = await hourlyLog(5);
  const key = (await Array.fromAsync(artifacts.list(""))).find((name) => name.endsWith("000000000004.json"))!;
  const holed: ArtifactStore = { ...counting(artifacts).counted };
  holed.get = (name, range) => name === key ? Promise.resolve(null) : artifacts.get(name, range);
  await assert.rejects(freshReaders(holed, T0).list(NODE, { limit: 10 }), codeIs("ARTIFACT_MISSING"));
});

Deno.test({ ...strict, name: "reading stops when its signal fires" }, async () => {
  const { publisher, artifacts } = publishing();
  const { entry: { manifest } } = await publisher.publish(holding(barsOf([START, START + 6 * CHUNK])));
  const readers = freshReaders(artifacts, T0);
  const stop = new AbortController();
  const seen: number[] = [];
  await assert.rejects(async () => {
    for await (const chunk of readers.readChunks(manifest, manifest.range, stop.signal)) {
      seen.push(chunk.k);
      stop.abort();
    }
  }, codeIs("CANCELLED"));
  assert.equal(seen.length, 1);
});
