/** What stands on the disk and is damaged: told with its exit code, by the program as it is run. */

import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { DAY, inWorld, NODE, run } from "./program.ts";

const LOG = "data/artifacts/ohlcv/exchange=binance/symbol=BTC%2FUSDT/timeframe=1m/log/000000000001.json";

Deno.test("a hot store that is damaged keeps nobody from a backtest, nor from its proof", () =>
  inWorld(async ({ folder }) => {
    strictEqual((await run(folder, "fill", NODE, ...DAY)).code, 0);
    const listed = await run(folder, "snapshots", NODE, "--json");
    const { snapshots: [{ as_of: asOf }] } = JSON.parse(listed.out);
    const backtest = ["get", NODE, ...DAY, "--as-of", asOf];
    const before = await run(folder, ...backtest);
    strictEqual(before.code, 0, before.err);
    await Deno.writeTextFile(
      `${folder}/data/bars.db`,
      "no database at all, but some text of a length".repeat(99),
    );
    const after = await run(folder, ...backtest);
    strictEqual(after.code, 0, after.err);
    strictEqual(after.out, before.out);
    strictEqual((await run(folder, "verify")).code, 0);
    strictEqual((await run(folder, "snapshots", NODE, "--json")).out, listed.out);
    for (
      const args of [["get", NODE, ...DAY], ["fill", NODE, ...DAY], ["coverage", NODE], ["publish", NODE]]
    ) {
      const { code, err } = await run(folder, ...args);
      strictEqual(code, 75, `${args[0]}: ${err}`);
      for (const told of [/bars\.db: it is damaged/, /Move it away/, /STORE_UNAVAILABLE/]) match(err, told);
    }
    const { code, out } = await run(folder, "doctor");
    strictEqual(code, 1);
    match(out, /NOT OK bar store: .*it is damaged/);
    const served = await run(folder, "serve", "--port", "0");
    strictEqual(served.code, 75, served.err);
  }));

Deno.test("--dry-run makes no file and no call, whatever the verb", () =>
  inWorld(async ({ folder, exchange }) => {
    const asked = [["get", NODE, ...DAY], ["get", NODE, "--last", "5", "-o", "bars.csv"], [
      "fill",
      NODE,
      ...DAY,
    ]];
    for (
      const args of [...asked, ["plan", NODE, ...DAY], ["publish", NODE], ["coverage", NODE], ["doctor"]]
    ) {
      for (const json of [[], ["--json"]]) {
        const { code, err } = await run(folder, ...args, ...json, "--dry-run");
        strictEqual(code, 0, `${args[0]}: ${err}`);
      }
    }
    deepStrictEqual(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["seamless.yaml"]);
    strictEqual(exchange.calls.length, 0);
  }));

Deno.test("verify of all nodes fails for a log whose only manifest is empty, or no manifest at all", () =>
  inWorld(async ({ folder }) => {
    strictEqual((await run(folder, "fill", NODE, ...DAY)).code, 0);
    for (const text of ["", "{}", "not JSON"]) {
      await Deno.writeTextFile(`${folder}/${LOG}`, text);
      const { code, out } = await run(folder, "verify", "--json");
      strictEqual(code, 4, `${JSON.stringify(text)}: ${out}`);
      const { ok, failures: [failure] } = JSON.parse(out);
      strictEqual(ok, false);
      strictEqual(failure.kind, "manifest");
      match(failure.where, /log\/000000000001\.json$/);
    }
  }));
