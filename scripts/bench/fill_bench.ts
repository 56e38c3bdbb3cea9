/** A fill of a million bars from a venue without limit, beside the loop that every user of ccxt has written. */

import { join } from "node:path";
import { type Bench, type Figure, median, type Yardstick } from "./figure.ts";
import { rangeOf } from "./service.ts";
import { ROOT, Stage } from "./stage.ts";
import { startVenue, type VenueAddress } from "./venue_address.ts";

const BARS = 1_000_000;
const ROUNDS = 3;
const CCXT = "4.5.84";
const LOOP = join(ROOT, "scripts/bench/ccxt_loop.mjs");

export const fillBench: Bench = {
  name: "fill",
  what: "1M bars fetched, conformed, stored, fingerprinted and published",
  limitSec: 300,
  async run(say) {
    const stage = new Stage();
    try {
      const venue = await startVenue(stage);
      const ours: number[] = [];
      const theirs: number[] = [];
      const module = await nodeCcxt(stage, say);
      for (let round = 0; round < ROUNDS; round++) {
        ours.push(await fillOnce(stage, venue));
        theirs.push(await loopOnce(stage, venue, module));
      }
      const beside: Yardstick = {
        name: module === null
          ? "ccxt's own paging loop in Deno, which stores nothing"
          : "ccxt's own paging loop in Node, which stores nothing",
        value: median(theirs),
      };
      const figures: Figure[] = [{
        name: "1M bars, to the published snapshot",
        value: median(ours),
        unit: "ms",
        most: beside.value,
        beside: [beside],
      }];
      return figures;
    } finally {
      await stage.close();
    }
  },
};

async function fillOnce(stage: Stage, venue: VenueAddress): Promise<number> {
  const script = join(ROOT, "scripts/bench/fill_once.ts");
  const flags = ["--no-prompt", "--v8-flags=--heap-growing-percent=20"];
  const rights = ["--allow-read", "--allow-write", "--allow-env", "--allow-net=127.0.0.1"];
  const args = ["run", ...flags, ...rights, script, JSON.stringify(venue), stage.newFolder(), String(BARS)];
  return (await stage.runJson<{ ms: number }>({ args })).ms;
}

async function loopOnce(stage: Stage, venue: VenueAddress, module: string | null): Promise<number> {
  const { start, end } = rangeOf(BARS);
  const asked = [JSON.stringify(venue), String(start * 1000), String(end * 1000)];
  const rights = ["--no-prompt", "--allow-read", "--allow-env", "--allow-net=127.0.0.1"];
  const { ms, bars } = module === null
    ? await stage.runJson<{ ms: number; bars: number }>({
      args: ["run", ...rights, LOOP, `npm:ccxt@${CCXT}`, ...asked],
    })
    : await stage.runJson<{ ms: number; bars: number }>({ program: "node", args: [LOOP, module, ...asked] });
  if (bars < BARS) throw new Error(`ccxt's loop brought ${bars} bars`);
  return ms;
}

/** ccxt for Node, installed once below `.cache`; null where Node or npm is not to be had: Deno runs the loop then. */
async function nodeCcxt(stage: Stage, say: (line: string) => void): Promise<string | null> {
  const folder = join(ROOT, ".cache/ccxt-node");
  const module = join(folder, "node_modules/ccxt/js/ccxt.js");
  try {
    Deno.mkdirSync(folder, { recursive: true });
    const flags = ["--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", "--silent"];
    await stage.run({ program: "npm", args: ["install", `ccxt@${CCXT}`, ...flags] });
    Deno.statSync(module);
    return module;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    say(`no Node beside it (${error.message}): ccxt's loop runs in Deno`);
    return null;
  }
}
