/** What a strategy in the same process waits for: stored bars, answered through the library's door. */

import { type ConfigInput, open, type Seamless } from "../../src/mod.ts";
import { type Bench, type Figure, median } from "./figure.ts";
import { configOf, NODE, rangeOf } from "./service.ts";
import { Stage } from "./stage.ts";
import { startVenue } from "./venue_address.ts";

/** Questions of so many bars, and what each is held to, in milliseconds. */
const QUESTIONS = [{ bars: 100_000, most: 10 }, { bars: 500_000, most: 5 }];
const ROUNDS = 30;
/** Rounds that nobody is measured in. */
const WARM_ROUNDS = 10;

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
      return figures;
    } finally {
      await stage.close();
    }
  },
};

/** The time of an answer, and by turns that of a copy of its six columns. */
async function answered(seamless: Seamless, { bars, most }: typeof QUESTIONS[number]): Promise<Figure> {
  const { start, end } = rangeOf(bars);
  const [times, copies]: number[][] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    // Each round asks for another range, so that no answer of the round before is at hand.
    const begunMs = performance.now();
    const { frame } = await seamless.fetch({ nodeId: NODE, start: start + 60 * round, end });
    const answeredMs = performance.now();
    if (!("ts" in frame) || frame.ts.length !== bars - round) throw new Error("the answer lacks bars");
    const copy = Object.values(frame).map((column) => column.slice());
    const copiedMs = performance.now();
    if (copy[0].length !== frame.ts.length) throw new Error("the copy lacks bars");
    times.push(answeredMs - begunMs);
    copies.push(copiedMs - answeredMs);
  }
  return {
    name: `${bars.toLocaleString("en")} bars, frame in hand`,
    value: median(times.slice(WARM_ROUNDS)),
    unit: "ms",
    most,
    beside: [{ name: "a copy of its six columns", value: median(copies.slice(WARM_ROUNDS)) }],
  };
}
