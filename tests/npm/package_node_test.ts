/** The npm package as npm packs and installs it: what is in it, and that Node and TypeScript take it. */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { pinnedPackage } from "../../scripts/testing/tools.ts";
import * as core from "../../src/compute/mod.ts";
import { blocksOf } from "../docs/documents.ts";
import { find, type Need, testNeeding } from "../needs.ts";
import { inUserFolder, run, type UserFolder } from "./user_folder.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const NEEDS: Need[] = ["npm", "node20", "node24", "typescript"];
/** Of the whole package, unpacked: two thirds are source maps. */
const MAX_BYTES = 640 * 1024;
const MAX_WASM_BYTES = 60 * 1024;
/** fingerprint.md's example, which the package's README computes. */
const EXAMPLE = "sfp1:9e388ade2e846d907e52d0ad35b62a99818f6fcb1bbda16db056e15b1d61635d";

const PROBE = `
import * as core from "@seamless/seamless/compute";
import { createRequire } from "node:module";
const required = createRequire(import.meta.url)("@seamless/seamless/compute");
const fetched = (await import("node:fs")).readFileSync("node_modules/@seamless/seamless/compute.wasm");
const digests = [];
for (const source of [undefined, fetched, await WebAssembly.compile(fetched)]) {
  const compute = await core.load(source);
  digests.push(Buffer.from(compute.sha256(new TextEncoder().encode("abc"))).toString("hex"));
}
console.log(JSON.stringify({ exports: Object.keys(core), same: required.load === core.load, digests }));
`;

const USER = `
import { type Bars, type Chunk, type Compute, gridOf, load, toPairs, toRanges } from "@seamless/seamless/compute";
import { connect, HistoryError, type Metadata } from "@seamless/seamless/client";

export async function use(module: WebAssembly.Module, bytes: Uint8Array): Promise<string> {
  const compute: Compute = await load();
  await load(module);
  await load(bytes);
  await load(fetch("http://127.0.0.1:1/compute.wasm"));
  const ts = new Float64Array([0, 60]);
  const frame: Bars = { ts, open: ts, high: ts, low: ts, close: ts, volume: ts };
  const claims = { nodeId: "n", grid: gridOf("1m"), range: [0, 120] as const, conformanceVersion: "v2" };
  const { fingerprint, chunks }: { fingerprint: string; chunks: Chunk[] } = compute.fingerprint(frame, claims);
  const open: number = toPairs(compute.missingRanges([0, 600], toRanges([[60, 120]]), claims.grid))[0][0];
  // @ts-expect-error: a range is two numbers, not a text
  compute.missingRanges("0", toRanges([]), claims.grid);
  const metadata: Metadata = (await connect("http://127.0.0.1:1").fetch({ nodeId: "n", last: 1 })).metadata;
  if (metadata instanceof HistoryError) throw metadata;
  return fingerprint + chunks.length + open;
}
`;

/** What users compile with: how modules are found, and whose declarations of the host there are. */
const COMPILERS: Record<string, Record<string, unknown>> = {
  "for a bundler, with the DOM": { module: "esnext", moduleResolution: "bundler", lib: ["es2022", "dom"] },
  "for Node, with the DOM": { module: "nodenext", lib: ["es2022", "dom"] },
  "for a worker": { module: "nodenext", lib: ["es2022", "webworker"] },
  "for Node, with Node's types alone": {
    module: "nodenext",
    lib: ["es2022"],
    typeRoots: [pinnedPackage("@types")],
    types: ["node"],
  },
};

testNeeding(NEEDS, "the npm package, packed and installed by npm", (t) =>
  inUserFolder(async (user) => {
    const home = `${user.path}/node_modules/@seamless/seamless`;
    await t.step("has what it exports and nothing else, within its bounds", () => expectContents(user, home));
    await t.step("carries the bytes of compute.wasm", () => expectSameBytes(home));
    await t.step("names sources by their place in the checkout, and nothing of the machine", () =>
      expectNames(home));
    for (const need of ["node20", "node24"] as const) {
      await t.step(`is loaded by ${need}, imported and required, from bytes and a module`, () =>
        expectLoads(user, find(need)!));
    }
    for (const [name, options] of Object.entries(COMPILERS)) {
      await t.step(`compiles ${name}`, () =>
        expectCompiles(user, options));
    }
  }));

async function expectContents({ packed }: UserFolder, home: string): Promise<void> {
  const paths = packed.files.map(({ path }) => path);
  deepStrictEqual(paths.filter((path) => !path.startsWith("types/")).sort(), [
    ...["LICENSE", "README.md", "client.js", "client.js.map", "compute.js", "compute.js.map", "compute.wasm"],
    ...["compute_wasm.js", "package.json"],
  ]);
  ok(paths.filter((path) => path.startsWith("types/")).every((path) => path.endsWith(".d.ts")));
  ok(packed.unpackedSize <= MAX_BYTES, `${packed.unpackedSize} bytes`);
  ok(packed.files.find(({ path }) => path === "compute.wasm")!.size <= MAX_WASM_BYTES);
  const manifest = JSON.parse(await Deno.readTextFile(`${home}/package.json`));
  const { name, version, license } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  deepStrictEqual([manifest.name, manifest.version, manifest.license], [name, version, license]);
  deepStrictEqual([manifest.type, manifest.sideEffects, manifest.engines], ["module", false, {
    node: ">=20",
  }]);
  for (const door of Object.values(manifest.exports as Record<string, Record<string, string>>)) {
    deepStrictEqual(Object.keys(door), ["types", "default"]);
    for (const path of Object.values(door)) ok(paths.includes(path.replace("./", "")), path);
  }
}

async function expectSameBytes(home: string): Promise<void> {
  const [, text] = /"([^"]+)"/.exec(await Deno.readTextFile(`${home}/compute_wasm.js`))!;
  const bytes = await Deno.readFile(`${home}/compute.wasm`);
  deepStrictEqual(Uint8Array.fromBase64(text), bytes);
  deepStrictEqual(bytes, await Deno.readFile(`${ROOT}src/compute/compute.wasm`));
}

async function expectNames(home: string): Promise<void> {
  for (const name of ["compute", "client"]) {
    const text = await Deno.readTextFile(`${home}/${name}.js`);
    const map = await Deno.readTextFile(`${home}/${name}.js.map`);
    for (const written of [text, map]) {
      ok(!/file:\/\/\/\w|\/tmp\//.test(written) && !written.includes(ROOT), name);
    }
    // A module that is reached by its address instead of an import would not be in the package.
    ok(!/new URL\("[^"]+\.m?[tj]s"/.test(text), `${name}.js names a module by address`);
    match(text, new RegExp(`//# sourceMappingURL=${name}\\.js\\.map\\s*$`));
    const { sources, sourcesContent } = JSON.parse(map);
    strictEqual(sources.length, sourcesContent.length);
    for (const [at, source] of sources.entries()) {
      strictEqual(await Deno.readTextFile(ROOT + source), sourcesContent[at], source);
    }
  }
}

async function expectLoads({ path }: UserFolder, node: string): Promise<void> {
  await Deno.writeTextFile(`${path}/probe.js`, PROBE);
  const told = JSON.parse(await run(node, ["probe.js"], { cwd: path }));
  const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode("abc")))
    .toHex();
  deepStrictEqual(told, { exports: Object.keys(core).sort(), same: true, digests: [sha256, sha256, sha256] });
  const readme = await Deno.readTextFile(`${path}/node_modules/@seamless/seamless/README.md`);
  const [lines] = blocksOf(readme, "js");
  ok(lines.includes(EXAMPLE));
  await Deno.writeTextFile(`${path}/readme.js`, lines);
  strictEqual(await run(node, ["readme.js"], { cwd: path }), `${EXAMPLE}\n`);
}

async function expectCompiles({ path }: UserFolder, options: Record<string, unknown>): Promise<void> {
  const common = { strict: true, noEmit: true, target: "es2022", skipLibCheck: false, types: [] };
  const compilerOptions = { ...common, ...options };
  await Deno.writeTextFile(`${path}/user.ts`, USER);
  await Deno.writeTextFile(`${path}/tsconfig.json`, JSON.stringify({ compilerOptions, files: ["user.ts"] }));
  await run(find("node24")!, [find("typescript")!], { cwd: path });
}
