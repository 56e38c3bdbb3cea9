/** One window between several processes: two backfillers on one store, with leases between them. */

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { windowKey } from "../../src/backfill/plan.ts";
import { HistoryError } from "../../src/core/errors.ts";
import type { Lease, Leases } from "../../src/core/ports.ts";
import { rejection } from "../refusal.ts";
import { Bench, DAY, minutes } from "./bench.ts";
import { awayFault } from "./fake_exchange.ts";
import { NODE } from "./made.ts";

const RANGE = [DAY, DAY + 600] as const;

Deno.test("two processes that want one window fetch it once: the second waits for the first one's ledger", async () => {
  const first = new Bench();
  const second = new Bench({ beside: first });
  first.exchange.latencyMs = 5_000;
  const [window] = await first.plan(RANGE);
  const work = Promise.all(
    [first, second].map(({ backfiller, ask }) => backfiller.fillWindow(NODE, window, ask())),
  );
  const results = await first.clock.runUntilSettled(work);
  deepStrictEqual(results.map(({ deduplicated }) => deduplicated), [false, true]);
  deepStrictEqual([first.exchange.calls, second.exchange.calls], [1, 0]);
  deepStrictEqual(await second.stored(RANGE), minutes(DAY, 10));
});

Deno.test("a waiter looks every 250 ms at first, and at most every 2 s", async () => {
  const bench = new Bench();
  const [window] = await bench.plan(RANGE);
  await bench.leases.claim(windowKey(NODE, window), 3_600_000);
  const looks: number[] = [];
  const { claim } = bench.leases;
  bench.leases.claim = (...args) => {
    looks.push(bench.clock.monotonicMs());
    return claim.apply(bench.leases, args);
  };
  const abort = new AbortController();
  const work = rejection(bench.backfiller.fillWindow(NODE, window, bench.ask({ signal: abort.signal })));
  await bench.clock.advance(10_000);
  deepStrictEqual(looks, [0, 250, 750, 1_750, 3_750, 5_750, 7_750, 9_750]);
  abort.abort();
  strictEqual((await work).code, "CANCELLED");
  await bench.backfiller.close();
});

Deno.test("a waiter claims the window when its holder died, and fetches it then", async () => {
  const bench = new Bench();
  const [window] = await bench.plan(RANGE);
  await bench.leases.claim(windowKey(NODE, window), 120_000);
  const work = bench.backfiller.fillWindow(NODE, window, bench.ask());
  await bench.clock.advance(119_000);
  strictEqual(bench.exchange.calls, 0);
  const { deduplicated } = await bench.clock.runUntilSettled(work);
  strictEqual(deduplicated, false);
  strictEqual(bench.exchange.calls, 1);
  strictEqual(bench.clock.monotonicMs() < 123_000, true);
});

Deno.test("a waiter tries itself when its holder failed", async () => {
  const first = new Bench();
  const second = new Bench({ beside: first });
  first.exchange.latencyMs = 1_000;
  first.exchange.script = Array.from({ length: 3 }, () => () => {
    throw awayFault();
  });
  const [window] = await first.plan(RANGE);
  const failed = rejection(first.backfiller.fillWindow(NODE, window, first.ask()));
  const work = second.backfiller.fillWindow(NODE, window, second.ask());
  const result = await first.clock.runUntilSettled(work);
  strictEqual((await failed).code, "EXCHANGE_UNAVAILABLE");
  deepStrictEqual([result.deduplicated, second.exchange.calls], [false, 1]);
  deepStrictEqual(await second.gaps(RANGE), []);
});

Deno.test("a lease is renewed while the work goes on, and given back when it is done", async () => {
  const first = new Bench();
  const second = new Bench({ beside: first });
  first.exchange.latencyMs = 20 * 60_000;
  const [window] = await first.plan(RANGE);
  const work = first.backfiller.fillWindow(NODE, window, first.ask());
  await first.clock.advance(0);
  const waiting = second.backfiller.fillWindow(NODE, window, second.ask());
  for (let minute = 1; minute < 20; minute++) {
    await first.clock.advance(60_000);
    const [lease] = await first.leases.list({ limit: 1 });
    strictEqual(lease.leaseUntilMs > first.clock.nowMs(), true, `minute ${minute}`);
  }
  await first.clock.runUntilSettled(Promise.all([work, waiting]));
  strictEqual(second.exchange.calls, 0);
  deepStrictEqual(await first.leases.list({ limit: 1 }), []);
  strictEqual(first.clock.sleeping, 0);
});

/** Leases whose renewals can be made to fail. */
function shaky(inner: Leases, renew: (lease: Lease, leaseMs: number) => Promise<Lease>): Leases {
  return {
    claim: (key, leaseMs) => inner.claim(key, leaseMs),
    renew,
    complete: (lease) => inner.complete(lease),
    fail: (lease, reason) => inner.fail(lease, reason),
    list: (page) => inner.list(page),
    close: () => inner.close(),
  };
}

const lost = () => Promise.reject(new HistoryError("LEASE_LOST", "somebody else holds it", { hint: "wait" }));

Deno.test("a write under a lease that was lost meanwhile is refused, and its sender finds the other's bars", async () => {
  const second = new Bench();
  const first = new Bench({ beside: second, leases: shaky(second.leases, lost) });
  first.exchange.latencyMs = 10 * 60_000;
  // What the slow one would write must not show: it has other bars.
  first.exchange.has = (ts) => ts % 120 === 0;
  const [window] = await first.plan(RANGE);
  const slow = first.backfiller.fillWindow(NODE, window, first.ask());
  await first.clock.advance(1_000);
  const quick = second.backfiller.fillWindow(NODE, window, second.ask());
  const result = await first.clock.runUntilSettled(quick);
  strictEqual(result.deduplicated, false);
  strictEqual(second.clock.monotonicMs() >= 120_000, true);
  deepStrictEqual((await first.clock.runUntilSettled(slow)).deduplicated, true);
  deepStrictEqual(await first.stored(RANGE), minutes(DAY, 10));
  strictEqual(first.exchange.calls, 1);
});

Deno.test("a window whose lease is lost again and again is given up, not tried for ever", async () => {
  const bench = new Bench();
  let commits = 0;
  bench.store.commit = () => {
    commits++;
    return lost();
  };
  const [window] = await bench.plan(RANGE);
  const work = rejection(bench.backfiller.fillWindow(NODE, window, bench.ask()));
  strictEqual((await bench.clock.runUntilSettled(work)).code, "LEASE_LOST");
  strictEqual(commits, 3);
});

Deno.test("a lease that ran out after the write makes no failure of finished work", async () => {
  const bench = new Bench();
  bench.leases.complete = lost;
  const [result] = await bench.fill(RANGE);
  deepStrictEqual([result.rows, result.deduplicated], [10, false]);
  deepStrictEqual(await bench.gaps(RANGE), []);
});

Deno.test("a store that is away for one renewal loses nobody the lease", async () => {
  const inner = new Bench();
  let renewals = 0;
  const flaky = shaky(
    inner.leases,
    (lease, leaseMs) =>
      ++renewals === 1
        ? Promise.reject(new HistoryError("STORE_UNAVAILABLE", "busy", { hint: "wait" }))
        : inner.leases.renew(lease, leaseMs),
  );
  const bench = new Bench({ beside: inner, leases: flaky });
  bench.exchange.latencyMs = 5 * 60_000;
  const [window] = await bench.plan(RANGE);
  const work = bench.backfiller.fillWindow(NODE, window, bench.ask());
  await bench.clock.advance(4 * 60_000);
  strictEqual((await inner.leases.list({ limit: 1 })).length, 1);
  await bench.clock.runUntilSettled(work);
  strictEqual(renewals >= 5, true);
});

Deno.test("a process that was killed leaves its finished windows, and the next one asks for the rest alone", async () => {
  const first = new Bench();
  await first.fill([DAY, DAY + 1_800]);
  const next = new Bench({ beside: first });
  await next.fill([DAY, DAY + 3_600]);
  deepStrictEqual(next.exchange.asked, [3, 4, 5].map((i) => [DAY + i * 600, DAY + (i + 1) * 600]));
  deepStrictEqual(await next.stored([DAY, DAY + 3_600]), minutes(DAY, 60));
  const { ledger } = (await next.store.state(NODE))!;
  strictEqual(ledger.reduce((bars, row) => bars + row.bars, 0), 60);
});
