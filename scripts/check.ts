/**
 * The gate: everything that must hold before tests are worth running. Each step is a command that can be run on
 * its own; all of them run, and the gate fails when any of them does.
 *
 * Usage: deno task check
 */

import { filesBelow, runDeno } from "./gate/tree.ts";
import { systemClock } from "../src/adapters/system.ts";

/** What a script of the gate may do: look, and run this very Deno. */
const LOOK = ["run", "--no-prompt", "--allow-read", "--allow-env", `--allow-run=${Deno.execPath()}`];

/** Every TypeScript file that Deno runs; AssemblyScript has its own compiler. */
function typedFiles(): string[] {
  return ["src", "scripts", "tests", "docs"].flatMap((folder) => filesBelow(folder, [".ts"])).map((f) =>
    f.path
  );
}

interface Step {
  name: string;
  args: string[];
}

const STEPS: readonly Step[] = [
  { name: "format", args: ["fmt", "--check"] },
  { name: "lint", args: ["lint", "--quiet"] },
  { name: "types", args: ["check", "--quiet", ...typedFiles()] },
  { name: "layers", args: [...LOOK, "scripts/check_layers.ts"] },
  { name: "shape", args: [...LOOK, "scripts/check_shape.ts"] },
  { name: "docs of exports", args: [...LOOK, "scripts/check_docs.ts"] },
  { name: "locks", args: [...LOOK, "scripts/check_locks.ts"] },
  { name: "wasm freshness", args: ["task", "--quiet", "build:wasm", "--check"] },
];

/** Runs one step and shows what it printed when it failed. */
async function pass({ name, args }: Step): Promise<boolean> {
  const startedMs = systemClock.monotonicMs();
  const { code, stdout, stderr } = await runDeno(args);
  const seconds = ((systemClock.monotonicMs() - startedMs) / 1000).toFixed(1);
  console.log(`${code === 0 ? "kept  " : "BROKEN"} ${name} (${seconds} s)`);
  if (code !== 0) console.log((stdout + stderr).trimEnd().replaceAll(/^/gm, "    "));
  return code === 0;
}

const broken: string[] = [];
for (const step of STEPS) {
  if (!await pass(step)) broken.push(step.name);
}
console.log(
  broken.length === 0 ? `check: all ${STEPS.length} steps kept` : `check: broken: ${broken.join(", ")}`,
);
Deno.exit(broken.length === 0 ? 0 : 1);
