/** What stands on the disk and is damaged: told with its exit code, by the program as it is run. */

import { match, strictEqual } from "node:assert/strict";
import { DAY, inWorld, NODE, run } from "./program.ts";

const LOG = "data/artifacts/ohlcv/exchange=binance/symbol=BTC%2FUSDT/timeframe=1m/log/000000000001.json";

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
