import { deepStrictEqual, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { connect, type HistoryError } from "../../src/client/mod.ts";
import { startServer } from "../../src/server/serve.ts";
import { AS_OFS, FIRST, NODE, SMALL_NODE } from "../server/fake_service.ts";
import { type Bench, makeBench } from "../server/harness.ts";
import { createHash } from "node:crypto";
import { serving } from "./serving.ts";

const RANGE = { start: FIRST, end: FIRST + 86_400 };
const refusal = (code: string) => (error: HistoryError) => {
  strictEqual(error.name, "HistoryError");
  strictEqual(error.code, code, error.message);
  ok(error.hint.length > 5);
  return true;
};

Deno.test("fetch() brings the bars and the metadata of the service, verified", () =>
  serving(async ({ bench, url }) => {
    const client = connect(`${url}/`);
    const { frame, metadata } = await client.fetch({ nodeId: NODE, ...RANGE, executionDomain: "live" });
    const stored = bench.service.series.get(NODE)!;
    deepStrictEqual(frame.close, stored.close.slice(0, 1440));
    deepStrictEqual(frame.ts, stored.ts.slice(0, 1440));
    strictEqual(metadata.rows, 1440);
    strictEqual(metadata.execution_domain, "live");
    const pinned = await client.fetch({
      nodeId: SMALL_NODE,
      start: "2023-03-24",
      end: "2023-03-25",
      asOf: AS_OFS[0],
    });
    strictEqual(pinned.metadata.as_of, AS_OFS[0]);
    strictEqual(pinned.frame.ts.length, 24);
    const empty = await client.fetch({ nodeId: NODE, start: FIRST, end: FIRST });
    strictEqual(empty.frame.ts.length, 0);
    strictEqual(empty.metadata.answer_fingerprint, null);
    const none = await client.fetch({ nodeId: NODE, start: FIRST - 600, end: FIRST - 60 });
    strictEqual(none.frame.ts.length, 0);
  }));

Deno.test("what is asked is what the service hears", () =>
  serving(async ({ bench, url }) => {
    const request = {
      nodeId: NODE,
      last: 5,
      end: FIRST + 600,
      asOf: AS_OFS[0],
      worldId: "w",
      executionDomain: "live",
      strategy: "FAIL_FAST",
      maxLag: 3,
      minCoverage: 0.5,
      sla: { total_deadline_ms: 900 },
    };
    await connect(url).fetch(request);
    deepStrictEqual(bench.service.asked[0].request, request);
  }));

Deno.test("rows that are not those of the fingerprint are VERIFY_FAILED, unless nobody wants to know", () =>
  serving(async ({ bench, url }) => {
    bench.service.fingerprint = () => Promise.resolve(`sfp1:${"0".repeat(64)}`);
    await rejects(connect(url).fetch({ nodeId: NODE, ...RANGE }), refusal("VERIFY_FAILED"));
    const { frame } = await connect(url, { verify: false }).fetch({ nodeId: NODE, ...RANGE });
    strictEqual(frame.ts.length, 1440);
  }));

Deno.test("errors come back as what they were there", () =>
  serving(async ({ url }) => {
    const client = connect(url);
    await rejects(client.fetch({ nodeId: "nonsense", last: 5 }), refusal("BAD_NODE_ID"));
    await rejects(client.fetch({ nodeId: "ohlcv:nowhere:A/B:1m", last: 5 }), refusal("EXCHANGE_UNKNOWN"));
    await rejects(client.coverage(NODE, { range: [10, 5] }), refusal("BAD_TIME"));
    await rejects(client.fetch({ nodeId: NODE, last: 5, sla: "baseline" }), refusal("NOT_AVAILABLE"));
    await rejects(
      client.fetch({ nodeId: NODE, last: 5, sla: { min_coverage: 1 } }),
      refusal("NOT_AVAILABLE"),
    );
    await rejects(
      client.fetch({ nodeId: NODE, last: 5, features: { early_fingerprint: true } }),
      refusal("NOT_AVAILABLE"),
    );
  }));

Deno.test("coverage() is the service's report", () =>
  serving(async ({ bench, url }) => {
    const range = [FIRST - 600, FIRST + 600] as const;
    deepStrictEqual(
      await connect(url).coverage(NODE, { range }),
      await bench.service.coverage(NODE, { range }),
    );
    deepStrictEqual(await connect(url).coverage(SMALL_NODE), await bench.service.coverage(SMALL_NODE));
  }));

Deno.test("the key goes with every call", () => {
  const sha256 = createHash("sha256").update("s3cret").digest("hex");
  return serving(async ({ url }) => {
    await rejects(connect(url).fetch({ nodeId: NODE, ...RANGE }), refusal("UNAUTHENTICATED"));
    const client = connect(url, { apiKey: "s3cret" });
    strictEqual((await client.fetch({ nodeId: NODE, ...RANGE })).frame.ts.length, 1440);
    strictEqual((await client.coverage(NODE)).node_id, NODE);
  }, { config: { apiKeys: [{ name: "k", sha256, role: "read" }] } });
});

Deno.test("an aborted signal is CANCELLED, before and while the service works", () =>
  serving(async ({ bench, url }) => {
    const client = connect(url);
    await rejects(
      client.fetch({ nodeId: NODE, ...RANGE }, { signal: AbortSignal.abort() }),
      refusal("CANCELLED"),
    );
    strictEqual(bench.service.asked.length, 0);
    let open = () => {};
    bench.service.gate = new Promise((resolve) => open = resolve);
    const leaving = new AbortController();
    const asked = client.fetch({ nodeId: NODE, ...RANGE }, { signal: leaving.signal });
    leaving.abort();
    await rejects(asked, refusal("CANCELLED"));
    open();
  }));

Deno.test("a service that is not there, or is none, says so", async () => {
  const gone = startServer(makeBench().app);
  await gone.shutdown();
  await rejects(connect(gone.url).coverage(NODE), refusal("STORE_UNAVAILABLE"));
  const stranger: typeof fetch = () => Promise.resolve(new Response("<html>", { status: 404 }));
  await rejects(
    connect("http://x.example", { fetch: stranger }).coverage(NODE),
    refusal("STORE_UNAVAILABLE"),
  );
  throws(() => connect("ftp://x"), TypeError);
  throws(() => connect("nowhere"), TypeError);
});

Deno.test("events() hears what happens, filtered, and ends when it is left", () =>
  serving(async ({ bench, url }) => {
    const events = connect(url).events({ types: ["gap"], nodeId: NODE })[Symbol.asyncIterator]();
    const first = events.next();
    while (bench.service.listeners === 0 || !(await listening(bench))) { /* until the stream is open */ }
    const gap = { type: "gap", node_id: NODE, start: 0, end: 60, bars: 1, reason: "pending" } as const;
    bench.service.emit({ ...gap, node_id: SMALL_NODE });
    bench.service.emit(gap);
    deepStrictEqual((await first).value, gap);
    await events.return?.();
    strictEqual((await events.next()).done, true);
  }));

Deno.test("events() comes back after a break, with nothing lost", async () => {
  const asked: (string | null)[] = [];
  const pauses: number[] = [];
  const texts = [
    'retry: 2000\n: hi\n\nid: r-1\nevent: gap\ndata: {"bars":1}\n\nid: r-2\nevent: gap\nda',
    'id: r-2\nevent: gap\ndata: {"bars":2}\n\n: alive\n\n',
    'event: reset\ndata: {"reason":"gone"}\n\n',
  ];
  const flaky: typeof fetch = (_input, init) => {
    asked.push(new Headers(init?.headers).get("last-event-id"));
    if (asked.length === 2) return Promise.reject(new TypeError("connection refused"));
    return Promise.resolve(new Response(texts.shift()));
  };
  const pause = (ms: number) => Promise.resolve(void pauses.push(ms));
  const heard: unknown[] = [];
  for await (const event of connect("http://x.example", { fetch: flaky, pause }).events()) {
    heard.push(event);
    if (event.type === "reset") break;
  }
  deepStrictEqual(heard, [{ type: "gap", bars: 1 }, { type: "gap", bars: 2 }, {
    type: "reset",
    reason: "gone",
  }]);
  deepStrictEqual(asked, [null, "r-1", "r-1", "r-2"]);
  deepStrictEqual(pauses, [500, 1000, 500]);
});

Deno.test("events() tells what the service refuses, and gives up on one that stays away", async () => {
  const pause = () => Promise.resolve();
  await serving(async ({ url }) => {
    const events = connect(url, { pause }).events({ types: ["gaps"] });
    await rejects(Array.fromAsync(events), refusal("BAD_REQUEST"));
  });
  let tries = 0;
  const dead: typeof fetch = () => Promise.reject(new TypeError(`refused ${++tries}`));
  await rejects(
    Array.fromAsync(connect("http://x.example", { fetch: dead, pause }).events()),
    refusal("STORE_UNAVAILABLE"),
  );
  strictEqual(tries, 12);
  deepStrictEqual(await Array.fromAsync(connect("http://x").events({ signal: AbortSignal.abort() })), []);
});

/** Whether the hub has a listener: its app answers the next request after the stream was opened. */
async function listening(bench: Bench): Promise<boolean> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  return bench.logged.some(({ event, fields }) => event === "seamless.http.request" && fields.status === 200);
}
