/** The README's three ways to open what the demo left, run as they stand there. */

import { ok, strictEqual } from "node:assert/strict";
import { blocksOf, readDocument } from "../docs/documents.ts";
import { find, testNeeding } from "../needs.ts";
import { runDemo } from "../scripts/demo_run.ts";

testNeeding(["python"], "DuckDB, Polars and pandas open the demo's folder in three lines each", async () => {
  const blocks = blocksOf(await readDocument("README.md"), "python");
  strictEqual(blocks.length, 3);
  const cwd = await Deno.makeTempDir({ prefix: "seamless_readme_" });
  try {
    const { code, err } = await runDemo({ folder: "demo-data", cwd });
    strictEqual(code, 0, err);
    for (const block of blocks) {
      strictEqual(block.trim().split("\n").length, 3, block);
      const python = new Deno.Command(find("python")!, { args: ["-c", block], cwd, stderr: "piped" });
      const { success, stdout, stderr } = await python.output();
      ok(success, `${block}\n${new TextDecoder().decode(stderr)}`);
      const said = new TextDecoder().decode(stdout);
      ok(/44206|44936\.41/.test(said), said);
    }
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});
