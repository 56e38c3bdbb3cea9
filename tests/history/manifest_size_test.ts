/** Markets full of holes: their manifests stay small, and growing by an hour costs an hour. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { canonicalBytes } from "../../src/core/canonical_json.ts";
import { makeBars, viewBars } from "../../src/core/bar_frame.ts";
import type { Bars } from "../../src/core/bar_frame.ts";
import type { Publication } from "../../src/history/publication.ts";
import { SeededDice } from "../fake_clock.ts";
import { find, testNeeding } from "../needs.ts";
import { barsOf, compute, holding, MINUTE, START } from "./holdings.ts";
import { objectsOf, publishing, rowsOf } from "./publisher_fixture.ts";

const NODE = "ohlcv:bitfinex:BTC/USD:1m";
const YEAR = 366 * 86_400;

/** Every hole between the bars as a settled gap. */
function holesOf(bars: Bars): Publication["gaps"] {
  const runs = compute.segmentsOf(bars.ts, MINUTE);
  return Array.from({ length: runs.length / 2 - 1 }, (_, i) => ({
    start: runs[2 * i + 1],
    end: runs[2 * i + 2],
    reason: "absent_at_source",
  }));
}

/** Publishes all but the last hour, then all, and checks what both snapshots say. */
async function publishYear(bars: Bars, o: { gaps: number; fingerprint?: string }) {
  const { publisher, snapshots, artifacts } = publishing();
  const early = viewBars(bars, 0, bars.ts.length - 60);
  await publisher.publish(holding(early, { nodeId: NODE, gaps: [...holesOf(early)] }));
  const before = (await objectsOf(artifacts)).length;
  const { entry, bytesWritten } = await publisher.publish(
    holding(bars, { nodeId: NODE, gaps: [...holesOf(bars)] }),
  );
  const { manifest } = entry;
  const size = canonicalBytes(manifest).length;
  assert.ok(size <= 64 * 1024, `${size} bytes`);
  assert.ok(bytesWritten < 600_000, `${bytesWritten} bytes for an hour`);
  assert.ok((await objectsOf(artifacts)).length - before <= 5);
  const gaps = await snapshots.gaps(manifest, manifest.range);
  assert.deepEqual(gaps.length, o.gaps);
  assert.equal(gaps.reduce((sum, gap) => sum + gap.bars, 0), manifest.conformance.flags.gap);
  assert.deepEqual((await rowsOf(snapshots, manifest)).ts, bars.ts);
  if (o.fingerprint !== undefined) assert.equal(manifest.dataset_fingerprint, o.fingerprint);
}

Deno.test({
  name: "a year with 60,000 gaps makes a manifest of at most 64 KiB, and another hour writes little",
  sanitizeOps: true,
  sanitizeResources: true,
  async fn() {
    const dice = new SeededDice(2016);
    const skip = (ts: number) => ts > START && dice.random() < 0.145;
    const bars = barsOf([START, START + YEAR], { skip });
    const gaps = holesOf(bars).length;
    assert.ok(gaps > 60_000, `${gaps} gaps`);
    await publishYear(bars, { gaps });
  },
});

testNeeding(
  ["../shared"],
  "the recorded year of bitfinex_BTC-USD_1m__2016 with its 63,912 gaps fits a manifest",
  async () => {
    const shared = find("../shared")!;
    const recorded = JSON.parse(await Deno.readTextFile(join(shared, "vectors", "recorded.json")));
    const file = "bitfinex_BTC-USD_1m__2016.csv.gz";
    const { fingerprint } = recorded.cases.find((one: { file: string }) => one.file === file);
    const bars = await barsOfCsv(join(shared, "data", "bars", file));
    await publishYear(bars, { gaps: 63_912, fingerprint });
  },
);

async function barsOfCsv(path: string): Promise<Bars> {
  const packed = new Blob([await Deno.readFile(path)]).stream();
  const text = await new Response(packed.pipeThrough(new DecompressionStream("gzip"))).text();
  const lines = text.trimEnd().split("\n").slice(1);
  const bars = makeBars(lines.length);
  lines.forEach((line, i) => {
    const cells = line.split(",").map(Number);
    [bars.ts[i], bars.open[i], bars.high[i], bars.low[i], bars.close[i], bars.volume[i]] = cells;
  });
  return bars;
}
