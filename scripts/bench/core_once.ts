/**
 * One process of the core's bench: runs the named races, or all, and prints their times as one line of JSON. Loading
 * the core is the first thing that it does, so that the time of a cold load is one.
 *
 *   deno run --allow-read scripts/bench/core_once.ts [ROW…]
 */

const begunMs = performance.now();
const { load } = await import("../../src/compute/mod.ts");
const loadedMs = performance.now();
const compute = await load();
compute.missingRanges([0, 600], Float64Array.of(60, 120), { step: 60 });
const calledMs = performance.now();
const { ROWS } = await import("./core_rows.ts");

const times: Record<string, Record<string, number>> = {
  load: { ours: calledMs - loadedMs, "with the import of its modules": calledMs - begunMs },
};
for (const name of Deno.args.length > 0 ? Deno.args : Object.keys(ROWS)) {
  times[name] = await ROWS[name](compute);
}
console.log(JSON.stringify(times));
