/**
 * The figures that the service is held to, measured on this machine, each beside a yardstick of the same run.
 *
 *   deno task bench            all of them
 *   deno task bench fill http  some of them
 *
 * A missed figure is told and does not fail the run: speed is measured, never asserted.
 */

import { type Bench, textOf } from "./bench/figure.ts";
import { coreBench } from "./bench/core_bench.ts";
import { deadlinesBench } from "./bench/deadlines_bench.ts";
import { fillBench } from "./bench/fill_bench.ts";
import { httpBench } from "./bench/http_bench.ts";
import { libraryBench } from "./bench/library_bench.ts";
import { memoryBench } from "./bench/memory_bench.ts";

const BENCHES: readonly Bench[] = [
  coreBench,
  libraryBench,
  httpBench,
  deadlinesBench,
  fillBench,
  memoryBench,
];

const wanted = Deno.args.filter((arg) => !arg.startsWith("-"));
const unknown = wanted.filter((name) => !BENCHES.some((bench) => bench.name === name));
if (unknown.length > 0 || Deno.args.includes("--help")) {
  if (unknown.length > 0) console.error(`There is no bench ${unknown.join(", ")}.`);
  console.log("Usage: deno task bench [NAME…]");
  for (const { name, what } of BENCHES) console.log(`  ${name.padEnd(10)}${what}`);
  Deno.exit(unknown.length > 0 ? 2 : 0);
}
for (const bench of BENCHES) {
  if (wanted.length > 0 && !wanted.includes(bench.name)) continue;
  console.log(`${bench.name}: ${bench.what}`);
  const figures = await inTime(bench);
  for (const line of figures.flatMap(textOf)) console.log(line);
}

/** A bench that hangs is given up by name. */
async function inTime(bench: Bench) {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`bench ${bench.name} was not done after ${bench.limitSec} s`)),
    bench.limitSec * 1000,
  );
  try {
    return await Promise.race([bench.run((line) => console.log(`  … ${line}`)), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
