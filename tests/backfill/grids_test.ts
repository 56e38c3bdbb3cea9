/** Venues whose slots do not open where the timeframe says: found by the first fill, and filled whole by it. */

import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { rejection } from "../refusal.ts";
import { Bench, NOW_MS } from "./bench.ts";
import { OffGridReply } from "../../src/backfill/window_fetch.ts";

const DAY_SEC = 86_400;
const NODE = "ohlcv:fake:BTC/USDT:1d";
const MIDNIGHT = NOW_MS / 1000 - NOW_MS / 1000 % DAY_SEC;
const daysAt = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i * DAY_SEC);

Deno.test("days that open at 16:00 UTC are all there after the first fill, on the grid that it found", async () => {
  const bench = new Bench();
  bench.exchange.opensAt = 57_600;
  const range = [MIDNIGHT - 45 * DAY_SEC, MIDNIGHT - 5 * DAY_SEC] as const;
  await bench.fill(range, { nodeId: NODE, grid: { step: DAY_SEC, anchor: 0 } });
  const state = (await bench.store.state(NODE))!;
  deepStrictEqual(state.node.grid, { step: DAY_SEC, anchor: 57_600 });
  const first = MIDNIGHT - 46 * DAY_SEC + 57_600;
  deepStrictEqual(await bench.stored([first, range[1]], NODE), daysAt(first, 41));
  deepStrictEqual(await bench.gaps([first, first + 41 * DAY_SEC], NODE), []);
  deepStrictEqual(await bench.plan(range, { nodeId: NODE }), []);
  strictEqual(
    state.ledger.every(({ start, end }) => start % DAY_SEC === 57_600 && end % DAY_SEC === 57_600),
    true,
  );
});

Deno.test("days at 16:00 are filled up to the last closed one, and the forming one is not asked for", async () => {
  const bench = new Bench();
  bench.exchange.opensAt = 57_600;
  const now = NOW_MS / 1000;
  await bench.fill([now - 8 * DAY_SEC, now], { nodeId: NODE, grid: { step: DAY_SEC, anchor: 0 } });
  // It is noon: the day that opened yesterday at 16:00 is forming.
  const forming = MIDNIGHT - DAY_SEC + 57_600;
  deepStrictEqual(await bench.plan([now - 8 * DAY_SEC, now], { nodeId: NODE }), []);
  const state = (await bench.store.state(NODE))!;
  const held = [...await bench.stored([0, now], NODE), ...state.provisional.ts];
  strictEqual(held.at(-1), forming - DAY_SEC);
  strictEqual(held.length >= 8, true);
});

Deno.test("a configured anchor is not questioned: rows off it are refused, and the way out is named", async () => {
  const bench = new Bench({ settings: { anchorOf: () => 0 } });
  bench.exchange.opensAt = 57_600;
  const range = [MIDNIGHT - 20 * DAY_SEC, MIDNIGHT - 10 * DAY_SEC] as const;
  const [window] = await bench.plan(range, { nodeId: NODE });
  const error = await rejection(
    bench.backfiller.fillWindow(NODE, window, bench.ask({ grid: { step: DAY_SEC } })),
  );
  strictEqual(error.code, "CONFORMANCE_BLOCKED");
  strictEqual(error instanceof OffGridReply, true);
  strictEqual(/anchor/.test(error.hint), true);
});

Deno.test("an anchor that is changed after the first bars came is refused, with the way out", async () => {
  const range = [MIDNIGHT - 20 * DAY_SEC, MIDNIGHT - 10 * DAY_SEC] as const;
  const before = new Bench();
  await before.fill(range, { nodeId: NODE });
  const changed = new Bench({ beside: before, settings: { anchorOf: () => 57_600 } });
  const error = await rejection(changed.backfiller.site(NODE));
  strictEqual(error.code, "CONFORMANCE_BLOCKED");
  match(error.message, /exchanges\.fake\.anchor\.1d: 57600: its stored bars are on the grid of 0/);
  match(error.hint, /Set exchanges\.fake\.anchor\.1d to 0/);
  // The same grid in other words is none that differs, and what holds no bars yet takes the new one.
  const same = new Bench({ beside: before, settings: { anchorOf: () => MIDNIGHT } });
  deepStrictEqual((await same.backfiller.site(NODE)).grid, { step: DAY_SEC, anchor: 0 });
  const other = "ohlcv:fake:ETH/USDT:1d";
  await before.store.ensureNode({ nodeId: other, grid: { step: DAY_SEC, anchor: 0 }, volumeUnit: "base" });
  changed.exchange.opensAt = 57_600;
  await changed.fill(range, { nodeId: other });
  deepStrictEqual((await before.store.state(other))!.node.grid, { step: DAY_SEC, anchor: 57_600 });
});

Deno.test("a symbol whose folder name no file system takes is refused before anything is asked", async () => {
  const bench = new Bench();
  const nodeOf = (letters: number, letter = "\u0436") => `ohlcv:fake:${letter.repeat(letters)}/USDT:1d`;
  // `symbol=`, six bytes a letter, `%2FUSDT`.
  strictEqual((await bench.backfiller.site(nodeOf(40))).state, null);
  const error = await rejection(bench.backfiller.site(nodeOf(41)));
  strictEqual(error.code, "BAD_NODE_ID");
  match(error.message, /folder name of 260 bytes/);
  strictEqual((await bench.backfiller.site(nodeOf(170, "A"))).state, null);
  strictEqual(bench.exchange.calls, 0);
});

Deno.test("an ask that failed fixes no grid: the first bars that come do", async () => {
  const bench = new Bench();
  bench.exchange.opensAt = 57_600;
  await bench.store.ensureNode({ nodeId: NODE, grid: { step: DAY_SEC, anchor: 0 }, volumeUnit: "base" });
  await bench.fill([MIDNIGHT - 20 * DAY_SEC, MIDNIGHT - 10 * DAY_SEC], {
    nodeId: NODE,
    grid: { step: DAY_SEC },
  });
  deepStrictEqual((await bench.store.state(NODE))!.node.grid, { step: DAY_SEC, anchor: 57_600 });
});

Deno.test("a node's grid stays what it is, whatever later replies look like", async () => {
  const bench = new Bench();
  await bench.fill([MIDNIGHT - 40 * DAY_SEC, MIDNIGHT - 30 * DAY_SEC], { nodeId: NODE });
  bench.exchange.opensAt = 57_600;
  const [window] = await bench.plan([MIDNIGHT - 20 * DAY_SEC, MIDNIGHT - 10 * DAY_SEC], { nodeId: NODE });
  const error = await rejection(bench.backfiller.fillWindow(NODE, window, bench.ask()));
  strictEqual(error.code, "CONFORMANCE_BLOCKED");
  deepStrictEqual((await bench.store.state(NODE))!.node.grid, { step: DAY_SEC, anchor: 0 });
});
