/** The suite in Node: `node node_host.mjs FOLDER CASES SEED`, where FOLDER has npm/ and suite.js. Prints the outcome. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";

const [folder, casesFile, seed] = process.argv.slice(2);
// The package by its name, through its exports, as a user's import would resolve it.
const resolve = createRequire(`${folder}/user.js`).resolve;
const { load } = await import(pathToFileURL(resolve("@seamless/seamless/compute")).href);
const { runSuite } = await import(pathToFileURL(`${folder}/suite.js`).href);
const { vectors, recorded, bars } = JSON.parse(readFileSync(casesFile, "utf8"));
const outcome = await runSuite({
  compute: await load(),
  vectors,
  recorded: {
    cases: recorded,
    read: (file) => Promise.resolve(gunzipSync(readFileSync(bars + file)).toString()),
  },
  seed: Number(seed),
});
console.log(JSON.stringify(outcome));
