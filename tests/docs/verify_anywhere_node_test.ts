/** docs/verify-anywhere.md outside of browsers: its lines as they stand, in Deno, Node 20 and Node 24. */

import { match, ok, strictEqual } from "node:assert/strict";
import { find, type Need, testNeeding } from "../needs.ts";
import { publish, type Published } from "../npm/published.ts";
import { inUserFolder, run } from "../npm/user_folder.ts";
import { blocksOf, commandsOf, readDocument } from "./documents.ts";

Deno.test("the page installs the versions that its lines are run with", async () => {
  const { dependencies } = JSON.parse(await readDocument(".ci/tools/package.json"));
  const [install] = commandsOf(await readDocument("docs/verify-anywhere.md"));
  const packages = ["hyparquet", "fzstd"].map((name) => `${name}@${dependencies[name]}`).join(" ");
  strictEqual(install, `npm install --install-links ${packages} ./seamless/dist/npm`);
});

/** How each host runs a file, whose name decides nothing: the folder is one of modules. */
const HOSTS: { host: string; block: string; needs: Need[]; command: () => string[] }[] = [
  {
    host: "Deno",
    block: "deno",
    needs: [],
    command: () => [Deno.execPath(), "run", "--no-prompt", "--no-lock", "--cached-only", "--allow-read"],
  },
  { host: "Node 20", block: "node", needs: ["node20"], command: () => [find("node20")!] },
  { host: "Node 24", block: "node", needs: ["node24"], command: () => [find("node24")!] },
];

testNeeding(
  ["npm", "node24"],
  "outside of browsers the page's lines verify a published dataset, and not one whose rows are others",
  (t) =>
    inUserFolder(async ({ path }) => {
      const page = await readDocument("docs/verify-anywhere.md");
      const published = await publish(`${path}/artifacts`);
      for (const { host, block, needs, command } of HOSTS) {
        const missing = needs.filter((need) => find(need) === null);
        const ignore = missing.length > 0;
        const name = ignore ? `in ${host} [needs ${missing.join(", ")}]` : `in ${host}`;
        const fn = async () => {
          const [lines, ...more] = blocksOf(page, `js ${block}`);
          strictEqual(more.length, 0);
          await Deno.writeTextFile(`${path}/verify.js`, lines);
          const [program, ...args] = command();
          await expectVerdicts(
            published,
            (o) => run(program, [...args, "verify.js", published.root, o.uri, o.expected], { cwd: path }),
          );
        };
        await t.step({ name, ignore, fn });
      }
    }),
);

/** The genuine dataset under its name, under another's, and another's rows under the genuine claims. */
async function expectVerdicts(
  { manifestUri, forgedUri, fingerprint }: Published,
  verify: (o: { uri: string; expected: string }) => Promise<string>,
): Promise<void> {
  strictEqual(await verify({ uri: manifestUri, expected: fingerprint }), `verified ${fingerprint}\n`);
  match(await verify({ uri: manifestUri, expected: fingerprint.replace(/.$/, "") }), /^NOT VERIFIED: /);
  const forged = await verify({ uri: forgedUri, expected: fingerprint });
  match(forged, /^NOT VERIFIED: the rows are sfp1:[0-9a-f]{64}\n$/);
  ok(!forged.includes(fingerprint));
}
