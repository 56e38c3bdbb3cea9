import assert from "node:assert/strict";
import { checkWhole, linesOf, start } from "./windows_process.ts";

const OPTIONS = { sanitizeOps: true, sanitizeResources: true };

Deno.test(
  "two processes on one file write each window once, and each lease has one holder",
  OPTIONS,
  async () => {
    const folder = Deno.makeTempDirSync({ prefix: "seamless-share-" });
    const count = 150;
    const said = await Promise.all([0, 1].map((isDown) => linesOf(start(folder, ["share", count, isDown]))));
    const all = [...Array(count).keys()];
    const told = (word: string) =>
      said.flat().filter((line) => line.startsWith(word)).map((line) => Number(line.split(" ")[1])).sort((
        a,
        b,
      ) => a - b);
    assert.deepEqual(told("wrote"), all);
    assert.deepEqual(told("got"), all);
    assert.equal(said.every((lines) => lines.some((line) => line.startsWith("wrote"))), true);
    assert.deepEqual(await checkWhole(`${folder}/bars.db`), all);
    Deno.removeSync(folder, { recursive: true });
  },
);

Deno.test("many processes that make one file at once all find it made", OPTIONS, async () => {
  for (let round = 0; round < 3; round++) {
    const folder = Deno.makeTempDirSync({ prefix: "seamless-make-" });
    const said = await Promise.all([0, 1, 2, 3].map((i) => linesOf(start(folder, ["write", 10 * i, 10]))));
    assert.deepEqual(said.map((lines) => lines.length), [10, 10, 10, 10]);
    assert.deepEqual(await checkWhole(`${folder}/bars.db`), [...Array(40).keys()]);
    Deno.removeSync(folder, { recursive: true });
  }
});
