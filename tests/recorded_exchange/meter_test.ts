import { deepEqual, equal } from "node:assert/strict";
import { Meter, UNLIMITED } from "../../scripts/recorded_exchange/mod.ts";
import { MINUTE } from "./asking.ts";

const BINANCE = {
  "*": { kind: "fixed_window", limit: 10, windowMs: MINUTE, refusalsBeforeBan: 2, banMs: 120_000 },
} as const;
const at = (nowMs: number, cost = 1) => ({ bucket: "calls", cost, nowMs });

Deno.test("a fixed window takes its limit whole, refuses beyond it, and begins anew at the minute", () => {
  const meter = new Meter(BINANCE);
  equal(meter.charge(at(59_000, 10)).isRefused, false);
  deepEqual(meter.charge(at(59_500)), {
    isRefused: true,
    usedNow: 11,
    reason: "over_limit",
    untilMs: MINUTE,
  });
  deepEqual(meter.charge(at(60_000, 4)), { isRefused: false, usedNow: 4 });
  equal(meter.peak, 11);
  equal(meter.refused, 1);
});

Deno.test("going on after refusals brings a ban that counts down, whatever the window says", () => {
  const meter = new Meter(BINANCE);
  meter.charge(at(0, 10));
  deepEqual([1, 2, 3].map((ms) => meter.charge(at(ms)).reason), ["over_limit", "over_limit", "banned"]);
  equal(meter.bans, 1);
  equal(meter.bannedUntil(4), 120_003);
  equal(meter.charge(at(90_000)).reason, "banned");
  equal(meter.charge(at(120_003)).isRefused, false);
  equal(meter.bannedUntil(120_003), undefined);
});

Deno.test("a leaky counter falls with time and tells when it will be low enough", () => {
  const meter = new Meter({ "*": { kind: "leaky_counter", limit: 3, decayPerSec: 0.5 } });
  for (let call = 0; call < 3; call++) equal(meter.charge(at(0)).isRefused, false);
  deepEqual(meter.charge(at(0)), { isRefused: true, usedNow: 4, reason: "over_limit", untilMs: 2_000 });
  equal(meter.charge(at(2_000)).isRefused, true);
  equal(meter.charge(at(6_000)).isRefused, false);
});

Deno.test("a sliding window frees what is older than its length, and can block for a while", () => {
  const meter = new Meter({ "*": { kind: "sliding_window", limit: 2, windowMs: 2_000 } });
  deepEqual([0, 1_000, 1_999].map((ms) => meter.charge(at(ms)).isRefused), [false, false, true]);
  equal(meter.charge(at(3_500)).isRefused, false);
  const strict = new Meter({ "*": { kind: "sliding_window", limit: 1, windowMs: 1_000, blockMs: 60_000 } });
  strict.charge(at(0));
  equal(strict.charge(at(1)).untilMs, 60_001);
  equal(strict.charge(at(30_000)).reason, "blocked");
  equal(strict.charge(at(60_001)).isRefused, false);
});

Deno.test("buckets with rules of their own do not share a budget", () => {
  const meter = new Meter({
    a: { kind: "sliding_window", limit: 1, windowMs: 1_000 },
    "*": { kind: "sliding_window", limit: 1, windowMs: 1_000 },
  });
  const refused = ["a", "b", "a", "b"].map((bucket) => meter.charge({ bucket, cost: 1, nowMs: 0 }).isRefused);
  deepEqual(refused, [false, false, true, true]);
});

Deno.test("the tallies hold what each minute used, refused calls included", () => {
  const meter = new Meter(BINANCE);
  meter.charge(at(0, 8));
  meter.charge(at(10, 8));
  meter.charge(at(MINUTE, 3));
  deepEqual(meter.windows, [
    { bucket: "calls", startMs: 0, used: 16, calls: 2, refused: 1 },
    { bucket: "calls", startMs: MINUTE, used: 3, calls: 1, refused: 0 },
  ]);
  equal(meter.used, 19);
});

Deno.test("a meter without limits counts and never refuses", () => {
  const meter = new Meter(UNLIMITED);
  for (let call = 0; call < 100; call++) equal(meter.charge(at(0, 1_000)).isRefused, false);
  equal(meter.used, 100_000);
  equal(meter.isLimited("calls"), false);
});
