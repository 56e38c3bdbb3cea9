import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { windowKey } from "../../src/backfill/plan.ts";
import type { TimeRange } from "../../src/core/time_range.ts";
import { turn } from "../fake_clock.ts";
import { rejection } from "../refusal.ts";
import { Bench, DAY, minutes, NOW_MS } from "./bench.ts";
import { awayFault, refusedFault, unknownSymbol } from "./fake_exchange.ts";
import { NODE, type Row } from "./made.ts";

const HOUR: TimeRange = [DAY, DAY + 3_600];
const fails = (fault: () => Error) => () => {
  throw fault();
};

Deno.test("a range is fetched window by window, and asked again it costs no call", async () => {
  const bench = new Bench();
  const results = await bench.fill(HOUR);
  deepStrictEqual(results.map(({ rows, deduplicated }) => [rows, deduplicated]), Array(6).fill([10, false]));
  deepStrictEqual(
    bench.exchange.asked,
    [0, 1, 2, 3, 4, 5].map((i): TimeRange => [DAY + i * 600, DAY + (i + 1) * 600]),
  );
  deepStrictEqual(await bench.stored(HOUR), minutes(DAY, 60));
  deepStrictEqual(await bench.gaps(HOUR), []);
  deepStrictEqual(await bench.plan(HOUR), []);
  deepStrictEqual(await bench.fill(HOUR), []);
  strictEqual(bench.exchange.calls, 6);
});

Deno.test("a hundred who want one window share one fetch", async () => {
  const bench = new Bench();
  bench.exchange.latencyMs = 200;
  const [window] = await bench.plan([DAY, DAY + 600]);
  const rides = Array.from({ length: 100 }, () => bench.backfiller.fillWindow(NODE, window, bench.ask()));
  const results = await bench.clock.runUntilSettled(Promise.all(rides));
  strictEqual(bench.exchange.calls, 1);
  strictEqual(results.filter(({ deduplicated }) => !deduplicated).length, 1);
  strictEqual(results.every(({ rows }) => rows === 10), true);
});

Deno.test("what a window is wanted for does not matter: its open slots are asked whole, and once", async () => {
  const bench = new Bench();
  bench.exchange.latencyMs = 50;
  const results = await Promise.all([
    bench.fill([DAY + 60, DAY + 120]),
    bench.fill([DAY + 300, DAY + 420]),
  ]);
  deepStrictEqual(bench.exchange.asked, [[DAY, DAY + 600]]);
  deepStrictEqual(results.flat().map(({ deduplicated }) => deduplicated).sort(), [false, true]);
  strictEqual((await bench.stored([DAY, DAY + 600])).length, 10);
});

Deno.test("no more windows are asked at once than there are places, and live ones go first", async () => {
  const bench = new Bench({ settings: { maxConcurrentRequests: 2 } });
  await bench.fill([DAY - 600, DAY]);
  bench.exchange.latencyMs = 100;
  const windows = await bench.plan(HOUR);
  const order: number[] = [];
  const work = windows.map((window, i) =>
    bench.backfiller.fillWindow(NODE, window, bench.ask({ priority: i === 5 ? "live" : "backfill" }))
      .then(() => void order.push(i))
  );
  await bench.clock.runUntilSettled(Promise.all(work));
  strictEqual(bench.exchange.busiest, 2);
  deepStrictEqual(order, [0, 1, 5, 2, 3, 4]);
});

Deno.test("bars that the venue left out become gaps with a reason, and are not asked again before they are due", async () => {
  const bench = new Bench();
  bench.exchange.has = (ts) => ts < DAY + 300 || ts >= DAY + 480;
  await bench.fill([DAY, DAY + 600]);
  deepStrictEqual(await bench.gaps([DAY, DAY + 600]), [[DAY + 300, DAY + 480, "absent_at_source"]]);
  for (const pauseSec of [600, 3_600, 86_400, 7 * 86_400, 30 * 86_400]) {
    await bench.clock.advance((pauseSec - 1) * 1000);
    deepStrictEqual(await bench.plan([DAY, DAY + 600]), []);
    deepStrictEqual(await bench.plan([DAY, DAY + 600], { scope: "open" }), [], "no request waits for it");
    await bench.clock.advance(1_000);
    await bench.fill([DAY, DAY + 600]);
    deepStrictEqual(bench.exchange.asked.at(-1), [DAY + 300, DAY + 480]);
  }
  strictEqual(bench.exchange.calls, 6);
});

Deno.test("a late bar is pending until it comes, then it is delivered", async () => {
  const bench = new Bench();
  const now = NOW_MS / 1000;
  const newest: TimeRange = [now - 300, now];
  bench.exchange.has = (ts) => ts !== now - 60;
  await bench.fill(newest, { scope: "open" });
  deepStrictEqual(await bench.gaps(newest), [[now - 60, now, "pending"]]);
  deepStrictEqual(await bench.plan(newest, { scope: "open" }), []);
  await bench.clock.advance(2_000);
  bench.exchange.has = () => true;
  await bench.fill(newest, { scope: "open" });
  deepStrictEqual(bench.exchange.asked.at(-1), [now - 60, now]);
  deepStrictEqual(await bench.gaps(newest), []);
});

Deno.test("a bar that is final and still not there is absent_at_source", async () => {
  const bench = new Bench();
  const now = NOW_MS / 1000;
  bench.exchange.has = (ts) => ts !== now - 60;
  await bench.fill([now - 300, now], { scope: "open" });
  await bench.clock.advance(3 * 60_000);
  await bench.fill([now - 300, now + 180], { scope: "open" });
  deepStrictEqual(await bench.gaps([now - 300, now + 180]), [[now - 60, now, "absent_at_source"]]);
});

Deno.test("a provisional bar that is gone when its slot is final is kept, noted as withdrawn, and asked no more", async () => {
  const bench = new Bench();
  const now = NOW_MS / 1000;
  await bench.fill([now - 300, now], { scope: "open" });
  deepStrictEqual([...(await bench.store.state(NODE))!.provisional.ts], [now - 120, now - 60]);
  bench.exchange.has = (ts) => ts !== now - 60;
  await bench.clock.advance(10 * 60_000);
  await bench.fill([now - 300, now], { scope: "open" });
  deepStrictEqual([...(await bench.store.state(NODE))!.provisional.ts].filter((ts) => ts < now), []);
  deepStrictEqual(await bench.stored([now - 300, now]), minutes(now - 300, 5));
  deepStrictEqual(
    (await bench.store.revisions(NODE, [now - 300, now])).map(({ ts, values, cause }) => [ts, values, cause]),
    [
      [now - 60, null, "withdrawn"],
    ],
  );
  await bench.clock.advance(60_000);
  deepStrictEqual(await bench.plan([now - 300, now], { scope: "open" }), []);
});

Deno.test("attempts that are used up stand in the ledger with the last error, and the next request tries again", async () => {
  const bench = new Bench();
  bench.exchange.script = [fails(awayFault), fails(awayFault), fails(awayFault)];
  const [window] = await bench.plan([DAY, DAY + 600]);
  const failed = rejection(bench.backfiller.fillWindow(NODE, window, bench.ask()));
  strictEqual((await bench.clock.runUntilSettled(failed)).code, "EXCHANGE_UNAVAILABLE");
  deepStrictEqual(await bench.gaps([DAY, DAY + 600]), [[DAY, DAY + 600, "fetch_failed"]]);
  const row = (await bench.store.state(NODE))!.ledger[0];
  deepStrictEqual([row.error, row.attempts, row.bars], ["EXCHANGE_UNAVAILABLE: the venue is away", 3, 0]);
  deepStrictEqual(bench.events.map(({ phase, attempt }) => [phase, attempt]), [
    ["attempt", 1],
    ["retry", 1],
    ["attempt", 2],
    ["retry", 2],
    ["attempt", 3],
    ["fail", 3],
  ]);
  await bench.fill([DAY, DAY + 600]);
  deepStrictEqual(await bench.gaps([DAY, DAY + 600]), []);
});

Deno.test("events tell of a window what spec §14 says", async () => {
  const bench = new Bench();
  bench.exchange.script = [fails(awayFault)];
  await bench.fill([DAY, DAY + 600], { batchId: "b1" });
  deepStrictEqual(bench.events.map(({ phase, attempt, rows }) => [phase, attempt, rows]), [
    ["attempt", 1, 0],
    ["retry", 1, 0],
    ["attempt", 2, 0],
    ["complete", 2, 10],
  ]);
  deepStrictEqual(bench.events.at(-1), {
    type: "backfill",
    phase: "complete",
    batch_id: "b1",
    attempt: 2,
    node_id: NODE,
    interval: 60,
    start: DAY,
    end: DAY + 600,
    rows: 10,
    source: "ccxt:fake",
  });
  strictEqual(bench.events[1].error, "EXCHANGE_UNAVAILABLE: the venue is away");
});

Deno.test("attempts are told per window, however many pages it takes", async () => {
  const bench = new Bench();
  bench.exchange.pages = 4;
  const answer = () => {};
  bench.exchange.script = [answer, fails(awayFault), answer, answer, fails(awayFault)];
  await bench.fill([DAY, DAY + 600]);
  strictEqual(bench.exchange.calls, 6);
  deepStrictEqual(bench.events.map(({ phase, attempt }) => [phase, attempt]), [
    ["attempt", 1],
    ["retry", 1],
    ["attempt", 2],
    ["retry", 2],
    ["complete", 2],
  ]);
});

Deno.test("a refusal is met once, however many windows are wanted", async () => {
  const bench = new Bench();
  bench.exchange.script = [fails(refusedFault)];
  const windows = await bench.plan(HOUR);
  const all = windows.map((window) => rejection(bench.backfiller.fillWindow(NODE, window, bench.ask())));
  for (const error of await Promise.all(all)) strictEqual(error.code, "EXCHANGE_REFUSED");
  strictEqual(bench.exchange.calls, 1);
});

Deno.test("a refusal is one call, and the ledger keeps its error", async () => {
  const bench = new Bench();
  bench.exchange.script = [fails(refusedFault)];
  const [window] = await bench.plan([DAY, DAY + 600]);
  strictEqual(
    (await rejection(bench.backfiller.fillWindow(NODE, window, bench.ask()))).code,
    "EXCHANGE_REFUSED",
  );
  strictEqual(bench.exchange.calls, 1);
  deepStrictEqual(await bench.gaps([DAY, DAY + 600]), [[DAY, DAY + 600, "fetch_failed"]]);
});

Deno.test("a name that nobody knows does not become a node", async () => {
  const bench = new Bench();
  bench.exchange.marketFault = unknownSymbol;
  const [window] = await bench.plan([DAY, DAY + 600]);
  strictEqual(
    (await rejection(bench.backfiller.fillWindow(NODE, window, bench.ask()))).code,
    "SYMBOL_UNKNOWN",
  );
  const other = "ohlcv:nowhere:BTC/USDT:1m";
  strictEqual(
    (await rejection(bench.backfiller.fillWindow(other, window, bench.ask()))).code,
    "EXCHANGE_UNKNOWN",
  );
  deepStrictEqual(await bench.store.nodes({ limit: 10 }), []);
});

Deno.test("a market that the venue lists no more is delisted after its last bar, not failed", async () => {
  const bench = new Bench();
  await bench.fill([DAY, DAY + 600]);
  bench.exchange.marketFault = unknownSymbol;
  const results = await bench.fill([DAY, DAY + 1_800]);
  deepStrictEqual(results.map(({ rows }) => rows), [0, 0]);
  deepStrictEqual(await bench.gaps([DAY, DAY + 1_800]), [[DAY + 600, DAY + 1_800, "delisted"]]);
  deepStrictEqual(await bench.plan([DAY, DAY + 1_800]), []);
  const earlier = await bench.plan([DAY - 600, DAY]);
  strictEqual(
    (await rejection(bench.backfiller.fillWindow(NODE, earlier[0], bench.ask()))).code,
    "SYMBOL_UNKNOWN",
  );
  deepStrictEqual(await bench.gaps([DAY - 600, DAY]), [[DAY - 600, DAY, "fetch_failed"]]);
});

Deno.test("a refused reply quarantines its window until somebody asks by hand", async () => {
  const bench = new Bench();
  bench.exchange.edit = (reply) => ({
    ...reply,
    columns: { ...reply.columns, open: reply.columns.open.map(() => "x") },
    replySha256: "cd".repeat(32),
  });
  const [window] = await bench.plan([DAY, DAY + 600]);
  const error = await rejection(bench.backfiller.fillWindow(NODE, window, bench.ask()));
  strictEqual(error.code, "CONFORMANCE_BLOCKED");
  deepStrictEqual(error.ranges, [[DAY, DAY + 600]]);
  deepStrictEqual(await bench.gaps([DAY, DAY + 600]), [[DAY, DAY + 600, "quarantined"]]);
  deepStrictEqual(await bench.store.quarantined("cd".repeat(32)), [new Uint8Array([1, 2, 3])]);
  bench.exchange.edit = (reply) => reply;
  await bench.clock.advance(40 * 86_400_000);
  deepStrictEqual(await bench.plan([DAY, DAY + 600]), []);
  await bench.fill([DAY, DAY + 600], { scope: "all" });
  deepStrictEqual(await bench.gaps([DAY, DAY + 600]), []);
});

Deno.test("a request's own align and invariant go before the configured ones", async () => {
  const bench = new Bench();
  const broken: Row = [DAY, 10, 9, 8, 11, 5];
  bench.exchange.edit = (reply) => ({
    ...reply,
    columns: {
      ts: [broken[0]],
      open: [broken[1]],
      high: [broken[2]],
      low: [broken[3]],
      close: [broken[4]],
      volume: [broken[5]],
    },
    observedAt: [reply.askedAt],
  });
  await bench.fill([DAY, DAY + 600], { policy: { invariant: "quarantine" } });
  deepStrictEqual((await bench.gaps([DAY, DAY + 600]))[0], [DAY, DAY + 60, "quarantined"]);
});

Deno.test("a venue whose clock is behind is never asked for the bar that forms there", async () => {
  const bench = new Bench();
  bench.exchange.skew = 90_000;
  const now = NOW_MS / 1000;
  const [window] = await bench.plan([now - 600, now]);
  // Planned as if the clocks agreed, as before the first measurement.
  await bench.backfiller.fillWindow(NODE, { ...window, ask: [now - 600, now] }, bench.ask());
  deepStrictEqual(bench.exchange.asked, [[now - 600, now - 120]]);
  const rows = (await bench.store.state(NODE))!.ledger;
  strictEqual(rows.every(({ end, error }) => end <= now - 120 && error === null), true);
});

Deno.test("a fetch that nobody waits for is ended, gives its lease back, and leaves nothing half-written", async () => {
  const bench = new Bench();
  bench.exchange.latencyMs = 10_000;
  const abort = new AbortController();
  const [window] = await bench.plan([DAY, DAY + 600]);
  const work = rejection(bench.backfiller.fillWindow(NODE, window, bench.ask({ signal: abort.signal })));
  await bench.clock.advance(1_000);
  strictEqual((await bench.leases.list({ limit: 5 })).length, 1);
  abort.abort();
  strictEqual((await work).code, "CANCELLED");
  await turn();
  deepStrictEqual(await bench.leases.list({ limit: 5 }), []);
  strictEqual(bench.clock.sleeping, 0);
  strictEqual(await bench.store.state(NODE), null);
});

Deno.test("close() ends what is under way and gives every lease back", async () => {
  const bench = new Bench();
  bench.exchange.latencyMs = 10_000;
  const windows = await bench.plan(HOUR);
  const work = windows.map((window) => rejection(bench.backfiller.fillWindow(NODE, window, bench.ask())));
  await bench.clock.advance(100);
  await bench.backfiller.close();
  for (const error of await Promise.all(work)) strictEqual(error.code, "CANCELLED");
  deepStrictEqual(await bench.leases.list({ limit: 10 }), []);
  strictEqual(bench.clock.sleeping, 0);
});

Deno.test("windowKey() is what leases are held under", async () => {
  const bench = new Bench();
  bench.exchange.latencyMs = 1_000;
  const [window] = await bench.plan([DAY, DAY + 600]);
  const work = bench.backfiller.fillWindow(NODE, window, bench.ask());
  await bench.clock.advance(10);
  deepStrictEqual((await bench.leases.list({ limit: 5 })).map(({ key }) => key), [windowKey(NODE, window)]);
  await bench.clock.runUntilSettled(work);
});
