/** The client in Node, as users of the npm package have it. */

import { deepStrictEqual, ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { find, testNeeding } from "../needs.ts";
import { FIRST, NODE } from "../server/fake_service.ts";
import { serving } from "./serving.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SCRIPT = fileURLToPath(new URL("in_node.mjs", import.meta.url));

async function run(program: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args, cwd: ROOT }).output();
  ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

testNeeding(["node"], "the npm package's client asks, verifies, and is refused in Node", async () => {
  const folder = await Deno.makeTempDir({ prefix: "seamless_client_" });
  try {
    const flags = ["--no-prompt", "--allow-read", "--allow-env", `--allow-write=${folder}`];
    const leave = `--allow-run=${Deno.execPath()}`;
    await run(Deno.execPath(), ["run", ...flags, leave, "scripts/build_npm.ts", `${folder}/npm`]);
    await serving(async ({ bench, url }) => {
      const told = JSON.parse(await run(find("node")!, [SCRIPT, `${folder}/npm`, url, NODE, String(FIRST)]));
      const { metadata } = await bench.service.bars({ nodeId: NODE, start: FIRST, end: FIRST + 86_400 });
      deepStrictEqual(told, {
        closes: [...bench.service.series.get(NODE)!.close.slice(0, 1440)],
        fingerprint: metadata.answer_fingerprint,
        refused: [true, "BAD_NODE_ID"],
        firstBar: FIRST,
        ended: true,
      });
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
