import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { portTaken } from "../../src/cli/port_taken.ts";
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

Deno.test("serve on a port in use says which, and how to choose another", async () => {
  const taken = portTaken({ hostname: "127.0.0.1", port: 8420 }, new Error("in use"));
  const bench = new Bench({ serve: () => Promise.reject(taken) });
  strictEqual(await bench.run("serve"), 2);
  match(bench.err, /127\.0\.0\.1:8420: another program uses that port \[CONFIG_INVALID\]/);
  match(bench.err, /seamless serve --port 8421/);
});

Deno.test("serve --dry-run says where it would listen", async () => {
  const bench = new Bench();
  strictEqual(await bench.run("serve", "--port", "9999", "--dry-run"), 0);
  match(bench.out, /would listen on 127\.0\.0\.1:9999/);
});
