/** The venue's time decides what has closed there, also for runs that ask no venue. Here it is years behind ours. */

import { deepStrictEqual, doesNotMatch, match, strictEqual } from "node:assert/strict";
import { DAY, inWorld, NODE, run } from "./program.ts";
import { systemClock } from "../../src/adapters/system.ts";

/** Epoch seconds of the venue's now, the border of a bar: 2024-01-03T00:00:00Z. */
const NOW = Date.UTC(2024, 0, 3) / 1000;

/** The venue's first bar opens at noon: what lies before is a gap that falls due in a week, by whose clock? */
const LATE = { markets: [{ symbol: "BTC/USDT", listedMs: Date.UTC(2024, 0, 1, 12) }] };

Deno.test("filled again at once, a day with a gap costs no call at all: what time it is at the venue is known", () =>
  inWorld(
    async ({ folder, exchange }) => {
      strictEqual((await run(folder, "fill", NODE, ...DAY)).code, 0);
      const calls = exchange.calls.length;
      for (const verb of ["fill", "get", "plan"]) {
        const again = await run(folder, verb, NODE, ...DAY, "--json");
        strictEqual(again.code, 0, again.err);
        if (verb === "fill") strictEqual(JSON.parse(again.out).windows.total, 0);
        if (verb === "plan") strictEqual(JSON.parse(again.out).windows, 0);
      }
      strictEqual(exchange.calls.length, calls);
    },
    [],
    LATE,
  ));

Deno.test("get --last ends with the bar that closed last at the venue, though its clock stands on the border", () =>
  inWorld(async ({ folder }) => {
    for (let times = 0; times < 2; times++) {
      const { code, out, err } = await run(folder, "get", NODE, "--last", "3", "--json");
      strictEqual(code, 0, err);
      const { metadata, rows } = JSON.parse(out);
      deepStrictEqual(rows.map(([ts]: number[]) => ts), [NOW - 180, NOW - 120, NOW - 60]);
      deepStrictEqual(metadata.effective_range, [NOW - 180, NOW]);
    }
  }));

Deno.test("get up to now asks the venue what time it is before it calls the range too large", () =>
  inWorld(async ({ folder }) => {
    const { code, out, err } = await run(folder, "get", NODE, "--start", "2024-01-02T23:00:00Z", "--json");
    strictEqual(code, 0, err);
    strictEqual(JSON.parse(out).metadata.rows, 60);
  }));

Deno.test("what a venue's bars of tomorrow are is told by its clock: not closed yet, and missing nowhere", () =>
  inWorld(async ({ folder, exchange }) => {
    const tomorrow = ["--start", "2024-01-02T23:00:00Z", "--end", "2024-01-04"];
    strictEqual((await run(folder, "fill", NODE, ...tomorrow)).code, 0);
    const calls = exchange.calls.length;
    const gaps = JSON.parse((await run(folder, "gaps", NODE, ...tomorrow, "--json")).out);
    deepStrictEqual(
      gaps.gaps.map(({ start, end, reason }: Record<string, unknown>) => [start, end, reason]),
      [[NOW, NOW + 86_400, "not_yet_closed"]],
    );
    const got = await run(folder, "get", NODE, ...tomorrow, "--strategy", "FAIL_FAST", "--json");
    strictEqual(got.code, 0, got.err);
    deepStrictEqual(JSON.parse(got.out).metadata.effective_range, [NOW - 3_600, NOW]);
    const slot = JSON.parse((await run(folder, "explain", NODE, "2024-01-03T00:00:30Z", "--json")).out);
    deepStrictEqual([slot.state, slot.reason], ["gap", "not_yet_closed"]);
    strictEqual(JSON.parse((await run(folder, "plan", NODE, ...tomorrow, "--json")).out).windows, 0);
    strictEqual(exchange.calls.length, calls);
  }));

Deno.test("every verb takes an end far beyond all bars, as 9999-12-31, and means up to now", () =>
  inWorld(async ({ folder }) => {
    const forever = ["--start", "2024-01-02T23:00:00Z", "--end", "9999-12-31", "--json"];
    for (const verb of ["fill", "plan", "coverage", "gaps", "publish"]) {
      const { code, out, err } = await run(folder, verb, NODE, ...forever);
      strictEqual(code, 0, `${verb}: ${err}`);
      if (verb === "fill") strictEqual(JSON.parse(out).rows > 0, true);
      if (verb === "coverage") strictEqual(JSON.parse(out).segments[0].end, NOW);
    }
    const got = await run(folder, "get", NODE, ...forever, "--limit", "1000");
    strictEqual(got.code, 0, got.err);
    const { metadata } = JSON.parse(got.out);
    deepStrictEqual([metadata.rows, metadata.effective_range], [60, [NOW - 3_600, NOW]]);
    deepStrictEqual(metadata.requested_range, [NOW - 3_600, Date.UTC(9999, 11, 31) / 1000]);
  }));

Deno.test("what a run knew of the venue's time keeps no later one from the bars that closed since", () =>
  inWorld(async ({ folder, clock }) => {
    const since = ["--start", "2024-01-02T23:00:00Z"];
    strictEqual((await run(folder, "fill", NODE, ...since)).code, 0);
    clock.advance(3_600_000);
    for (const args of [["get", NODE, "--last", "60"], ["fill", NODE, ...since]]) {
      const { code, err } = await run(folder, ...args);
      strictEqual(code, 0, err);
    }
    const { segments } = JSON.parse((await run(folder, "coverage", NODE, ...since, "--json")).out);
    strictEqual(segments.at(-1).end, NOW + 3_600);
  }));

Deno.test("get and fill warn of a clock that is more than 5 s off the venue's, on a terminal's side of the output", async () => {
  const ask = ["--start", "2024-01-02T23:00:00Z", "--end", "2024-01-02T23:10:00Z"];
  const warns = /warning: this machine's clock is \d+\.\d s ahead of binance's; bars are judged by/;
  await inWorld(async ({ folder }) => {
    const filled = await run(folder, "fill", NODE, ...ask);
    match(filled.err, warns);
    // What is known is not measured again, nor told again.
    doesNotMatch((await run(folder, "fill", NODE, ...ask)).err, /clock/);
    const got = await run(folder, "get", NODE, "--last", "3");
    match(got.err, warns);
    doesNotMatch(got.out, /clock/);
    doesNotMatch((await run(folder, "get", NODE, "--last", "3", "-q")).err, /clock/);
  });
  await inWorld(async ({ folder, clock }) => {
    clock.set(systemClock.nowMs() - 2_000);
    const { code, err } = await run(folder, "get", NODE, "--last", "3");
    strictEqual(code, 0, err);
    doesNotMatch(err, /clock/);
  });
});

Deno.test("doctor tells a venue that cannot be asked for the time, and one whose clock is far off", async () => {
  await inWorld(async ({ folder }) => {
    const { code, out } = await run(folder, "doctor");
    strictEqual(code, 1);
    match(out, /NOT OK clock of binance: local clock ahead by \d+ ms/);
  });
  await inWorld(async ({ folder }) => {
    const { code, out } = await run(folder, "doctor", "--json");
    strictEqual(code, 1);
    const venue = JSON.parse(out).checks.find(({ name }: { name: string }) => name === "clock of binance");
    strictEqual(venue.ok, false);
    match(venue.message, /binance answered the time with/);
    match(venue.hint, /\S/);
  }, [{ kind: "status", status: 500, match: { endpoint: "time" } }]);
});
