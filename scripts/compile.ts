/**
 * Proves that the program can be made into one file. A runtime to embed cannot be had offline, so `deno compile`
 * is given this very Deno in its place: that checks the module graph, the types and the embedded files. Whether the
 * bundled graph runs is shown by running the bundle of the same entry.
 *
 * Usage: deno task compile
 */

import { join } from "node:path";
import { ROOT, runDeno } from "./gate/tree.ts";

const folder = Deno.makeTempDirSync({ prefix: "seamless-compile-" });

async function step(name: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  const output = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT, env, stdin: "null" }).output();
  const text = new TextDecoder();
  if (output.code !== 0) {
    console.error(`compile: ${name} failed\n${text.decode(output.stderr).trimEnd()}`);
    Deno.removeSync(folder, { recursive: true });
    Deno.exit(1);
  }
  console.log(`compile: ${name} works`);
  return text.decode(output.stdout);
}

const program = ["--allow-read", "--allow-write", "--allow-env", "--allow-net", "src/main.ts"];
const compiled = [
  "compile",
  "--quiet",
  "--output",
  join(folder, "seamless"),
  "--include",
  "src/compute/compute.wasm",
  // Threads are loaded by their address, which no module graph shows.
  "--include",
  "src/adapters/bar_store/sqlite_worker.ts",
  "--include",
  "src/adapters/parquet/proof_worker.ts",
];
await step("the module graph", [...compiled, ...program], { DENORT_BIN: Deno.execPath() });
const bundle = join(folder, "seamless.js");
// ccxt asks for packages that it does not name as its own; it is loaded when a venue is first asked, and stays outside.
const outside = ["--external", "ccxt"];
await step("the bundle", [
  "bundle",
  "--quiet",
  "--platform",
  "deno",
  ...outside,
  "-o",
  bundle,
  "src/main.ts",
]);
Deno.copyFileSync(join(ROOT, "src/compute/compute.wasm"), join(folder, "compute.wasm"));
const said = await step("running the bundle", ["run", "--allow-read", "--allow-env", bundle, "version"]);
console.log(said.trimEnd());
const { code } = await runDeno(["run", "--allow-read", "--allow-env", bundle, "no-such-verb"]);
Deno.removeSync(folder, { recursive: true });
if (code !== 2) {
  console.error(`compile: the bundle answers an unknown verb with exit ${code}, not 2`);
  Deno.exit(1);
}
