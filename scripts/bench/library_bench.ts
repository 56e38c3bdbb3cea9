/** What a strategy in the same process waits for: stored bars, answered through the library's door. */

import { join } from "node:path";
import { type ConfigInput, open, type Seamless } from "../../src/mod.ts";
import { type Bench, type Figure, median, type Yardstick } from "./figure.ts";
import { configOf, NODE, rangeOf } from "./service.ts";
import { pythonOfTests, ROOT, Stage } from "./stage.ts";
import { startVenue } from "./venue_address.ts";

/** Questions of so many bars, and what each is held to, in milliseconds. */
const QUESTIONS = [{ bars: 100_000, most: 10 }, { bars: 500_000, most: 5 }];
/** Rows that the others hold, of which they are asked for the longest question. */
const STORED_BY_OTHERS = 5_000_000;
const ROUNDS = 80;
/** Rounds that nobody is measured in. */
const WARM_ROUNDS = 30;

export const libraryBench: Bench = {
  name: "library",
  what: "stored bars → frame with metadata and fingerprint, warm",
  limitSec: 180,
  async run(say) {
    const stage = new Stage();
    try {
      const config = configOf(await startVenue(stage), stage.newFolder()) as ConfigInput;
      const seamless = await open(config);
      const longest = Math.max(...QUESTIONS.map(({ bars }) => bars));
      say(`filling ${longest} bars`);
      const all = rangeOf(longest);
      await seamless.ensureCoverage(NODE, [all.start, all.end]);
      const figures: Figure[] = [];
      for (const question of QUESTIONS) figures.push(await answered(seamless, question));
      await seamless.close();
      figures.at(-1)!.beside!.push(...await othersOf(longest, stage, say));
      return figures;
    } finally {
      await stage.close();
    }
  },
};

/** The same question to what else could hold the bars, read into columns of numpy. */
async function othersOf(bars: number, stage: Stage, say: (line: string) => void): Promise<Yardstick[]> {
  const python = pythonOfTests();
  if (python === null) {
    say("nothing of Python beside it: run `deno task python` first");
    return [];
  }
  const script = join(ROOT, "scripts/bench/stored_rows.py");
  const args = [script, stage.newFolder(), String(STORED_BY_OTHERS), String(bars)];
  const figures = await stage.runJson<Record<string, number>>({ program: python, args });
  return Object.entries(figures).map(([name, value]) => ({ name, value }));
}

/** The time of an answer, and that of a copy of its six columns. */
async function answered(seamless: Seamless, { bars, most }: typeof QUESTIONS[number]): Promise<Figure> {
  const { start, end } = rangeOf(bars);
  const times: number[] = [];
  let columns: Float64Array[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // Each round asks for another range, so that no answer of the round before is at hand.
    const begunMs = performance.now();
    const { frame } = await seamless.fetch({ nodeId: NODE, start: start + 60 * round, end });
    times.push(performance.now() - begunMs);
    if (!("ts" in frame) || frame.ts.length !== bars - round) throw new Error("the answer lacks bars");
    columns = Object.values(frame);
  }
  const copies: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const begunMs = performance.now();
    const copy = columns.map((column) => column.slice());
    copies.push(performance.now() - begunMs);
    if (copy[0].length !== columns[0].length) throw new Error("the copy lacks bars");
  }
  return {
    name: `${bars.toLocaleString("en")} bars, frame in hand`,
    value: median(times.slice(WARM_ROUNDS)),
    unit: "ms",
    most,
    beside: [{ name: "a copy of its six columns", value: median(copies.slice(WARM_ROUNDS)) }],
  };
}
