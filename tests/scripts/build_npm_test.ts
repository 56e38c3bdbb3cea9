/** The npm package as its users meet it: two exports, modules that load, declarations that a compiler accepts. */
import { deepStrictEqual, match, ok } from "node:assert/strict";
import { buildPackages } from "../compute/packages.ts";

const USER = `
import { type Bars, type Compute, gridOf, load, toRanges } from "@seamless/seamless/compute";
import { type Client, connect, type FetchRequest, HistoryError, type Metadata } from "@seamless/seamless/client";
const compute: Compute = await load();
const bars = compute.conform({ kind: "ohlcv", columns: {} }, { grid: gridOf("1m") }).frame as Bars;
const client: Client = connect("http://127.0.0.1:1");
const request: FetchRequest = { nodeId: "ohlcv:binance:BTC/USDT:1m" };
const answer = client.fetch(request).then(({ metadata }): Metadata => metadata);
answer.catch((error) => error instanceof HistoryError);
export const rows: number = bars.ts.length + compute.mergeRanges(toRanges([[0, 60]]), gridOf("1m")).length;
`;
const INTRUDER = `import { slotOf } from "@seamless/seamless/compute"; slotOf;`;

/** Type-checks a module that imports the package by its name; the compiler's words, or nothing. */
async function check(folder: string, name: string, source: string): Promise<string> {
  await Deno.writeTextFile(`${folder}/${name}`, source);
  const options = { args: ["check", "--no-lock", name], cwd: folder, env: { NO_COLOR: "1", TMPDIR: folder } };
  const { success, stderr } = await new Deno.Command(Deno.execPath(), options).output();
  return success ? "" : new TextDecoder().decode(stderr);
}

Deno.test("build:npm exports ./compute and ./client, with declarations that fit and say no more", async () => {
  const folder = await buildPackages();
  try {
    const home = `${folder}/node_modules/@seamless/seamless`;
    await Deno.mkdir(`${folder}/node_modules/@seamless`, { recursive: true });
    await Deno.rename(`${folder}/npm`, home);
    await Deno.writeTextFile(`${folder}/package.json`, "{}");
    await Deno.writeTextFile(`${folder}/deno.json`, `{ "nodeModulesDir": "manual" }`);
    const { type, exports } = JSON.parse(await Deno.readTextFile(`${home}/package.json`));
    deepStrictEqual([type, Object.keys(exports)], ["module", ["./compute", "./client"]]);
    ok(await WebAssembly.compile(await Deno.readFile(`${home}/compute.wasm`)));
    deepStrictEqual(await check(folder, "user.ts", USER), "");
    match(await check(folder, "intruder.ts", INTRUDER), /slotOf/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
