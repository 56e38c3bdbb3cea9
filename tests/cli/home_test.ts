import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { VERBS } from "../../src/cli/verbs.ts";
import { UNBUILT_VERBS } from "../../src/cli/unbuilt.ts";
import { PRODUCT_VERSION } from "../../src/core/version.ts";
import { Bench } from "./bench.ts";

Deno.test("seamless alone says what it is, the verbs, and where its data lies", async () => {
  const bench = new Bench({ cwd: "/somewhere" });
  strictEqual(await bench.run(), 0);
  for (const { name } of VERBS) match(bench.out, new RegExp(`^ +${name} `, "m"));
  for (const name of UNBUILT_VERBS) ok(bench.out.includes(name));
  match(bench.out, /bars +\/somewhere\/data\/bars\.db\n +snapshots +\/somewhere\/data\/artifacts/);
  strictEqual(bench.wired, 0);
});

Deno.test("seamless alone says so when its configuration cannot be read, and is no failure", async () => {
  const bench = new Bench({ env: { SEAMLESS_NONSENSE: "1" } });
  strictEqual(await bench.run(), 0);
  match(bench.out, /not known: .*\(see seamless config check\)/);
});

Deno.test("the verbs of the surface are all there, built or not", () => {
  const surface =
    "get fill plan coverage gaps snapshots diff publish import export verify lock explain pin unpin compact collect rebuild audit doctor serve worker live config version";
  deepStrictEqual([...VERBS.map(({ name }) => name), ...UNBUILT_VERBS].sort(), surface.split(" ").sort());
});

Deno.test("every verb has a help page with usage, an example of itself, and the options of all", async () => {
  for (const verb of VERBS) {
    for (const args of [[verb.name, "--help"], [verb.name, "-h"], ["help", verb.name]]) {
      const bench = new Bench();
      strictEqual(await bench.run(...args), 0);
      match(bench.out, new RegExp(`^Usage: seamless ${verb.name}`));
      match(bench.out, new RegExp(`Examples?:\n +seamless ${verb.name}`));
      match(bench.out, /-c, --config FILE/);
      for (const { name } of verb.options) match(bench.out, new RegExp(`--${name}\\b`));
      strictEqual(bench.wired, 0);
    }
  }
});

Deno.test("every verb that is not built says so and what to do instead", async () => {
  for (const name of UNBUILT_VERBS) {
    const bench = new Bench();
    strictEqual(await bench.run(name, "x", "--any"), 1);
    match(
      bench.err,
      new RegExp(`Cannot run ${name}: it is not built yet \\[NOT_AVAILABLE\\]\n {2}→ Until then: .{10}`),
    );
  }
});

Deno.test("options of every verb may stand before the verb", async () => {
  const bench = new Bench();
  strictEqual(await bench.run("--json", "--set", "seamless.strategy=FAIL_FAST", "version"), 0);
  strictEqual(bench.json<{ version: string }>().version, PRODUCT_VERSION);
});

Deno.test("version needs no configuration, and names the core by its digest", async () => {
  const bench = new Bench({ env: { SEAMLESS_NONSENSE: "1", SEAMLESS_CONFIG: "/no/such/file" } });
  strictEqual(await bench.run("version", "--json"), 0);
  const wasm = await Deno.readFile(new URL("../../src/compute/compute.wasm", import.meta.url));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", wasm));
  deepStrictEqual(bench.json(), {
    version: PRODUCT_VERSION,
    fingerprint_version: "sfp1",
    wasm_sha256: Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join(""),
  });
  const deno = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  strictEqual(deno.version, PRODUCT_VERSION);
});
