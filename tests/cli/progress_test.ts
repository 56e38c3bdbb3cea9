import { ok, strictEqual } from "node:assert/strict";
import { Progress, progressLine } from "../../src/cli/progress.ts";
import { bytesText, count, duration, percent, shellWord } from "../../src/cli/texts.ts";
import { worstOf } from "../../src/cli/failure.ts";
import { Bench } from "./bench.ts";

const STATE = { label: "ohlcv:binance:BTC/USDT:1m", done: 10, total: 40, rows: 9_000, etaSeconds: null };

Deno.test("progressLine() shows bar, rows, rate and the end that the pace so far gives", () => {
  strictEqual(
    progressLine(STATE, { elapsedSec: 10, columns: 120 }),
    "ohlcv:binance:BTC/USDT:1m  [######------------------] 25 %  9,000 bars  900/s  ETA 30 s",
  );
});

Deno.test("progressLine() fits any terminal, also one of width 0, 1 or 20", () => {
  for (const columns of [0, 1, 2, 20, 40, 60, 80, 200]) {
    const line = progressLine(STATE, { elapsedSec: 10, columns });
    ok(line.length <= (columns === 0 ? 79 : columns - 1), `${columns}: ${line}`);
  }
});

Deno.test("progressLine() shows no end while nothing is done, nothing is planned, or all is", () => {
  const lineOf = (done: number, total: number | null) =>
    progressLine({ ...STATE, done, total }, { elapsedSec: 10, columns: 200 });
  for (const line of [lineOf(0, 40), lineOf(5, null), lineOf(40, 40), lineOf(0, 0)]) {
    ok(!line.includes("ETA"), line);
  }
  ok(lineOf(0, 0).includes("100 %"));
});

Deno.test("Progress draws at most every 100 ms, and nothing on a dumb terminal", async () => {
  const bench = new Bench({ terminal: true });
  const progress = new Progress(bench.surroundings, false);
  for (let i = 0; i < 50; i++) {
    progress.show(STATE);
    await bench.clock.advance(10);
  }
  strictEqual(bench.stderr.pieces.length, 5);
  const dumb = new Bench({ terminal: true, env: { TERM: "dumb" } });
  new Progress(dumb.surroundings, false).show(STATE);
  strictEqual(dumb.err, "");
});

Deno.test("numbers, shares, durations, bytes and shell words read as people write them", () => {
  strictEqual(count(1_234_567), "1,234,567");
  strictEqual(percent(0.99999), "99.99 %");
  strictEqual(percent(1), "100 %");
  strictEqual(duration(59.6), "1 min 0 s");
  strictEqual(duration(7_800), "2 h 10 min");
  strictEqual(bytesText(999), "999 B");
  strictEqual(bytesText(1_234_567), "1.2 MB");
  strictEqual(shellWord("ohlcv:binance:BTC/USDT:1m"), "ohlcv:binance:BTC/USDT:1m");
  strictEqual(shellWord("a b'c"), `'a b'\\''c'`);
});

Deno.test("of several outcomes the first of 130, 1, 4, 5, 75, 3 is the run's", () => {
  strictEqual(worstOf([]), 0);
  strictEqual(worstOf([0, 3, 0]), 3);
  strictEqual(worstOf([3, 75]), 75);
  strictEqual(worstOf([75, 5, 3]), 5);
  strictEqual(worstOf([5, 4]), 4);
  strictEqual(worstOf([4, 1]), 1);
  strictEqual(worstOf([1, 130]), 130);
});
