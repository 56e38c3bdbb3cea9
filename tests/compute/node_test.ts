/** The suite in Node: the npm package as users get it, loaded without an argument. */
import { buildPackages, expectAllPassed, sharedCases, toolTest } from "./packages.ts";

const HOST = new URL("suite/node_host.mjs", import.meta.url).pathname;

toolTest({
  name: "the compute core passes its whole suite in Node, through the npm package",
  tool: "node",
  async fn(node) {
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
  },
});
