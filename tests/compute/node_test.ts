/**
 * The suite in Node: the npm package as users get it, loaded without an argument, in the oldest Node that it promises
 * and in a newer one. Without the pinned ones (`npm ci --prefix .ci/tools`), in whatever Node the machine has.
 */
import { find, type Need } from "../../scripts/testing/tools.ts";
import { buildPackages, expectAllPassed, sharedCases, toolTest } from "./packages.ts";

const HOST = new URL("suite/node_host.mjs", import.meta.url).pathname;

const PINNED: Need[] = ["node20", "node24"];
const NODES: Need[] = PINNED.some((need) => find(need) !== null) ? PINNED : ["node", ...PINNED];

for (const tool of NODES) {
  toolTest({
    name: `the compute core passes its whole suite in ${tool}, through the npm package`,
    tool,
    fn: passesIn,
  });
}

async function passesIn(node: string): Promise<void> {
  const folder = await buildPackages();
  try {
    await Deno.mkdir(`${folder}/node_modules/@seamless`, { recursive: true });
    await Deno.rename(`${folder}/npm`, `${folder}/node_modules/@seamless/seamless`);
    const { vectors, recorded, folder: bars } = sharedCases();
    await Deno.writeTextFile(`${folder}/cases.json`, JSON.stringify({ vectors, recorded, bars }));
    const args = [HOST, folder, `${folder}/cases.json`, Deno.env.get("SEAMLESS_TEST_SEED") ?? "1"];
    const { success, stdout, stderr } = await new Deno.Command(node, { args }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    expectAllPassed(JSON.parse(new TextDecoder().decode(stdout)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
