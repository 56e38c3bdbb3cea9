import { match, ok, strictEqual } from "node:assert/strict";
import { HistoryError } from "../../src/core/errors.ts";
import { Bench } from "./bench.ts";

Deno.test("config check lists every problem with its place and ends with 2", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/seamless.yaml`, "seamless:\n  slaa: {}\nstorage:\n  bars: 5\n");
  const bench = new Bench({ cwd: folder });
  strictEqual(await bench.run("config", "check"), 2);
  match(bench.out, /problem: .*2:3 .*slaa.*did you mean "sla"/);
  const json = new Bench({ cwd: folder });
  strictEqual(await json.run("config", "check", "--json"), 2);
  const report = json.json<{ ok: boolean; problems: { line: number }[]; warnings: unknown[] }>();
  strictEqual(report.ok, false);
  strictEqual(report.problems.length, 2);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("config check of the defaults is fine", async () => {
  const folder = await Deno.makeTempDir();
  const bench = new Bench({ cwd: folder });
  strictEqual(await bench.run("config", "check"), 0);
  match(bench.out, /the configuration can be used/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("config print takes file, environment and flags, the flags last", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/own.yaml`, "seamless:\n  strategy: FAIL_FAST\nserver:\n  port: 9000\n");
  const env = { SEAMLESS_SERVER__PORT: "9001" };
  const bench = new Bench({ cwd: folder, env });
  strictEqual(await bench.run("config", "print", "-c", "own.yaml", "--set", "server.port=9002", "--json"), 0);
  const printed = bench.json<{ seamless: { strategy: string }; server: { port: number } }>();
  strictEqual(printed.seamless.strategy, "FAIL_FAST");
  strictEqual(printed.server.port, 9002);
  const yaml = new Bench({ cwd: folder, env });
  strictEqual(await yaml.run("config", "print", "-c", "own.yaml", "--resolved"), 0);
  match(yaml.out, /port: 9001/);
  match(yaml.out, new RegExp(`${folder}/data/artifacts`));
  await Deno.remove(folder, { recursive: true });
});

Deno.test("config schema is a JSON Schema of every key", async () => {
  const bench = new Bench();
  strictEqual(await bench.run("config", "schema"), 0);
  const schema = bench.json<{ $schema: string; properties: Record<string, unknown> }>();
  ok(schema.$schema.includes("json-schema.org"));
  ok("exchanges" in schema.properties && "seamless" in schema.properties);
});

Deno.test("a configuration that is wrong ends any verb with 2 and all its problems", async () => {
  const bench = new Bench();
  const settings = ["--set", "server.port=none", "--set", "seamless.strategie=SEAMLESS"];
  strictEqual(await bench.run("coverage", "ohlcv:binance:BTC/USDT:1m", ...settings, "--json"), 2);
  const problem = JSON.parse(bench.err);
  strictEqual(problem.code, "CONFIG_INVALID");
  strictEqual(problem.problems.length, 2);
  strictEqual(bench.wired, 0);
});

Deno.test("doctor prints each check with its way out, and ends with 1 when one is not ok", async () => {
  const bench = new Bench();
  strictEqual(await bench.run("doctor"), 0);
  match(bench.out, /ok +config: defaults, no file\nok +store: writes and reads\nall is well/);
  const ill = new Bench();
  ill.service.checks = [{ name: "clock:binance", ok: false, message: "12 s ahead", hint: "Set the clock" }];
  strictEqual(await ill.run("doctor", "--json"), 1);
  const report = ill.json<{ ok: boolean; checks: { name: string; hint: string }[] }>();
  strictEqual(report.ok, false);
  strictEqual(report.checks[1].hint, "Set the clock");
});

Deno.test("doctor tells a configuration or a store that cannot be opened as a check", async () => {
  const config = new Bench();
  strictEqual(await config.run("doctor", "--set", "no.such=1", "--json"), 1);
  strictEqual(config.json<{ checks: { name: string }[] }>().checks[0].name, "config");
  const store = new Bench();
  store.surroundings.wire = () =>
    Promise.reject(new HistoryError("STORE_UNAVAILABLE", "Cannot open bars.db", { hint: "Free the disk" }));
  strictEqual(await store.run("doctor"), 1);
  match(store.out, /NOT OK start: Cannot open bars\.db\n +→ Free the disk/);
});

Deno.test("warnings of the configuration are told once on standard error, and not under --quiet", async () => {
  const settings = ["--set", "sla.max_wait_live_ms=1600"];
  const bench = new Bench();
  await bench.run("coverage", "ohlcv:binance:BTC/USDT:1m", ...settings);
  strictEqual(bench.err.match(/warning:/g)?.length, 1);
  const quiet = new Bench();
  await quiet.run("coverage", "ohlcv:binance:BTC/USDT:1m", ...settings, "--quiet");
  strictEqual(quiet.err, "");
});

Deno.test("doctor --dry-run writes nothing and opens nothing", async () => {
  const bench = new Bench();
  strictEqual(await bench.run("doctor", "--dry-run"), 0);
  match(bench.out, /would check/);
  strictEqual(bench.wired, 0);
});
