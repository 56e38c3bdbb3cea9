/**
 * Seeded runs over series with holes, behind venues with any mix of bad manners: whatever they do to pages, each bar
 * that the venue has inside the question comes, no other does, and every slot is answered.
 */

import assert from "node:assert/strict";
import { type Bar, type Fault, seriesByName, seriesOfBars } from "../../../scripts/recorded_exchange/mod.ts";
import { SeededDice } from "../../fake_clock.ts";
import { at, onVenue, type VenueId } from "./stand.ts";

const NOW = "2024-01-20T00:00:30Z";
const FIRST = at("2024-01-15T00:00:00Z");
const LAST = at("2024-01-20T00:00:00Z");
const RUNS = 25;
const ASKS = 5;

/** Minutes from FIRST to LAST with holes of all sizes, the first minute always there. */
function barsWithHoles(dice: SeededDice): Bar[] {
  const share = dice.random() < 0.3 ? 0.6 : 0.02;
  const bars: Bar[] = [];
  for (let sec = FIRST; sec < LAST; sec += 60) {
    if (sec > FIRST && dice.random() < 0.0008) sec += 60 * Math.floor(dice.random() * 900);
    if (sec >= LAST || (sec > FIRST && dice.random() < share)) continue;
    const close = 100 + Math.round(dice.random() * 1000) / 100;
    bars.push({ openMs: sec * 1000, open: 105, high: 120, low: 90, close, volume: 1 + bars.length });
  }
  return bars;
}

/** None to three ways to spoil pages without losing what is in them. */
function badManners(dice: SeededDice): Fault[] {
  const all: Fault[] = [
    { kind: "newest_first" },
    { kind: "shuffled" },
    { kind: "cut_last_bar" },
    { kind: "doubled_rows", where: "all" },
    { kind: "doubled_rows", where: "last" },
    { kind: "overlap", bars: 1 + Math.floor(dice.random() * 3) },
    { kind: "short_page", rows: 20 + Math.floor(dice.random() * 300) },
  ];
  return all.filter(() => dice.random() < 0.25);
}

for (const venue of ["binance", "bitfinex", "okx"] as VenueId[]) {
  Deno.test(`${venue}: over ${RUNS} spoiled histories every bar comes, and nothing else`, async () => {
    for (let seed = 1; seed <= RUNS; seed++) {
      const dice = new SeededDice(seed);
      const bars = barsWithHoles(dice);
      const faults = badManners(dice);
      const series = seriesByName({ "BTC/USDT 1m": seriesOfBars(bars) });
      const settings = { batchLimit: dice.random() < 0.5 ? null : 30 + Math.floor(dice.random() * 500) };
      await onVenue(venue, { now: NOW, series, faults, settings }, async ({ exchange, ask }) => {
        for (let turn = 0; turn < ASKS; turn++) {
          const start = FIRST - 6000 + 60 * Math.floor(dice.random() * 7000);
          const range = [start, Math.min(LAST, start + 60 * (1 + Math.floor(dice.random() * 900)))] as const;
          const told = `seed ${seed}, turn ${turn}, ${JSON.stringify({ range, faults, settings })}`;
          const reply = await exchange.fetchBars(ask({ range }));
          const inside = bars.filter(({ openMs }) => openMs >= range[0] * 1000 && openMs < range[1] * 1000);
          const got = new Map(reply.columns.ts.map((sec, i) => [sec as number, reply.columns.volume[i]]));
          assert.deepEqual(
            [...got.keys()].sort((a, b) => a - b),
            inside.map(({ openMs }) => openMs / 1000),
            told,
          );
          const short = faults.find((fault) => fault.kind === "short_page");
          const pageRows = Math.min(exchange.tariff("1m").pageRows, short?.rows ?? Infinity);
          for (const { openMs, volume } of inside) {
            // A cut bar that nothing follows on any page is all there is to be had.
            const next = bars.find((bar) => bar.openMs > openMs)?.openMs ?? Infinity;
            if (next - openMs < 60_000 * pageRows) assert.equal(got.get(openMs / 1000), volume, told);
          }
          assert.deepEqual(reply.answered, [[...range]], told);
          for (const span of reply.absent) {
            assert.ok(span.reason === "not_listed" && span.end <= FIRST, `${told}: ${JSON.stringify(span)}`);
          }
        }
      });
    }
  });
}
