/**
 * A first look that cannot hang: imports every entry point in a process of its own, then runs the quick tests.
 * Whatever takes too long is named and ended.
 *
 * Usage: deno task preflight
 */

import { ROOT } from "./gate/tree.ts";
import { systemClock } from "../src/adapters/system.ts";

/** An entry point must be imported within this. */
const IMPORT_LIMIT_MS = 30_000;

/** The quick tests must be done within this. */
const TESTS_LIMIT_MS = 120_000;

/** Tests that touch neither disk nor network, and take seconds. */
const QUICK = ["tests/core/", "tests/config/", "tests/formats/", "tests/backfill/", "tests/client/"];

const ENTRIES = ["src/mod.ts", "src/main.ts", "src/wire.ts", "src/compute/mod.ts", "src/client/mod.ts"];

/** Runs this Deno, inheriting its output; 124 when the limit ended it. */
async function bounded(args: string[], limitMs: number, env: Record<string, string> = {}): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), { args, cwd: ROOT, env, stdin: "null" }).spawn();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGTERM");
  }, limitMs);
  const { code } = await child.status;
  clearTimeout(timer);
  return late ? 124 : code;
}

let broken = 0;
for (const entry of ENTRIES) {
  const startedMs = systemClock.monotonicMs();
  const specifier = JSON.stringify(new URL(entry, `file://${ROOT}`).href);
  const code = await bounded(
    ["eval", "--no-check", `await import(${specifier}); Deno.exit(0);`],
    IMPORT_LIMIT_MS,
  );
  const ms = Math.round(systemClock.monotonicMs() - startedMs);
  console.log(code === 0 ? `imported ${entry} (${ms} ms)` : `BROKEN ${entry}: exit ${code} after ${ms} ms`);
  if (code !== 0) broken++;
}
const tests = await bounded(["task", "--quiet", "test", ...QUICK], TESTS_LIMIT_MS);
if (tests !== 0) console.log(tests === 124 ? "BROKEN quick tests: not done in time" : "BROKEN quick tests");
Deno.exit(broken > 0 || tests !== 0 ? 1 : 0);
