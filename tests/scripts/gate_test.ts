/** The gate finds what it is there to find: each rule against a checkout of a few lines that breaks it. */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { dirname, join } from "node:path";
import { docBreaches } from "../../scripts/check_docs.ts";
import { cyclesOf, layerBreaches } from "../../scripts/check_layers.ts";
import { shapeBreaches } from "../../scripts/check_shape.ts";
import { whyNot } from "../../scripts/gate/layer_table.ts";

/** Writes a checkout, gives its root to the test, and takes it away. */
async function inCheckout(
  files: Record<string, string>,
  test: (root: string) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    for (const [path, text] of Object.entries({ "deno.json": "{}", ...files })) {
      await Deno.mkdir(dirname(join(root, path)), { recursive: true });
      await Deno.writeTextFile(join(root, path), text);
    }
    await test(`${root}/`);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const messages = (breaches: { path: string; message: string }[]) =>
  breaches.map(({ path, message }) => `${path}: ${message}`).sort();

Deno.test("the import table allows what architecture.md draws, and nothing else", () => {
  const allowed = [
    ["src/compute/door.ts", "src/core/errors.ts"],
    ["src/history/provider.ts", "src/backfill/plan.ts"],
    ["src/server/routes.ts", "src/history/provider.ts"],
    ["src/adapters/leases/sqlite.ts", "src/adapters/leases/in_process.ts"],
    ["src/adapters/parquet/codec.ts", "src/compute/mod.ts"],
    ["src/wire.ts", "src/adapters/system.ts"],
    ["src/main.ts", "src/cli/main.ts"],
    ["src/cli/main.ts", "src/config/mod.ts"],
  ];
  for (const [from, to] of allowed) strictEqual(whyNot(from, to), null, `${from} → ${to}`);
  const refused = [
    ["src/core/errors.ts", "src/compute/mod.ts"],
    ["src/compute/mod.ts", "src/backfill/plan.ts"],
    ["src/backfill/plan.ts", "src/history/provider.ts"],
    ["src/history/provider.ts", "src/adapters/system.ts"],
    ["src/server/app.ts", "src/adapters/system.ts"],
    ["src/cli/main.ts", "src/adapters/system.ts"],
    ["src/cli/main.ts", "src/history/provider.ts"],
    ["src/adapters/leases/sqlite.ts", "src/adapters/bar_store/sqlite.ts"],
    ["src/adapters/exchange/ccxt.ts", "src/config/mod.ts"],
    ["src/client/mod.ts", "src/wire.ts"],
    ["src/main.ts", "src/wire.ts"],
    ["src/helpers/all.ts", "src/core/errors.ts"],
  ];
  for (const [from, to] of refused) ok(whyNot(from, to), `${from} → ${to}`);
});

Deno.test("check_layers names forbidden imports, packages in pure rings, and cycles", () =>
  inCheckout({
    "src/core/a.ts": `import { b } from "./b.ts"; import "node:fs"; export const a = b;`,
    "src/core/b.ts": `import type { a } from "./a.ts"; export const b: typeof a = 1 as never;`,
    "src/history/c.ts": `import "../adapters/d.ts";`,
    "src/adapters/d.ts": `export {};`,
    "src/cli/e.ts": `import "../gone.ts";`,
  }, async (root) => {
    const found = messages((await layerBreaches(root)).breaches);
    strictEqual(found.length, 4, found.join("\n"));
    match(found[0], /src\/cli\/e\.ts: .*gone\.ts/);
    match(found[1], /src\/core\/a\.ts: import cycle: src\/core\/a\.ts → src\/core\/b\.ts → src\/core\/a\.ts/);
    match(found[2], /src\/core\/a\.ts: imports node:fs: nothing from outside enters core/);
    match(found[3], /src\/history\/c\.ts: .*only src\/wire\.ts names adapters/);
  }));

Deno.test("check_layers finds clocks, chance, timers, network, Deno and console in pure rings, and only there", async () => {
  const reaches = [
    "Date.now()",
    "new Date()",
    "performance.now()",
    "Math.random()",
    "crypto.randomUUID()",
    "setTimeout(() => {}, 1)",
    "AbortSignal.timeout(5)",
    "fetch('x')",
    "Deno.cwd()",
    "console.log(1)",
    "globalThis.Deno",
    "globalThis.setTimeout(() => {}, 1)",
  ];
  for (const text of reaches) {
    const files = Object.fromEntries(
      ["core", "compute", "backfill", "history", "server"].map((
        ring,
      ) => [`src/${ring}/a.ts`, `export const a = () => ${text};`]),
    );
    await inCheckout(files, async (root) => {
      const found = (await layerBreaches(root)).breaches;
      deepStrictEqual(found.map(({ path }) => path.split("/")[1]).sort(), [
        "backfill",
        "compute",
        "core",
        "history",
      ], text);
      ok(found.every(({ line }) => line === 1));
    });
  }
});

Deno.test("check_layers is not fooled by comments, texts, members and names that only look alike", () =>
  inCheckout({
    "src/core/a.ts": [
      "// Date.now() and Deno.cwd() are not for here; console.log neither.",
      'export const text = "Math.random() fetch(x)";',
      "interface Port { fetch(url: string): void; console: number }",
      "export const at = new Date(0);",
      "export const use = (port: Port) => { port.fetch('x'); return port.console; };",
      "export type Timer = ReturnType<typeof setTimeout>;",
    ].join("\n"),
  }, async (root) => deepStrictEqual((await layerBreaches(root)).breaches, [])));

Deno.test("check_layers loads the WASM in compute alone", () =>
  inCheckout({
    "src/server/a.ts": `import "../compute/b.wasm";`,
    "src/compute/b.wasm": "",
  }, async (root) => {
    const [found] = messages((await layerBreaches(root)).breaches);
    match(found, /only compute\/ loads the WASM|imports src\/compute/);
  }));

Deno.test("cyclesOf() finds a file that imports itself, and none in a tree", () => {
  deepStrictEqual(cyclesOf([{ from: "a", to: "a" }]), [["a", "a"]]);
  deepStrictEqual(cyclesOf([{ from: "a", to: "b" }, { from: "a", to: "c" }, { from: "b", to: "c" }]), []);
});

Deno.test("check_shape finds long files, long functions, machine paths and registry hosts", () => {
  const long = (lines: number) => `export function f() {\n${"  f();\n".repeat(lines - 2)}}\n`;
  const machine = ["", "work", "main"].join("/");
  const host = ["registry", "npmjs", "org"].join(".");
  return inCheckout({
    "src/fine.ts": long(60) + "// x\n".repeat(340),
    "src/long_file.ts": "// x\n".repeat(401),
    "wasm/long_file.ts": "// x\n".repeat(401),
    "src/long_function.ts": long(61),
    "docs/a.md": `See ${machine} for more.\n`,
    "README.md": `npm from https://${host}/x\n`,
  }, async (root) => {
    deepStrictEqual(messages((await shapeBreaches(root)).breaches), [
      `README.md: names the registry host ${host}`,
      `docs/a.md: names a machine's own path ${machine}`,
      "src/long_file.ts: 401 lines; 400 at most: split it by what it does",
      "src/long_function.ts: 61 lines in one function; 60 at most",
      "wasm/long_file.ts: 401 lines; 400 at most: split it by what it does",
    ]);
  });
});

Deno.test("check_shape measures a suite of tests without its tests, and each of them", () => {
  const test = (lines: number) => `  Deno.test("x", () => {\n${"    f();\n".repeat(lines - 2)}  });\n`;
  return inCheckout({
    "tests/suite.ts": `export function suite() {\n${test(50)}${test(50)}}\n`,
    "tests/long_test.ts": test(61),
  }, async (root) => {
    deepStrictEqual(messages((await shapeBreaches(root)).breaches), [
      "tests/long_test.ts: 61 lines in one function; 60 at most",
    ]);
  });
});

Deno.test("check_docs names what the entry points export without a docstring", () =>
  inCheckout({
    "src/mod.ts": `export * from "./core/a.ts";\nexport { type B as C } from "./core/a.ts";\n`,
    "src/core/a.ts":
      "/** Told. */\nexport const told = 1;\nexport const silent = 2;\ninterface B { x: 1 }\nexport type { B };\n",
    "src/compute/mod.ts": "/** Told. */\nexport function f(): void;\nexport function f(): void {}\n",
    "src/client/mod.ts": "export {};\n",
  }, async (root) => {
    const { breaches } = await docBreaches(root);
    const names = breaches.map(({ message }) => message.split(" ")[0]).sort();
    deepStrictEqual(names, ["B", "C", "silent"]);
  }));
