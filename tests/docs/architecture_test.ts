/** docs/architecture.md says how the code is built; here it is held to that. */

import { deepStrictEqual, ok } from "node:assert/strict";
import { MAY_IMPORT } from "../../scripts/gate/layer_table.ts";
import { pathOf, readDocument } from "./documents.ts";

const words = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word);

Deno.test("its table of imports is the one that the gate enforces", async () => {
  const text = await readDocument("docs/architecture.md");
  const lines = text.split("\n");
  const header = lines.findIndex((line) => /^\| Layer +\| May import +\|$/.test(line));
  const rows = lines.slice(header + 2);
  const table = rows.slice(0, rows.findIndex((line) => !line.startsWith("|")));
  const told = Object.fromEntries(table.map((row) => {
    const [, layer, may] = row.split("|");
    return [words(layer)[0], words(may).sort()];
  }));
  const enforced = Object.fromEntries(
    Object.entries(MAY_IMPORT).map(([layer, may]) => [layer, [...may].sort()]),
  );
  deepStrictEqual(told, enforced);
});

Deno.test("its tree names every folder and file right below src", async () => {
  const text = await readDocument("docs/architecture.md");
  for await (const { name, isDirectory } of Deno.readDir(pathOf("src"))) {
    ok(text.includes(isDirectory ? `  ${name}/ ` : name), `src/${name} is not in the tree`);
  }
});

Deno.test("it names every folder of adapters, so that each port's technologies are told", async () => {
  const text = await readDocument("docs/architecture.md");
  for await (const { name } of Deno.readDir(pathOf("src/adapters"))) {
    ok(text.includes(`src/adapters/${name}`), `src/adapters/${name} is not told`);
  }
});
