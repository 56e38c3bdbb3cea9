import { deepStrictEqual, ok } from "node:assert/strict";
import { dirname, join } from "node:path/posix";
import { commandsOf, DOCUMENTS, pathOf, readDocument } from "./documents.ts";

for (const document of DOCUMENTS) {
  Deno.test(`${document}: every link within the checkout leads to something that is there`, async () => {
    const text = await readDocument(document);
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link);
    const inside = links.filter((link) => !/^https?:/.test(link)).map((link) => link.replace(/#.*$/, ""));
    for (const link of inside) {
      const path = join(dirname(document), link);
      ok(await Deno.stat(pathOf(path)).then(() => true, () => false), `${document} links to ${path}`);
    }
  });

  Deno.test(`${document}: every task that it names exists`, async () => {
    const { tasks } = JSON.parse(await readDocument("deno.json"));
    const text = await readDocument(document);
    const named = [...text.matchAll(/(?:deno|deno@[\d.]+) task (?:--quiet )?([a-z][a-z:]*)/g)].map((
      [, name],
    ) => name);
    for (const name of named) ok(name in tasks, `${document} names task ${name}`);
  });
}

Deno.test("README.md: newcomers have two commands, and the same Deno is pinned everywhere", async () => {
  const commands = commandsOf(await readDocument("README.md"));
  deepStrictEqual(commands.slice(0, 2), [
    "npx --yes deno@2.9.6 task demo",
    "npx --yes deno@2.9.6 task test",
  ]);
});
