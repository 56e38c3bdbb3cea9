/**
 * Slots that the hot store dropped are those of the newest snapshot (spec §9): every verb sees them as it did when the
 * hot store still had the rows, and nobody asks the venue for them.
 */

import { deepStrictEqual, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import { encodeRows } from "../../src/core/stored_chunk.ts";
import { rejection as refused } from "../refusal.ts";
import {
  afterLoss,
  DAY,
  END,
  HOLE,
  holed,
  HOUR,
  lasting,
  lost,
  MINUTE,
  PAST,
  SLOTS,
  START,
  unreadable,
} from "./lost_bars.ts";
import { refuses, valuesOf } from "./scripted_venue.ts";
import { FORMING, makeWorld, NODE, type Told, type World } from "./world.ts";

Deno.test("a read after the loss of the hot store tells what it told before, to the byte, from the snapshot alone", () =>
  lost(async (then, { told }) => {
    const again = await then.ask(PAST);
    deepStrictEqual(lasting(again), lasting(told));
    strictEqual(again.fingerprint_scope, "snapshot");
    deepStrictEqual(again.sources, { cache: 0, snapshot: told.rows, storage: 0, backfill: 0, live: 0 });
    strictEqual(told.rows, SLOTS - 20);
    deepStrictEqual(again.gaps.map(({ start, end, reason }) => ({ start, end, reason })), [
      { ...HOLE, reason: "absent_at_source" },
    ]);
    deepStrictEqual([then.venue.calls.length, unreadable(then)], [0, 0]);
  }));

Deno.test("FAIL_FAST is content with what only the snapshot has", () =>
  lost(async (then, { told }) => {
    const again = await then.ask({ ...PAST, strategy: "FAIL_FAST" });
    deepStrictEqual([again.rows, again.complete, again.dataset_fingerprint], [
      told.rows,
      true,
      told.dataset_fingerprint,
    ]);
    const beyond = await refused(then.ask({ start: START, end: END + HOUR, strategy: "FAIL_FAST" }));
    deepStrictEqual([beyond.code, beyond.ranges], ["COVERAGE_INCOMPLETE", [[END, END + HOUR]]]);
    strictEqual(then.venue.calls.length, 0);
  }));

Deno.test("coverage, gaps, condition and plan see what the snapshot covers as covered", () =>
  lost(async (then, { world }) => {
    const before = await makeWorld({ holdings: world.holdings });
    const range = [START - HOUR, END + HOUR] as const;
    const told = async ({ service }: World) => {
      const gaps = await service.gaps(NODE, { range, limit: 100 });
      const condition = await service.condition(NODE, range);
      const { nodes: _nodes, ...plan } = await service.plan({
        nodes: [NODE],
        start: range[0],
        end: range[1],
      });
      return {
        whole: await service.coverage(NODE),
        clipped: await service.coverage(NODE, { range }),
        gaps: gaps.gaps.map(({ start, end, bars, reason, settled }) => ({
          start,
          end,
          bars,
          reason,
          settled,
        })),
        condition: condition.days.map(({ date, condition, bars, expected }) => ({
          date,
          condition,
          bars,
          expected,
        })),
        plan,
      };
    };
    deepStrictEqual(await told(then), await told(before));
    const [hole] = (await then.service.gaps(NODE, { range: [START, END], limit: 1 })).gaps;
    // Whom it was asked of and when went with the hot store: that is not made up.
    deepStrictEqual([hole.first_seen, hole.last_asked, hole.next_ask, hole.attempts], [null, null, null, 0]);
    strictEqual(then.venue.calls.length, 0);
    await before.close();
  }));

Deno.test("a fill has nothing to fetch where the snapshot covers, and publishing again writes nothing", () =>
  lost(async (then, { told, puts }) => {
    const job = await then.settled(then.service.fill({ nodes: [NODE], ...PAST }, {}));
    deepStrictEqual([job.state, job.windows.total], ["complete", 0]);
    const { published, unchanged } = await then.service.publish([NODE]);
    deepStrictEqual(published, []);
    deepStrictEqual(unchanged.map((row) => [row.seq, row.dataset_fingerprint]), [[
      1,
      told.dataset_fingerprint,
    ]]);
    const part = await then.service.publish([NODE], { start: START, end: START + HOUR });
    deepStrictEqual(part.unchanged.map(({ seq }) => seq), [1]);
    const outside = await refused(then.service.publish([NODE], { start: END, end: END + HOUR }));
    strictEqual(outside.code, "COVERAGE_INCOMPLETE");
    const unknown = await refused(then.service.publish(["ohlcv:binance:ETH/USDT:1m"]));
    strictEqual(unknown.code, "NODE_UNKNOWN");
    deepStrictEqual([puts, then.venue.calls.length], [[], 0]);
  }));

Deno.test("verify and explain go on without the hot store", () =>
  lost(async (then, { world }) => {
    const report = await then.service.verify({ nodeIds: [NODE], hot: true });
    deepStrictEqual([report.ok, report.checked.segments], [true, 1]);
    const before = await makeWorld({ holdings: world.holdings });
    for (const ts of [START, HOLE.start, END + HOUR]) {
      const [now, then_] = [await then.service.explain(NODE, ts), await before.service.explain(NODE, ts)];
      deepStrictEqual(
        { ...now, fetched_at: null, window: null },
        { ...then_, fetched_at: null, window: null },
      );
      deepStrictEqual([now.fetched_at, now.window], [null, null]);
    }
    await before.close();
    const error = await refused(then.service.explain("ohlcv:binance:ETH/USDT:1m", START));
    strictEqual(error.code, "NODE_UNKNOWN");
  }));

Deno.test("one read takes hot rows, published rows and rows that are to be fetched, each from where they are", () =>
  lost(async (then, { told }) => {
    await then.fill([START + HOUR, START + HOUR + 30 * MINUTE], { refetch: true });
    const calls = then.venue.calls.length;
    ok(calls > 0);
    const wide = { start: START - 30 * MINUTE, end: END };
    const again = await then.ask(wide);
    deepStrictEqual(again.sources, {
      cache: 0,
      snapshot: told.rows - 30,
      storage: 30,
      backfill: 30,
      live: 0,
    });
    const asked = then.venue.calls.slice(calls).map(({ range }) => range);
    ok(asked.length > 0 && asked.every(([, end]) => end <= START), `asked ${JSON.stringify(asked)}`);
    const other = await makeWorld();
    holed(other);
    const whole = await other.ask(wide);
    await other.close();
    deepStrictEqual(encodeRows(again.frame), encodeRows(whole.frame));
    strictEqual(again.answer_fingerprint, whole.answer_fingerprint);
    deepStrictEqual(again.gaps, whole.gaps);
    strictEqual(again.fingerprint_scope, "snapshot");
  }));

Deno.test("a hot store that lost a part is told from both, and its gaps join over the border", () =>
  lost(async (then, { told }) => {
    // The border runs through the hole: half of it is told by the ledger, half by the manifest.
    const border = HOLE.start + 10 * MINUTE;
    await then.fill([border, END], { refetch: true });
    const calls = then.venue.calls.length;
    const again = await then.ask(PAST);
    const { gaps, rows } = again;
    deepStrictEqual(lasting(again), lasting(told));
    deepStrictEqual(gaps.length, 1);
    deepStrictEqual([again.sources!.snapshot, again.sources!.storage], [120, rows - 120]);
    strictEqual(then.venue.calls.length, calls);
  }));

Deno.test("publishing after a part was fetched again keeps what the snapshot had, and writes nothing", () =>
  lost(async (then, { told, puts }) => {
    await then.fill([START + HOUR, END], { refetch: true });
    await then.fill([START, END]);
    const { unchanged } = await then.service.publish([NODE]);
    deepStrictEqual(unchanged.map(({ dataset_fingerprint }) => dataset_fingerprint), [
      told.dataset_fingerprint,
    ]);
    deepStrictEqual(puts, []);
    const later = await then.ask({ start: START, end: END + HOUR });
    strictEqual(later.fingerprint_scope, "snapshot");
    const newest = (await then.service.snapshots(NODE, { limit: 1 })).snapshots[0];
    deepStrictEqual([newest.seq, newest.range], [2, [START, END + HOUR]]);
    strictEqual(newest.row_count, told.rows + 60);
  }));

Deno.test("a refetch after the loss keeps what the venue withdrew, and knows what it changed", () =>
  lost(async (then, { told }) => {
    const [gone, changed] = [START + 30 * MINUTE, START + 40 * MINUTE];
    then.venue.isAbsent = (ts) => (ts >= HOLE.start && ts < HOLE.end) || ts === gone;
    then.venue.values = (ts) => valuesOf(ts, ts === changed ? 1 : 0);
    await then.fill([START, END], { refetch: true });
    const again = await then.ask(PAST);
    deepStrictEqual([again.rows, again.gaps_total, again.sources!.storage], [told.rows, 1, told.rows]);
    notStrictEqual(again.dataset_fingerprint, told.dataset_fingerprint);
    const causes = async (ts: number) =>
      (await then.service.explain(NODE, ts)).revisions.map(({ cause, kept }) => `${cause} ${kept}`);
    deepStrictEqual(await causes(gone), ["withdrawn false"]);
    deepStrictEqual(await causes(changed), ["refetch false", "refetch true"]);
    const [newest] = (await then.service.snapshots(NODE, { limit: 1 })).snapshots;
    deepStrictEqual([newest.seq, newest.operation, newest.dataset_fingerprint], [
      2,
      "revise",
      again.dataset_fingerprint,
    ]);
  }));

Deno.test("a window that is asked around published bars keeps those that the venue no longer sends", () =>
  lost(async (then, { told }) => {
    // Windows have ten slots: this one begins before what is published and ends inside.
    const gone = START + 2 * MINUTE;
    then.venue.isAbsent = (ts) => (ts >= HOLE.start && ts < HOLE.end) || ts === gone;
    const wide = await then.ask({ start: START - 5 * MINUTE, end: END });
    strictEqual(wide.rows, told.rows + 5);
    deepStrictEqual(wide.gaps.map(({ start }) => start), [HOLE.start]);
  }));

/** Days that open at 16:00 UTC, whatever grid was asked. */
function daysAt16(world: World): void {
  world.venue.amend = (reply, { range: [start, end] }) => {
    const ts: number[] = [];
    const anchor = 16 * HOUR;
    for (let t = Math.ceil((start - anchor) / DAY) * DAY + anchor; t < end; t += DAY) ts.push(t);
    const rows = ts.map((t) => valuesOf(t));
    const column = (i: number) => rows.map((row) => row[i]);
    return {
      ...reply,
      columns: { ts, open: column(0), high: column(1), low: column(2), close: column(3), volume: column(4) },
      observedAt: ts.map(() => reply.askedAt),
    };
  };
}

Deno.test("days that open at 16:00 keep their grid when the hot store is lost", async () => {
  const nodeId = "ohlcv:binance:BTC/USDT:1d";
  const newest = FORMING - 8 * HOUR;
  const days = { nodeId, start: newest - 10 * DAY, end: newest - 5 * DAY };
  const world = await makeWorld();
  daysAt16(world);
  const told = await world.ask(days);
  deepStrictEqual([told.grid, told.rows], [{ step: DAY, anchor: 16 * HOUR }, 5]);
  await world.close();
  const then = await makeWorld({ holdings: await afterLoss(world) });
  daysAt16(then);
  const again = await then.ask(days);
  deepStrictEqual(lasting(again), lasting(told));
  strictEqual(then.venue.calls.length, 0);
  // Two days are too few to find the anchor by: the snapshots know it.
  const next = await then.ask({ nodeId, start: days.end, end: days.end + 2 * DAY });
  deepStrictEqual([next.grid, next.rows, next.fingerprint_scope], [told.grid, 2, "snapshot"]);
  await then.close();
});

Deno.test("a market that the venue lists no more is delisted after its last published bar, also without the hot store", async () => {
  const after = { start: END - HOUR, end: END + HOUR };
  const told: Told[] = [];
  await lost(async (then, { world }) => {
    const before = await makeWorld({ holdings: world.holdings });
    for (const each of [before, then]) {
      each.venue.deed = refuses("SYMBOL_UNKNOWN");
      told.push(await each.ask(after));
    }
    strictEqual((await then.service.explain(NODE, END)).reason, "delisted");
    await before.close();
  });
  deepStrictEqual(told[1].gaps.map(({ start, end, reason }) => [start, end, reason]), [
    [END, END + HOUR, "delisted"],
  ]);
  const [was, is] = told.map(lasting);
  deepStrictEqual({ ...is, snapshot: null, as_of: null }, { ...was, snapshot: null, as_of: null });
});
