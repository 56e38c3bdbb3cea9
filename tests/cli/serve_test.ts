import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { HistoryError } from "../../src/core/errors.ts";
import { Bench, fakeServer } from "./bench.ts";

async function untilPrinted(bench: Bench, text: RegExp): Promise<void> {
  for (let turns = 0; turns < 1_000 && !text.test(bench.out); turns++) {
    await new Promise((next) => setTimeout(next, 0));
  }
  match(bench.out, text);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`serve prints its address and a curl line, and ends with 0 at ${signal}`, async () => {
    const { running, stops } = fakeServer();
    const bench = new Bench({ serve: () => Promise.resolve(running) });
    const run = bench.run("serve");
    await untilPrinted(
      bench,
      /listens on http:\/\/127\.0\.0\.1:8420\ntry: curl 'http:\/\/127\.0\.0\.1:8420\/v1\/bars/,
    );
    bench.signal(signal);
    strictEqual(await run, 0);
    strictEqual(stops(), 1);
    strictEqual(bench.listening, 0);
  });
}

Deno.test("serve puts --port and --hostname into the configuration, whose checks see them", async () => {
  const { running } = fakeServer();
  const seen: unknown[] = [];
  const bench = new Bench({
    serve: ({ config }, o) => {
      seen.push(config.server.port, config.server.hostname, o.verbosity);
      return Promise.resolve(running);
    },
  });
  const run = bench.run("serve", "--port", "0", "--hostname", "localhost", "-v", "--json");
  await untilPrinted(bench, /listening/);
  deepStrictEqual(seen, [0, "localhost", "verbose"]);
  deepStrictEqual(bench.json(), { event: "listening", url: "http://127.0.0.1:8420" });
  bench.signal("SIGINT");
  strictEqual(await run, 0);
});

Deno.test("serve that cannot have its address ends with 2 and the way out", async () => {
  const taken = new HistoryError("CONFIG_INVALID", "Cannot listen on 127.0.0.1:8420", {
    hint: "Choose another",
  });
  const bench = new Bench({ serve: () => Promise.reject(taken) });
  strictEqual(await bench.run("serve"), 2);
  match(bench.err, /Cannot listen on 127\.0\.0\.1:8420 \[CONFIG_INVALID\]\n {2}→ Choose another/);
});

Deno.test("serve --dry-run says where it would listen", async () => {
  const bench = new Bench();
  strictEqual(await bench.run("serve", "--port", "9999", "--dry-run"), 0);
  match(bench.out, /would listen on 127\.0\.0\.1:9999/);
});
