/** The names that answers give to their rows (spec §7): whose fingerprint it is, on which grids, and when there is none. */

import { deepStrictEqual, notStrictEqual, strictEqual } from "node:assert/strict";
import { barsBetween, emptyBars } from "../../src/core/bar_frame.ts";
import { HistoryError } from "../../src/core/errors.ts";
import type { ArtifactStore } from "../../src/core/ports.ts";
import { gridOf } from "../../src/core/timeframe.ts";
import { ScriptedVenue, valuesOf } from "./scripted_venue.ts";
import { compute, FORMING, inWorld, NODE, type Told, type World } from "./world.ts";

const HOUR = 3_600;
const DAY = 86_400;
const PAST = { start: FORMING - 3 * HOUR, end: FORMING - 2 * HOUR };

/** The fingerprint that any client computes from what it received. */
function recomputed(told: Told): string {
  const { node_id: nodeId, grid, final_until } = told;
  const range = [told.effective_range[0], final_until] as const;
  return compute.fingerprint(barsBetween(told.frame, ...range), {
    nodeId,
    grid: "unit" in grid ? grid : { ...grid },
    range,
    conformanceVersion: "v2",
  }).fingerprint;
}

Deno.test("no final rows over a non-empty range have the fingerprint of no rows; an empty range has none", () =>
  inWorld({}, async (world) => {
    world.venue.absentSpans = [{ start: PAST.start - DAY, end: PAST.end, reason: "not_listed" }];
    const told = await world.ask(PAST);
    const range = [PAST.start, PAST.end] as const;
    const claims = { nodeId: NODE, grid: gridOf("1m"), range, conformanceVersion: "v2" };
    const ofNothing = compute.fingerprint(emptyBars(), claims).fingerprint;
    deepStrictEqual([told.rows, told.complete, told.coverage_bounds, told.answer_fingerprint], [
      0,
      true,
      null,
      ofNothing,
    ]);
    deepStrictEqual([told.dataset_fingerprint, told.fingerprint_scope], [ofNothing, "snapshot"]);

    const empty = await world.ask({ start: PAST.start, end: PAST.start });
    deepStrictEqual(
      [empty.answer_fingerprint, empty.fingerprint_scope, empty.snapshot, empty.coverage_ratio],
      [
        null,
        "answer",
        null,
        1,
      ],
    );
  }));

/** An artifact store that takes nothing more once `full` is set. */
function fillingUp(store: ArtifactStore, disk: { full: boolean }): ArtifactStore {
  return new Proxy(store, {
    get(target, name) {
      if (name === "putIfAbsent" && disk.full) {
        return () =>
          Promise.reject(
            new HistoryError("ARTIFACT_STORE_UNAVAILABLE", "Cannot write: the disk is full", {
              hint: "Make room",
            }),
          );
      }
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

Deno.test("rows that were revised since the newest snapshot are named by themselves; as_of stays the snapshot's", () => {
  const disk = { full: false };
  const through = { artifacts: (store: ArtifactStore) => fillingUp(store, disk) };
  return inWorld({ through }, async (world) => {
    const first = await world.ask(PAST);
    strictEqual(first.fingerprint_scope, "snapshot");
    disk.full = true;
    world.venue.values = (ts) => valuesOf(ts, ts === PAST.start + 600 ? 1 : 0);
    await world.service.fill({ nodes: [NODE], ...PAST, refetch: true }, {});

    const told = await world.ask(PAST);
    notStrictEqual(told.answer_fingerprint, first.answer_fingerprint);
    deepStrictEqual([told.fingerprint_scope, told.snapshot, told.as_of], ["answer", null, first.as_of]);
    deepStrictEqual([told.dataset_fingerprint, told.answer_fingerprint], [
      told.answer_fingerprint,
      recomputed(told),
    ]);
    const beside = await world.ask({ ...PAST, start: PAST.start + 30 * 60 });
    deepStrictEqual([beside.fingerprint_scope, beside.snapshot!.seq], ["snapshot", 1]);
  });
});

/** Whole windows of each grid, so that no more is fetched than is asked. */
const GRIDS: [string, number, number, Record<string, unknown>][] = [
  ["1M", Date.UTC(2022, 6) / 1_000, Date.UTC(2023, 4) / 1_000, { unit: "month" }],
  ["1w", Date.UTC(2023, 7, 7) / 1_000, Date.UTC(2023, 9, 16) / 1_000, { step: 7 * DAY, anchor: 4 * DAY }],
  ["7d", Date.UTC(2023, 7, 10) / 1_000, Date.UTC(2023, 9, 19) / 1_000, { step: 7 * DAY, anchor: 0 }],
];
for (const [timeframe, start, end, grid] of GRIDS) {
  Deno.test(`${timeframe} bars are stored, published, read back and verified on their own grid`, () =>
    inWorld(
      {},
      (world) => travel(world, { nodeId: `ohlcv:binance:BTC/USDT:${timeframe}`, start, end, grid }),
    ));
}

Deno.test("1d bars that open at 16:00 are stored, published, read back and verified on their own grid", () => {
  const venues = (clock: World["clock"]) => {
    const venue = new ScriptedVenue({ clock });
    const answer = venue.amend;
    venue.amend = (reply, ask) => {
      const columns = structuredClone(answer(reply, ask).columns);
      columns.ts = Array.from(columns.ts, (ts) => Math.floor((ts as number) / DAY) * DAY + 16 * HOUR);
      return { ...reply, columns };
    };
    return [venue];
  };
  const config = { exchanges: { binance: { anchor: { "1d": 57_600 } } } };
  return inWorld({ venues, config }, (world) =>
    travel(world, {
      nodeId: "ohlcv:binance:BTC/USDT:1d",
      start: Date.UTC(2023, 7, 1, 16) / 1_000,
      end: Date.UTC(2023, 9, 10, 16) / 1_000,
      grid: { step: DAY, anchor: 57_600 },
    }));
});

/** From the venue to a verified backtest. */
async function travel(
  world: World,
  o: { nodeId: string; start: number; end: number; grid: Record<string, unknown> },
): Promise<void> {
  const { nodeId, start, end } = o;
  await world.fill([start, end], { nodeId });
  const live = await world.ask({ nodeId, start, end });
  deepStrictEqual([live.grid, live.coverage_bounds, live.gaps_total], [o.grid, [start, end], 0]);
  deepStrictEqual([live.answer_fingerprint, live.fingerprint_scope], [recomputed(live), "snapshot"]);
  await world.clock.advance(60_000);
  const pinned = await world.ask({ nodeId, start, end, asOf: live.as_of!, executionDomain: "backtest" });
  deepStrictEqual(pinned.frame, live.frame);
  deepStrictEqual([pinned.answer_fingerprint, pinned.interval], [live.answer_fingerprint, live.interval]);
  const verified = await world.service.verify({ nodeIds: [nodeId], hot: true });
  deepStrictEqual([verified.ok, verified.failures], [true, []]);
}
