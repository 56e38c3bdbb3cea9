/**
 * One fill through the library door, in a process of its own. Prints {"ms": …}: from the call to the published
 * snapshot; loading the program is not counted, loading ccxt and its markets is.
 *
 * Usage: fill_once.ts VENUE_JSON FOLDER BARS
 */

import { type ConfigInput, open } from "../../src/mod.ts";
import { configOf, NODE, rangeOf } from "./service.ts";

const [venue, folder, bars] = Deno.args;
const seamless = await open(configOf(JSON.parse(venue), folder) as ConfigInput);
const { start, end } = rangeOf(Number(bars));
const begunMs = performance.now();
await seamless.ensureCoverage(NODE, [start, end]);
const ms = performance.now() - begunMs;
console.log(JSON.stringify({ ms, rssMb: Deno.memoryUsage().rss / 2 ** 20 }));
await seamless.close();
