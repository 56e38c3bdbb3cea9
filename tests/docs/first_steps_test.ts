/** docs/first-steps.md, command by command, against the recorded day that it tells of. */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import {
  seriesByName,
  seriesFromBarFile,
  startRecordedExchange,
  systemClock,
} from "../../scripts/recorded_exchange/mod.ts";
import { sharedFolder } from "../../scripts/testing/tools.ts";
import { machineSurroundings } from "../../src/cli/machine.ts";
import { main } from "../../src/cli/main.ts";
import { loadConfig } from "../../src/config/mod.ts";
import { serve } from "../../src/wire.ts";
import { testNeeding } from "../needs.ts";
import { blocksOf, commandsOf, readDocument } from "./documents.ts";

const DAY_FILE = "data/bars/binance_BTC-USDT_1m__2023-03.csv.gz";

interface World {
  folder: string;
  /** Runs a `seamless` command in the folder; its output, standard error after standard output. */
  run: (args: string[]) => Promise<{ code: number; out: string }>;
}

/** A venue with the recorded month, and a folder whose configuration knows it. */
async function inWorld(test: (world: World) => Promise<void>): Promise<void> {
  const day = await seriesFromBarFile(join(sharedFolder(), DAY_FILE));
  const exchange = startRecordedExchange({
    venues: ["binance"],
    clock: systemClock,
    markets: [{ symbol: "BTC/USDT" }],
    series: seriesByName({ "BTC/USDT 1m": day }),
  });
  const folder = await Deno.makeTempDir({ prefix: "seamless_steps_" });
  const venue = { urls: exchange.urls("binance"), options: exchange.options("binance") };
  await Deno.writeTextFile(join(folder, "seamless.yaml"), JSON.stringify({ exchanges: { binance: venue } }));
  try {
    await test({ folder, run: (args) => runIn(folder, args) });
  } finally {
    await exchange.close();
    await Deno.remove(folder, { recursive: true });
  }
}

async function runIn(folder: string, args: string[]): Promise<{ code: number; out: string }> {
  let out = "";
  const decoder = new TextDecoder();
  const sink = {
    isTerminal: false,
    columns: () => 0,
    write: (bytes: Uint8Array) => {
      out += decoder.decode(bytes);
      return Promise.resolve();
    },
  };
  const code = await main(args, {
    ...machineSurroundings(),
    env: {},
    cwd: folder,
    stdout: sink,
    stderr: sink,
  });
  return { code, out };
}

/** The arguments of a `deno task --quiet seamless …` line; null for any other. */
function argumentsOf(command: string): string[] | null {
  const found = /^deno task --quiet seamless (.*)$/.exec(command);
  return found === null ? null : found[1].split(" ");
}

testNeeding(
  ["../shared"],
  "every command of the first steps works, and shows what the page says",
  async () => {
    const text = await readDocument("docs/first-steps.md");
    const commands = commandsOf(text).map(argumentsOf).filter((args) => args !== null);
    ok(commands.length >= 10);
    await inWorld(async ({ folder, run }) => {
      let asOf = "";
      const said = new Map<string, string>();
      for (const args of commands) {
        const { code, out } = await run(args.map((arg) => arg === "AS_OF" ? asOf : arg));
        strictEqual(code, 0, `${args.join(" ")}\n${out}`);
        said.set(args[0], out);
        asOf = /as of (\S+Z)/.exec(out)?.[1] ?? asOf;
      }
      const [filled, gaps] = blocksOf(text, "").map((block) => block.trim().split("\n"));
      // Times of asking and the as_of are each reader's own; the rest is as the page shows it.
      strictEqual(withoutClock(said.get("fill")!).includes(withoutClock(filled[0])), true, said.get("fill"));
      strictEqual(said.get("fill")!.includes(filled[2].trim()), true, said.get("fill"));
      for (const line of gaps) ok(withoutClock(said.get("gaps")!).includes(withoutClock(line)), line);
      deepStrictEqual(
        await Deno.readFile(join(folder, "once.csv")),
        await Deno.readFile(join(folder, "twice.csv")),
      );
      strictEqual((await Deno.readTextFile(join(folder, "once.csv"))).trim().split("\n").length, 1_361);
    });
  },
);

/** The text without what a clock puts into it. */
function withoutClock(text: string): string {
  return text.replace(/20(2[4-9]|[3-9]\d)-\d\d-\d\dT[\d:.]+Z/g, "TIME").replace(/ in \d+ s/g, "");
}

testNeeding(["../shared"], "every curl line of the first steps and of the README is answered", async () => {
  const documents = [await readDocument("docs/first-steps.md"), await readDocument("README.md")];
  const urls = documents.flatMap(commandsOf).map((line) => /^curl '([^']+)'$/.exec(line)?.[1]).filter((url) =>
    url
  );
  strictEqual(urls.length, 4);
  await inWorld(async ({ folder }) => {
    const path = join(folder, "seamless.yaml");
    const loaded = loadConfig({ path, env: {}, flags: { "server.port": "0" }, cwd: folder });
    const running = await serve(loaded, { verbosity: "quiet" });
    try {
      for (const url of urls) {
        const response = await fetch(url!.replace("http://127.0.0.1:8420", running.url));
        const body = await response.text();
        strictEqual(response.status, 200, `${url}: ${body}`);
        ok(body.length > 0);
      }
    } finally {
      await running.stop();
    }
  });
});
