import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { gapsOf, isUnderlaid, openSlots, type UnderlaidState, viewOf } from "../../src/backfill/node_view.ts";
import type { Published, PublishedSlots } from "../../src/backfill/published_slots.ts";
import { Underlay } from "../../src/backfill/underlay.ts";
import { emptyBars } from "../../src/core/bar_frame.ts";
import { type AnsweredReason, type GapReason, isSettled } from "../../src/core/gap_reason.ts";
import type { FindingRecord, GapRecord, Manifest } from "../../src/core/manifest.ts";
import type { NodeState } from "../../src/core/ports.ts";
import { contains } from "../../src/core/snapshot_merge.ts";
import { type Grid, slotOf, slotStart } from "../../src/core/timeframe.ts";
import { type TimeRange, toPairs, toRanges } from "../../src/core/time_range.ts";
import { SeededDice } from "../fake_clock.ts";
import { compute, LATE_DAYS, ledgerRow, MINUTES, MONTHS, NODE, stateOf } from "./made.ts";
import { wrong } from "../wrong.ts";

/** A snapshot that covers what it is given: what is no gap has a bar. */
class Snapshots implements PublishedSlots {
  published: Published | null = null;
  looks = 0;
  isAway = false;
  lost: TimeRange[] = [];
  readonly gaps: GapRecord[];
  readonly findings: FindingRecord[];

  constructor(
    o: {
      grid?: Grid;
      covered: TimeRange[];
      gaps?: [number, number, GapReason][];
      findings?: FindingRecord[];
    },
  ) {
    const { grid = MINUTES, covered, gaps = [], findings = [] } = o;
    const slots = ([start, end]: TimeRange) => slotOf(end, grid) - slotOf(start, grid);
    this.gaps = gaps.map(([start, end, reason]) => ({ start, end, bars: slots([start, end]), reason }));
    this.findings = findings;
    const manifest: Manifest = wrong({ node_id: NODE, grid, range: [0, 0] });
    const snapshot = { nodeId: NODE, seq: 1, asOfMs: 5, manifest, manifestUri: "", manifestSha256: "" };
    this.published = { snapshot, covered: toRanges(covered), unreadable: [] };
  }

  newest() {
    this.looks++;
    return Promise.resolve(this.published);
  }

  listed(_published: Published, [start, end]: TimeRange) {
    if (this.isAway) return Promise.resolve(null);
    const gaps = this.gaps.filter((gap) => gap.start < end && gap.end > start);
    return Promise.resolve({ gaps, findings: this.findings, lost: this.lost });
  }

  rows() {
    return Promise.resolve(emptyBars());
  }
}

const BASE = 1_699_999_980;
const at = (slot: number) => BASE + slot * 60;
const range = (from: number, to: number): TimeRange => [at(from), at(to)];

async function under(
  snapshots: Snapshots,
  state: NodeState | null,
  o: { fixedGrid?: Grid | null; range?: TimeRange } = {},
): Promise<NodeState | null> {
  const underlay = new Underlay({ published: snapshots, compute });
  const fixedGrid = o.fixedGrid === undefined ? state?.node.grid ?? null : o.fixedGrid;
  return await underlay.under({ nodeId: NODE, state, fixedGrid }, o.range);
}

function laid(state: NodeState | null): UnderlaidState {
  ok(state !== null && isUnderlaid(state));
  return state;
}

Deno.test("a snapshot that adds nothing leaves the very state that was there", async () => {
  const state = stateOf({ grid: MINUTES, final: [at(0), at(1), at(2)] });
  const snapshots = new Snapshots({ covered: [range(0, 3)] });
  strictEqual(await under(snapshots, state), state);
  strictEqual(await under(snapshots, state, { range: range(1, 2) }), state);
  snapshots.published = null;
  strictEqual(await under(snapshots, state), state);
  strictEqual(await under(snapshots, null), null);
});

Deno.test("a node that the hot store does not know is its snapshot, on the snapshot's grid", async () => {
  const snapshots = new Snapshots({
    grid: LATE_DAYS,
    covered: [[57_600, 57_600 + 5 * 86_400]],
    gaps: [[57_600, 57_600 + 86_400, "not_listed"]],
  });
  const state = laid(await under(snapshots, null));
  deepStrictEqual([state.node.grid, state.hot, [...state.final]], [
    LATE_DAYS,
    null,
    [57_600 + 86_400, 57_600 + 5 * 86_400],
  ]);
  // Also where the snapshot has nothing of the range: who fetches there must know the grid.
  const elsewhere = laid(
    await under(snapshots, null, { range: [57_600 + 9 * 86_400, 57_600 + 10 * 86_400] }),
  );
  deepStrictEqual([elsewhere.node.grid, elsewhere.final.length], [LATE_DAYS, 0]);
});

Deno.test("a snapshot on another grid than stored bars have is left alone", async () => {
  const snapshots = new Snapshots({ grid: LATE_DAYS, covered: [[57_600, 57_600 + 86_400]] });
  const midnight: Grid = { step: 86_400, anchor: 0 };
  const stored = stateOf({ grid: midnight, final: [0] });
  strictEqual(await under(snapshots, stored), stored);
  // Nothing but a failed ask stands on that grid: it fixes none.
  const failed = stateOf({
    grid: midnight,
    ledger: [ledgerRow([0, 86_400], { askedAt: 1, error: "X: away" })],
  });
  deepStrictEqual(laid(await under(snapshots, failed, { fixedGrid: null })).node.grid, LATE_DAYS);
});

Deno.test("an anchor that is not the snapshot's is refused where no bars are stored, as where some are", async () => {
  const nodeId = "ohlcv:binance:BTC/USDT:1d";
  const snapshots = new Snapshots({ grid: LATE_DAYS, covered: [[57_600, 57_600 + 86_400]] });
  const underlay = new Underlay({ published: snapshots, compute });
  const empty = stateOf({ grid: { step: 86_400, anchor: 0 } });
  for (const state of [null, empty]) {
    await rejects(underlay.under({ nodeId, state, fixedGrid: null, anchor: 3_600 }), {
      code: "CONFORMANCE_BLOCKED",
      message: /anchor\.1d: 3600: its published bars are on the grid of 57600/,
      hint: /Set exchanges\.binance\.anchor\.1d to 57600/,
    });
    for (const anchor of [57_600, 57_600 - 86_400, null]) {
      laid(await underlay.under({ nodeId, state, fixedGrid: null, anchor }));
    }
  }
});

Deno.test("rows whose file is gone are open; the gaps beside them are known all the same", async () => {
  const snapshots = new Snapshots({ covered: [range(0, 6)], gaps: [[at(1), at(2), "absent_at_source"]] });
  snapshots.lost = [range(0, 3)];
  const view = viewOf(laid(await under(snapshots, null)), compute);
  deepStrictEqual([...view.withBar], range(3, 6));
  deepStrictEqual(
    gapsOf(view, range(0, 6), compute).map(({ start, end, reason }) => [start, end, reason]),
    [[at(0), at(1), "pending"], [at(1), at(2), "absent_at_source"], [at(2), at(3), "pending"]],
  );
});

Deno.test("what cannot be listed adds nothing", async () => {
  const snapshots = new Snapshots({ covered: [range(0, 3)] });
  snapshots.isAway = true;
  const state = stateOf({ grid: MINUTES, final: [at(0)] });
  strictEqual(await under(snapshots, state), state);
  strictEqual(await under(snapshots, null), null);
});

Deno.test("one state over one snapshot is one object, however often it is asked for, and never laid twice", async () => {
  const snapshots = new Snapshots({ covered: [range(0, 3)] });
  const underlay = new Underlay({ published: snapshots, compute });
  const state = stateOf({ grid: MINUTES, final: [at(0)] });
  const first = await underlay.under({ nodeId: NODE, state, fixedGrid: MINUTES });
  strictEqual(await underlay.under({ nodeId: NODE, state, fixedGrid: MINUTES }), first);
  strictEqual(await underlay.under({ nodeId: NODE, state: first, fixedGrid: MINUTES }), first);
  const unknown = { nodeId: NODE, state: null, fixedGrid: null };
  strictEqual(await underlay.under(unknown), await underlay.under(unknown));
});

Deno.test("findings of dropped slots are the snapshot's, of all others the hot store's", async () => {
  const hot = stateOf({ grid: MINUTES, final: [at(0)] });
  const own = { ts: at(0), flag: "conflict", count: 1, window: range(0, 3), seenAtMs: 1 };
  hot.findings.push(own, { ...own, ts: at(1) });
  const snapshots = new Snapshots({
    covered: [range(0, 2)],
    findings: [{ ts: at(0), flag: "duplicate_ts", count: 9 }, { ts: at(1), flag: "duplicate_ts", count: 2 }],
  });
  const { findings } = laid(await under(snapshots, hot));
  deepStrictEqual(findings.map(({ ts, flag, count }) => [ts, flag, count]), [
    [at(0), "conflict", 1],
    [at(1), "duplicate_ts", 2],
  ]);
});

Deno.test("a published gap beside one of the ledger with the same reason is one gap with it", async () => {
  const hot = stateOf({
    grid: MINUTES,
    ledger: [ledgerRow(range(2, 4), { askedAt: at(9), reason: "absent_at_source", attempts: 3 })],
  });
  const snapshots = new Snapshots({ covered: [range(0, 4)], gaps: [[at(0), at(4), "absent_at_source"]] });
  const gaps = gapsOf(viewOf(laid(await under(snapshots, hot)), compute), range(0, 5), compute);
  deepStrictEqual(gaps.map(({ start, end, reason, row }) => [start, end, reason, row?.attempts ?? null]), [
    [at(0), at(4), "absent_at_source", 3],
    [at(4), at(5), "pending", null],
  ]);
});

type Kind = "bar" | "provisional" | GapReason | null;
const HOT: Kind[] = [
  "bar",
  "provisional",
  "absent_at_source",
  "quarantined",
  "fetch_failed",
  "pending",
  null,
];
const BELOW: Kind[] = ["bar", "absent_at_source", "not_listed", null];

/** What a slot is, hot over published, by the words of spec §4 and §9. */
function judged(hot: Kind, below: Kind): { bar: boolean; covered: boolean; reason: GapReason | null } {
  const settled = hot !== null && hot !== "bar" && hot !== "provisional" && isSettled(hot);
  if (hot === "bar") return { bar: true, covered: true, reason: null };
  if (settled) return { bar: false, covered: true, reason: hot };
  if (below === "bar") return { bar: true, covered: true, reason: null };
  if (hot === "provisional") return { bar: true, covered: false, reason: null };
  if (below !== null) return { bar: false, covered: true, reason: below as GapReason };
  return { bar: false, covered: false, reason: hot ?? "pending" };
}

Deno.test("slots of a random node over a random snapshot are what the words of the spec say, slot by slot", async () => {
  const dice = new SeededDice(3);
  const pick = <T>(of: T[]) => of[Math.floor(dice.random() * of.length)];
  for (let round = 0; round < 200; round++) {
    const grid = pick([MINUTES, LATE_DAYS, MONTHS]);
    const first = slotOf(1_700_000_000, grid);
    const width = 2 + Math.floor(dice.random() * 20);
    const start = (i: number) => slotStart(first + i, grid);
    const slot = (i: number): TimeRange => [start(i), start(i + 1)];
    const hot = Array.from({ length: width }, () => pick(HOT));
    const below = Array.from({ length: width }, () => pick(BELOW));
    const all = hot.map((_, i) => i);
    const where = (kinds: Kind[], kind: Kind) => all.filter((i) => kinds[i] === kind);
    const reasons: AnsweredReason[] = ["absent_at_source", "quarantined", "pending"];
    const ledger = [
      ...reasons.flatMap((reason) =>
        where(hot, reason).map((i) => ledgerRow(slot(i), { askedAt: 1, reason }))
      ),
      ...where(hot, "fetch_failed").map((i) => ledgerRow(slot(i), { askedAt: 1, error: "X: away" })),
    ];
    const state = stateOf({
      grid,
      final: where(hot, "bar").map(start),
      provisional: where(hot, "provisional").map(start),
      ledger,
    });
    const gaps = all.filter((i) => below[i] !== null && below[i] !== "bar")
      .map((i): [number, number, GapReason] => [...slot(i), below[i] as GapReason]);
    const covered = compute.mergeRanges(toRanges(all.filter((i) => below[i] !== null).map(slot)), grid);
    const snapshots = new Snapshots({ grid, covered: toPairs(covered), gaps });
    const wide: TimeRange = [start(0), start(width)];
    const part: TimeRange = [start(1), start(width)];
    for (const within of [undefined, part]) {
      const view = viewOf((await under(snapshots, state, { range: within }))!, compute);
      const told = gapsOf(view, wide, compute);
      for (const i of within === undefined ? all : all.slice(1)) {
        const expected = judged(hot[i], below[i]);
        const gap = told.find((one) => one.start <= start(i) && one.end > start(i));
        deepStrictEqual(
          {
            bar: contains(view.withBar, start(i)),
            covered: contains(view.covered, start(i)),
            reason: gap?.reason ?? null,
          },
          expected,
          `round ${round}, slot ${i}: ${hot[i]} over ${below[i]}`,
        );
      }
      const missing = told.map((one): TimeRange => [one.start, one.end]);
      deepStrictEqual(
        compute.mergeRanges(toRanges(missing), grid),
        compute.missingRanges(wide, view.withBar, grid),
      );
      const open = openSlots(view, part, start(width) + 1, compute);
      for (const i of all.slice(1)) {
        if (contains(open, start(i))) ok(!judged(hot[i], below[i]).covered, `slot ${i} is held and open`);
      }
    }
  }
});
