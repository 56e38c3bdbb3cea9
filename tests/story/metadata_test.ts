/** The metadata of surface.md §3, field for field, in each kind of answer: always present, null where there is none. */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { stall } from "./scripted_venue.ts";
import { FORMING, inWorld, NODE, type Told, type World } from "./world.ts";

const RANGE = { start: FORMING - 3_600, end: FORMING - 1_800 };

/** The fields of the page, with what each may be. */
const SHAPE: Record<string, (value: unknown) => boolean> = {
  node_id: isText,
  interval: isWhole,
  grid: (value) => isRecord(value) && ("unit" in value || ("step" in value && "anchor" in value)),
  requested_range: isRange,
  effective_range: isRange,
  rows: isWhole,
  coverage_bounds: orNull(isRange),
  coverage_ratio: isRatio,
  explained_ratio: isRatio,
  complete: (value) => typeof value === "boolean",
  gaps: (value) => Array.isArray(value) && value.every(isGap),
  gaps_total: isWhole,
  conformance_version: (value) => value === "v2",
  conformance_flags: (value) =>
    isRecord(value) && Object.values(value).every((count) => isWhole(count) && count > 0),
  conformance_warnings: (value) => Array.isArray(value) && value.every(isText),
  final_until: isWhole,
  dataset_fingerprint: orNull(isFingerprint),
  fingerprint_scope: (value) => value === "snapshot" || value === "answer",
  answer_fingerprint: orNull(isFingerprint),
  preview_fingerprint: orNull(isFingerprint),
  as_of: orNull(isAsOf),
  requested_as_of: orNull(isAsOf),
  snapshot: orNull((value) =>
    isRecord(value) && isWhole(value.seq) && isText(value.manifest_uri) &&
    /^[0-9a-f]{64}$/.test(String(value.manifest_sha256)) && Object.keys(value).length === 3
  ),
  world_id: isText,
  execution_domain: (value) => ["backtest", "dryrun", "live"].includes(String(value)),
  session_id: (value) => value === null,
  strategy: (value) => ["FAIL_FAST", "AUTO_BACKFILL", "PARTIAL_FILL", "SEAMLESS"].includes(String(value)),
  features: isRecord,
  verdict: (value) => isRecord(value) && isText(value.mode) && Array.isArray(value.reasons),
  sla: orNull((value) => isRecord(value) && isRecord(value.phases) && "violation" in value),
  sources: orNull((value) =>
    isRecord(value) && Object.keys(value).join() === "cache,snapshot,storage,backfill,live"
  ),
  staleness_seconds: orNull(isWhole),
  retry_after: orNull(isWhole),
};

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length > 0;
}
function isWhole(value: unknown): value is number {
  return Number.isInteger(value);
}
function isRatio(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value <= 1;
}
function isRange(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && value.every(isWhole) && value[0] <= value[1];
}
function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
function isFingerprint(value: unknown): boolean {
  return /^sfp1:[0-9a-f]{64}$/.test(String(value));
}
function isAsOf(value: unknown): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(String(value));
}
function isGap(value: unknown): boolean {
  return isRecord(value) && Object.keys(value).join() === "start,end,bars,reason,settled,alternative";
}
function orNull(is: (value: unknown) => boolean): (value: unknown) => boolean {
  return (value) => value === null || is(value);
}

function checkShape({ frame, ...metadata }: Told): void {
  deepStrictEqual(Object.keys(metadata).sort(), Object.keys(SHAPE).sort());
  for (const [name, value] of Object.entries(metadata)) {
    ok(SHAPE[name](value), `${name} = ${JSON.stringify(value)}`);
  }
  strictEqual(metadata.rows, frame.ts.length);
  const missing = metadata.gaps.reduce((slots, gap) => slots + gap.bars, 0);
  const [start, end] = metadata.effective_range;
  const slots = (end - start) / metadata.interval;
  strictEqual(metadata.rows + missing, slots);
  strictEqual(metadata.coverage_ratio, slots === 0 ? 1 : metadata.rows / slots);
  strictEqual(metadata.conformance_flags.gap ?? 0, missing);
  deepStrictEqual(
    metadata.coverage_bounds,
    metadata.rows === 0 ? null : [frame.ts[0], frame.ts[frame.ts.length - 1] + metadata.interval],
  );
  if (metadata.sources !== null) {
    strictEqual(Object.values(metadata.sources).reduce((sum, rows) => sum + rows, 0), metadata.rows);
  }
}

const KINDS: [string, (world: World) => Promise<Told>][] = [
  ["a fetched past", (world) => world.ask(RANGE)],
  ["the newest bars", (world) => world.ask({ last: 12 })],
  ["a future end", (world) => world.ask({ start: FORMING - 600, end: FORMING + 600 })],
  ["an empty range", (world) => world.ask({ start: FORMING - 600, end: FORMING - 600 })],
  ["nothing yet", (world) => {
    world.venue.deed = stall;
    return world.ask({ ...RANGE, strategy: "PARTIAL_FILL" });
  }],
  ["a broken deadline", (world) => {
    world.venue.deed = stall;
    return world.ask({ ...RANGE, sla: { on_violation: "HOLD" } });
  }],
  ["a sync gap", (world) => world.ask({ ...RANGE, sla: { max_sync_gap_bars: 3 } })],
  ["holes", (world) => {
    world.venue.isAbsent = (ts) => (ts / 60) % 7 === 0;
    return world.ask(RANGE);
  }],
  ["nothing at all", (world) => {
    world.venue.isAbsent = () => true;
    return world.ask(RANGE);
  }],
  ["every feature", (world) =>
    world.ask({
      last: 12,
      features: {
        early_fingerprint: true,
        publish_fingerprint: false,
        align: "floor",
        invariant: "quarantine",
      },
    })],
  ["a backtest", async (world) => {
    const { as_of } = await world.ask(RANGE);
    return await world.ask({ ...RANGE, executionDomain: "backtest", asOf: as_of! });
  }],
  ["a pinned live read", async (world) => {
    const { dataset_fingerprint } = await world.ask(RANGE);
    return await world.ask({ ...RANGE, executionDomain: "live", fingerprint: dataset_fingerprint! });
  }],
];

for (const [name, ask] of KINDS) {
  Deno.test(`the metadata of ${name} has every field of the page, and its numbers add up`, () =>
    inWorld({}, async (world) => checkShape(await ask(world))));
}

/** A fetched half hour with one hole in it: everything but what only hashing can say. */
function workedShape(fingerprint: string, manifestSha256: string) {
  return {
    node_id: NODE,
    interval: 60,
    grid: { step: 60, anchor: 0 },
    requested_range: [RANGE.start, RANGE.end],
    effective_range: [RANGE.start, RANGE.end],
    rows: 29,
    coverage_bounds: [RANGE.start, RANGE.end],
    coverage_ratio: 29 / 30,
    explained_ratio: 29 / 30,
    complete: true,
    gaps: [{
      start: RANGE.start + 600,
      end: RANGE.start + 660,
      bars: 1,
      reason: "absent_at_source",
      settled: true,
      alternative: null,
    }],
    gaps_total: 1,
    conformance_version: "v2",
    conformance_flags: { gap: 1 },
    conformance_warnings: [],
    final_until: RANGE.end,
    dataset_fingerprint: fingerprint,
    fingerprint_scope: "snapshot",
    answer_fingerprint: fingerprint,
    preview_fingerprint: null,
    as_of: "2024-01-02T00:00:30.000Z",
    requested_as_of: null,
    snapshot: {
      seq: 1,
      manifest_uri: "ohlcv/exchange=binance/symbol=BTC%2FUSDT/timeframe=1m/log/000000000001.json",
      manifest_sha256: manifestSha256,
    },
    world_id: "w1",
    execution_domain: "live",
    session_id: null,
    strategy: "SEAMLESS",
    features: {},
    verdict: { mode: "PASS", reasons: [] },
    sla: {
      phases: {
        storage_wait: { ms: 0, budget_ms: 300 },
        backfill_wait: { ms: 0, budget_ms: 1_500 },
        total: { ms: 0, budget_ms: 1_500 },
      },
      violation: null,
    },
    sources: { cache: 0, snapshot: 0, storage: 0, backfill: 29, live: 0 },
    staleness_seconds: 1_830,
    retry_after: null,
  };
}

Deno.test("the worked shape: a fetched past, every field by its value", () =>
  inWorld({}, async (world) => {
    world.venue.isAbsent = (ts) => ts === RANGE.start + 600;
    const { frame: _frame, ...metadata } = await world.ask({ ...RANGE, worldId: "w1" });
    deepStrictEqual(metadata, workedShape(metadata.answer_fingerprint!, metadata.snapshot!.manifest_sha256));
    const again = await world.ask({ ...RANGE, worldId: "w1" });
    deepStrictEqual(again.sources, { cache: 0, snapshot: 0, storage: 29, backfill: 0, live: 0 });
    deepStrictEqual(Object.keys(again.sla!.phases), ["storage_wait", "total"]);
  }));

Deno.test("gaps holds the first 1,000, gaps_total counts all", () =>
  inWorld({ config: { seamless: { backfill: { window_bars: 900 } } } }, async (world) => {
    world.venue.isAbsent = (ts) => (ts / 60) % 2 === 1;
    const told = await world.ask({ start: FORMING - 60 * 3_000, end: FORMING - 60 * 600 });
    deepStrictEqual([told.gaps.length, told.gaps_total, told.rows], [1_000, 1_200, 1_200]);
    strictEqual(told.conformance_flags.gap, 1_200);
  }));

Deno.test("gap_flagging false leaves gap out of the flags and lists the gaps all the same", () =>
  inWorld({ config: { seamless: { conformance: { gap_flagging: false } } } }, async (world) => {
    world.venue.isAbsent = (ts) => ts === RANGE.start;
    const told = await world.ask(RANGE);
    deepStrictEqual([told.conformance_flags, told.gaps_total], [{}, 1]);
  }));
