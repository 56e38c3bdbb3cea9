/** What venues do to pages, and that the same bars come of it (spec §16's table, the rows about pages). */

import assert from "node:assert/strict";
import type { Fault } from "../../../scripts/recorded_exchange/mod.ts";
import type { BarsReply } from "../../../src/core/ports.ts";
import { at, onVenue, type Stand, type VenueId } from "./stand.ts";

const NOW = "2024-01-02T00:00:30Z";
/** Ends an hour ago, so that bars follow it; inside what Kraken keeps. */
const RANGE = [at("2024-01-01T13:00:00Z"), at("2024-01-01T23:00:00Z")] as const;
const SLOTS = 600;
const VENUES: VenueId[] = ["binance", "kraken", "bitfinex", "okx"];

type Bar = [ts: number, values: unknown[]];

/** Rows in order of time; of several with one time the later one, as conformance keeps them. */
function barsOf({ columns }: BarsReply): Bar[] {
  const { ts, open, high, low, close, volume } = columns;
  const byTime = new Map<number, unknown[]>();
  ts.forEach((sec, i) => byTime.set(sec as number, [open[i], high[i], low[i], close[i], volume[i]]));
  return [...byTime].sort(([a], [b]) => a - b);
}

/** How many rows came more than once. */
function doubles({ columns: { ts } }: BarsReply): number {
  return ts.length - new Set(ts).size;
}

/** Fetches the range twice: from a sound venue, and from one with the faults. */
async function bothWays(
  venue: VenueId,
  faults: Fault[],
  check: (seen: { sound: BarsReply; spoiled: BarsReply; stand: Stand }) => void,
): Promise<void> {
  let sound: BarsReply | undefined;
  await onVenue(venue, { now: NOW }, async ({ exchange, ask }) => {
    sound = await exchange.fetchBars(ask({ range: RANGE }));
  });
  await onVenue(venue, { now: NOW, faults }, async (stand) => {
    const spoiled = await stand.exchange.fetchBars(stand.ask({ range: RANGE }));
    check({ sound: sound!, spoiled, stand });
  });
}

const HARMLESS: [string, Fault[]][] = [
  ["newest first", [{ kind: "newest_first" }]],
  ["shuffled", [{ kind: "shuffled" }]],
  ["pages of 100 rows", [{ kind: "short_page", rows: 100 }]],
  ["pages of 7 rows", [{ kind: "short_page", rows: 7 }]],
  ["pages of 100 rows, newest first", [{ kind: "short_page", rows: 100 }, { kind: "newest_first" }]],
  ["the last bar of each page cut short", [{ kind: "cut_last_bar" }]],
  ["cut last bars in pages of 100", [{ kind: "short_page", rows: 100 }, { kind: "cut_last_bar" }]],
  ["cut last bars in shuffled pages of 50", [
    { kind: "short_page", rows: 50 },
    { kind: "cut_last_bar" },
    { kind: "shuffled" },
  ]],
];

for (const venue of VENUES) {
  for (const [name, faults] of HARMLESS) {
    // Kraken counts its pages from the newest bar, whatever is asked: a short page there is another venue's ways.
    if (venue === "kraken" && faults.some((fault) => fault.kind === "short_page")) continue;
    Deno.test(`${venue}: ${name} gives the same bars, each once`, async () => {
      await bothWays(venue, faults, ({ sound, spoiled }) => {
        assert.equal(barsOf(sound).length, SLOTS);
        assert.deepEqual(barsOf(spoiled), barsOf(sound));
        assert.equal(doubles(spoiled), 0);
        assert.deepEqual(spoiled.answered, [[...RANGE]]);
        assert.deepEqual(spoiled.absent, []);
      });
    });
  }

  Deno.test(`${venue}: doubled rows are delivered as often as they came, to be counted`, async () => {
    await bothWays(venue, [{ kind: "doubled_rows", where: "all" }], ({ sound, spoiled }) => {
      assert.deepEqual(barsOf(spoiled), barsOf(sound));
      assert.equal(doubles(spoiled), SLOTS);
    });
  });
}

Deno.test("a bar that each page seam doubles is delivered twice, but for the seam that we asked for", async () => {
  const faults: Fault[] = [{ kind: "short_page", rows: 100 }, { kind: "overlap", bars: 1 }];
  await bothWays("binance", faults, ({ sound, spoiled, stand }) => {
    assert.deepEqual(barsOf(spoiled), barsOf(sound));
    const seams = stand.barCalls().length - 1;
    assert.ok(seams >= 6, `${seams} seams`);
    assert.equal(doubles(spoiled), seams);
  });
});

Deno.test("pages that reach over their ends bring nothing from outside the question", async () => {
  await bothWays("bitfinex", [{ kind: "overlap", bars: 5 }], ({ sound, spoiled }) => {
    assert.deepEqual(barsOf(spoiled), barsOf(sound));
    assert.ok(spoiled.columns.ts.every((sec) => sec as number >= RANGE[0] && sec as number < RANGE[1]));
  });
});

for (const venue of ["binance", "bitfinex", "okx"] as const) {
  Deno.test(`${venue}: an empty page amid data is stepped over, and its slots are answered`, async () => {
    const rows = 100;
    const settings = { batchLimit: rows };
    const faults: Fault[] = [{ kind: "empty_page", match: { nth: 3 } }];
    await onVenue(venue, { now: NOW, faults, settings }, async ({ exchange, ask, barCalls }) => {
      const reply = await exchange.fetchBars(ask({ range: RANGE }));
      // Two pages of 100 keep 99 bars each; the third asks 100 slots and is empty.
      const hole = [RANGE[0] + 60 * 198, RANGE[0] + 60 * 298];
      const expected = Array.from({ length: SLOTS }, (_, i) => RANGE[0] + 60 * i)
        .filter((sec) => sec < hole[0] || sec >= hole[1]);
      assert.deepEqual(barsOf(reply).map(([sec]) => sec), expected);
      assert.deepEqual(reply.answered, [[...RANGE]]);
      assert.deepEqual(reply.absent, [], "a hole amid data is no listing");
      assert.ok(barCalls().length <= 8, `${barCalls().length} calls`);
    });
  });

  Deno.test(`${venue}: an outage longer than a page is stepped over`, async () => {
    const outage = { startMs: 1000 * (RANGE[0] + 6000), endMs: 1000 * (RANGE[0] + 24_000) };
    const faults: Fault[] = [{ kind: "withdrawn", fromMs: 0, span: outage }];
    await onVenue(venue, { now: NOW, faults, settings: { batchLimit: 100 } }, async ({ exchange, ask }) => {
      const reply = await exchange.fetchBars(ask({ range: RANGE }));
      assert.equal(barsOf(reply).length, SLOTS - 300);
      assert.deepEqual(reply.answered, [[...RANGE]]);
      assert.deepEqual(reply.absent, []);
    });
  });
}

Deno.test("each call asks one bar more than it keeps, and never the forming one", async () => {
  await onVenue("binance", { now: NOW }, async ({ exchange, ask, barCalls }) => {
    await exchange.fetchBars(ask({ range: RANGE }));
    assert.deepEqual(barCalls().map(({ params }) => params.limit), [String(SLOTS + 1)]);
    await exchange.fetchBars(ask({ range: [at("2024-01-01T23:50:00Z"), at("2024-01-02T00:00:00Z")] }));
    assert.equal(barCalls()[1].params.limit, "10", "ten closed bars, and the eleventh is forming");
  });
});
