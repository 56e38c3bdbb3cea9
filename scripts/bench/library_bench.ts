/** What a strategy in the same process waits for: stored bars, answered through the library's door. */

import { type ConfigInput, open } from "../../src/mod.ts";
import { type Bench, type Figure, median } from "./figure.ts";
import { configOf, NODE, rangeOf } from "./service.ts";
import { Stage } from "./stage.ts";
import { startVenue } from "./venue_address.ts";

const BARS = 100_000;
const ROUNDS = 15;

export const libraryBench: Bench = {
  name: "library",
  what: "100,000 stored bars → frame with metadata and fingerprint, warm",
  limitSec: 120,
  async run() {
    const stage = new Stage();
    try {
      const config = configOf(await startVenue(stage), stage.newFolder()) as ConfigInput;
      const seamless = await open(config);
      const { start, end } = rangeOf(BARS);
      await seamless.ensureCoverage(NODE, [start, end]);
      const times: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        // Each round asks for another range, so that no answer of the round before is at hand.
        const begunMs = performance.now();
        const { frame } = await seamless.fetch({ nodeId: NODE, start: start + 60 * round, end });
        times.push(performance.now() - begunMs);
        if (!("ts" in frame) || frame.ts.length !== BARS - round) throw new Error("the answer lacks bars");
      }
      await seamless.close();
      const warm = times.slice(1);
      const figures: Figure[] = [{
        name: "100,000 bars, frame in hand",
        value: median(warm),
        unit: "ms",
        most: 10,
      }];
      return figures;
    } finally {
      await stage.close();
    }
  },
};
