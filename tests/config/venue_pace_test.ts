import assert from "node:assert/strict";
import { loadConfig } from "../../src/config/mod.ts";
import { venuePaceModule } from "../../scripts/venue_pace.ts";

Deno.test("the pace of every venue is what CCXT says", async () => {
  const written = await Deno.readTextFile(new URL("../../src/config/venue_pace.ts", import.meta.url));
  assert.equal(written, venuePaceModule());
});

Deno.test("a budget above the venue's own ceiling is refused at start", () => {
  const request = { text: "exchanges:\n  binance:\n    rate_limit_rps: 1000\n", env: {}, cwd: "/" };
  assert.throws(() => loadConfig(request), /above its own ceiling of 1200/);
});

Deno.test("a budget above the ceiling is a warning where urls lead to something else than the venue", () => {
  const urls = "    urls: {api: {public: 'http://127.0.0.1:1/api/v3'}}\n";
  const loaded = loadConfig({
    text: `exchanges:\n  binance:\n    rate_limit_rps: 1000\n${urls}`,
    env: {},
    cwd: "/",
  });
  assert.match(loaded.warnings.map(({ message }) => message).join(), /above its own ceiling/);
});
