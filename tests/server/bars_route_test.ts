import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { tableFromIPC } from "apache-arrow";
import { BAR_COLUMNS } from "../../src/core/bar_frame.ts";
import { HistoryError } from "../../src/core/errors.ts";
import { AS_OFS, FIRST, NODE } from "./fake_service.ts";
import { makeBench, problemOf } from "./harness.ts";

const DAY = `/v1/bars?node_id=${NODE}&start=${FIRST}&end=${FIRST + 86_400}`;
const PINNED = `${DAY}&as_of=${AS_OFS[0]}`;
const HUGE_ROWS = 60_000;

Deno.test("bars come as JSON by default, with metadata, columns, rows and next", async () => {
  const { get, service } = makeBench();
  const response = await get(DAY);
  strictEqual(response.status, 200);
  strictEqual(response.headers.get("content-type"), "application/json");
  const body = await response.json();
  deepStrictEqual(Object.keys(body), ["metadata", "columns", "rows", "next"]);
  deepStrictEqual(body.columns, [...BAR_COLUMNS]);
  strictEqual(body.rows.length, 1440);
  strictEqual(body.metadata.rows, 1440);
  strictEqual(body.next, null);
  const bars = service.series.get(NODE)!;
  deepStrictEqual(body.rows[1], BAR_COLUMNS.map((name) => bars[name][1]));
  strictEqual(body.rows[0][5], null);
});

Deno.test("each format carries the same rows, by format= and by Accept", async () => {
  const { get } = makeBench();
  const json = await (await get(DAY)).json();
  for (
    const [format, type] of [
      ["arrow", "application/vnd.apache.arrow.stream"],
      ["parquet", "application/vnd.apache.parquet"],
      ["csv", "text/csv"],
      ["ndjson", "application/x-ndjson"],
      ["json", "application/json"],
    ]
  ) {
    const byName = await get(`${DAY}&format=${format}`, { headers: { accept: "text/csv" } });
    const byAccept = await get(DAY, { headers: { accept: `${type};q=0.9, */*;q=0.1` } });
    ok(byName.headers.get("content-type")!.startsWith(type));
    strictEqual(byAccept.headers.get("content-type"), byName.headers.get("content-type"));
    strictEqual(byName.headers.get("vary"), "Accept");
    deepStrictEqual(await byAccept.bytes(), await byName.bytes());
  }
  const table = tableFromIPC(await (await get(`${DAY}&format=arrow`)).bytes());
  deepStrictEqual([...table.getChild("close")!], json.rows.map((row: number[]) => row[4]));
  deepStrictEqual(JSON.parse(table.schema.metadata.get("seamless")!), json.metadata);
});

Deno.test("an answer whose time is over sends its status with the first piece, and the same body", async () => {
  const { get, service } = makeBench();
  const ask = `${DAY}&execution_domain=live`;
  const known = new Map<string, Uint8Array>();
  for (const format of ["json", "csv", "arrow"]) {
    const response = await get(`${ask}&format=${format}`);
    ok(response.headers.get("content-type") !== null);
    known.set(format, await response.bytes());
  }
  const bars = service.bars.bind(service);
  let made = 0;
  service.bars = async (request, context) => {
    const answer = await bars(request, context);
    answer.metadata.sla!.violation = { phase: "total", budget_ms: 300, elapsed_ms: 301 };
    return {
      ...answer,
      async *slices(o) {
        for await (const slice of answer.slices(o)) {
          made += slice.rows;
          yield slice;
        }
      },
    };
  };
  for (const [format, bytes] of known) {
    made = 0;
    const response = await get(`${ask}&format=${format}`);
    // A page of JSON is cut first, to know the next one.
    strictEqual(made, format === "json" ? 1440 : 0, `${format}: the rows are made after the status has left`);
    const late = await response.bytes();
    strictEqual(made, 1440);
    if (format === "csv") deepStrictEqual(late, bytes);
    if (format === "json") deepStrictEqual(JSON.parse(text(late)).rows, JSON.parse(text(bytes)).rows);
    if (format === "arrow") strictEqual(tableFromIPC(late).numRows, 1440);
  }
});

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

Deno.test("every answer carries its metadata in short as headers", async () => {
  const { get } = makeBench();
  const { headers } = await get(`${PINNED}&format=csv`);
  strictEqual(headers.get("seamless-fingerprint"), `sfp1:${"1".repeat(64)}`);
  ok(/^sfp1:[0-9a-f]{64}$/.test(headers.get("seamless-answer-fingerprint")!));
  strictEqual(headers.get("seamless-as-of"), AS_OFS[0]);
  strictEqual(headers.get("seamless-coverage"), "ratio=1.0000;explained=1.0000;complete=true;gaps=0");
  strictEqual(headers.get("seamless-verdict"), "PASS");
  strictEqual(headers.get("seamless-flags"), "");
  strictEqual(headers.get("server-timing"), "storage_wait;dur=0.25");
  const short = await get(`/v1/bars?node_id=${NODE}&start=${FIRST - 60 * 3}&end=${FIRST + 60 * 60}`);
  strictEqual(short.headers.get("seamless-coverage"), "ratio=0.9523;explained=0.9523;complete=false;gaps=1");
  strictEqual(short.headers.get("seamless-flags"), "gap=3;non_finite=3");
  strictEqual(short.headers.get("seamless-verdict"), "PARTIAL_FILL;reasons=open_gaps");
  strictEqual(short.headers.get("seamless-as-of"), "");
  strictEqual(short.headers.get("cache-control"), "no-store");
  strictEqual(short.headers.get("etag"), null);
});

Deno.test("a range may be asked by dates, by parts of the node id, by last, and be empty", async () => {
  const { get, service } = makeBench();
  const parts = `/v1/bars?exchange=binance&symbol=BTC/USDT&timeframe=1m`;
  for (const query of ["start=2023-03-24&end=2023-03-24T01:00:00Z", "start=1679616000&end=1679619600"]) {
    const body = await (await get(`${parts}&${query}`)).json();
    strictEqual(body.rows.length, 60);
    deepStrictEqual(body.metadata.requested_range, [FIRST, FIRST + 3600]);
  }
  const last = await (await get(`${parts}&last=5&end=${FIRST + 600}`)).json();
  deepStrictEqual(last.rows.map((row: number[]) => row[0]), [300, 360, 420, 480, 540].map((s) => FIRST + s));
  const empty = await get(`${parts}&start=${FIRST}&end=${FIRST}`);
  strictEqual(empty.status, 200);
  strictEqual((await empty.json()).rows.length, 0);
  const before = await (await get(`${parts}&start=-600&end=0`)).json();
  strictEqual(before.metadata.rows, 0);
  deepStrictEqual(service.asked.map(({ request }) => request.nodeId), Array(5).fill(NODE));
});

Deno.test("a date beyond what a number of seconds may be is a time like any other", async () => {
  const { get, service } = makeBench();
  const response = await get(`/v1/bars?node_id=${NODE}&start=2023-03-24&end=9999-12-31`);
  strictEqual(response.status, 200);
  deepStrictEqual([service.asked[0].request.start, service.asked[0].request.end], [FIRST, "9999-12-31"]);
  await problemOf(await get(`/v1/bars?node_id=${NODE}&start=2023-03-24&end=253402214400`), "BAD_TIME");
});

Deno.test("what is asked reaches the service as one request", async () => {
  const { get, service } = makeBench({ config: { requireContext: true } });
  await get(
    `${DAY}&world_id=w&execution_domain=live&strategy=FAIL_FAST&max_lag=1.5&min_coverage=0.5&total_deadline_ms=250&as_of=2026-01-01`,
  );
  const { request, context } = service.asked[0];
  deepStrictEqual(request, {
    nodeId: NODE,
    start: FIRST,
    end: FIRST + 86_400,
    asOf: "2026-01-01T00:00:00.000Z",
    worldId: "w",
    executionDomain: "live",
    strategy: "FAIL_FAST",
    maxLag: 1.5,
    minCoverage: 0.5,
    sla: { total_deadline_ms: 250 },
  });
  strictEqual(context?.requireContext, true);
  strictEqual(context?.maxSlots, 1_000_000);
  ok(context?.signal instanceof AbortSignal);
});

Deno.test("a pinned answer has a strong ETag of its own per query and format, and answers 304 to it", async () => {
  const { get } = makeBench();
  const first = await get(PINNED);
  const etag = first.headers.get("etag")!;
  ok(/^"[0-9a-f]{64}"$/.test(etag));
  strictEqual(first.headers.get("cache-control"), "public, max-age=31536000, immutable");
  for (const header of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
    const again = await get(PINNED, { headers: { "if-none-match": header } });
    strictEqual(again.status, 304, header);
    strictEqual(await again.text(), "");
    strictEqual(again.headers.get("etag"), etag);
    strictEqual(again.headers.get("vary"), "Accept");
  }
  const others = [
    `${PINNED}&format=arrow`,
    PINNED.replace(AS_OFS[0], AS_OFS[1]),
    PINNED.replace("end=1679702400", "end=1679702460"),
    `${PINNED}&limit=7`,
  ];
  const tags = await Promise.all(others.map(async (path) => (await get(path)).headers.get("etag")));
  strictEqual(new Set([etag, ...tags]).size, 5);
  strictEqual((await get(`${PINNED}&format=arrow`, { headers: { "if-none-match": etag } })).status, 200);
  const csv = await get(PINNED, { headers: { accept: "text/csv" } });
  strictEqual(csv.headers.get("etag"), (await get(`${PINNED}&format=csv`)).headers.get("etag"));
});

Deno.test("the same pinned request gives the same bytes again, from another process too", async () => {
  for (const query of ["", "&format=parquet", "&format=arrow", "&limit=100"]) {
    const bodies = await Promise.all(
      [makeBench(), makeBench({ seed: 2 })].map(async ({ get, clock }, i) => {
        clock.setWall(Date.UTC(2026, 3 + i, 1));
        return await (await get(PINNED + query)).bytes();
      }),
    );
    deepStrictEqual(bodies[0], bodies[1], query);
  }
});

Deno.test("a long answer is streamed one slice per pull, and cancelling it stops the reading", async () => {
  const { get, service } = makeBench({ rows: HUGE_ROWS });
  const path = `/v1/bars?node_id=${NODE}&start=${FIRST}&end=${FIRST + 60 * HUGE_ROWS}&format=arrow`;
  const response = await get(path);
  ok(service.slicesMade <= 3, `${service.slicesMade} slices before anything was read`);
  const reader = response.body!.getReader();
  await reader.read();
  await reader.read();
  ok(service.slicesMade <= 4, `${service.slicesMade} slices after two reads`);
  await reader.cancel();
  ok(service.slicesMade <= 4);
  const whole = tableFromIPC(await (await get(path)).bytes());
  strictEqual(whole.numRows, HUGE_ROWS);
});

Deno.test("a fault in the first rows is still a proper error; later it cuts the body off and is logged", async () => {
  const { get, service, logged } = makeBench({ rows: HUGE_ROWS });
  const path = `/v1/bars?node_id=${NODE}&start=${FIRST}&end=${FIRST + 60 * HUGE_ROWS}&format=arrow`;
  const error = new HistoryError("VERIFY_FAILED", "chunk 7 is not what its manifest says", {
    hint: "Run verify",
  });
  service.brokenSlice = { at: 0, error };
  await problemOf(await get(path), "VERIFY_FAILED");
  service.brokenSlice = { at: 9, error };
  const response = await get(path);
  strictEqual(response.status, 200);
  const read = await response.bytes().then(() => "whole", (cause) => cause);
  strictEqual(read, error);
  strictEqual(logged.filter(({ event }) => event === "seamless.http.body_cut").length, 1);
});

Deno.test("a reader that takes nothing loses the rest after the write timeout, and its place is free again", async () => {
  const { get, service, clock } = makeBench({
    rows: HUGE_ROWS,
    config: { maxConcurrentRequests: 1, writeTimeoutMs: 1000 },
  });
  const path = `/v1/bars?node_id=${NODE}&start=${FIRST}&end=${FIRST + 60 * HUGE_ROWS}&format=arrow`;
  const response = await get(path);
  const reader = response.body!.getReader();
  await reader.read();
  const refused = await get(DAY);
  strictEqual(refused.headers.get("retry-after"), "1");
  await problemOf(refused, "OVERLOADED");
  await clock.advance(999);
  await reader.read();
  await clock.advance(1000);
  const cut = await reader.read().then(() => "more", (error) => error.code);
  strictEqual(cut, "CANCELLED");
  strictEqual((await get(DAY)).status, 200);
  ok(service.slicesMade < 15);
  strictEqual(clock.sleeping, 0);
});

Deno.test("HEAD answers as GET does, without a body", async () => {
  const { get } = makeBench();
  const head = await get(PINNED, { method: "HEAD" });
  const whole = await get(PINNED);
  strictEqual(head.status, 200);
  strictEqual(await head.text(), "");
  await whole.body?.cancel();
  for (const name of ["etag", "content-type", "seamless-fingerprint", "cache-control"]) {
    strictEqual(head.headers.get(name), whole.headers.get(name), name);
  }
});

Deno.test("a range beyond the bounds is refused before anything is read", async () => {
  const { get, service } = makeBench({ config: { maxRangeBars: 2_000_000 } });
  const end = (slots: number) => `/v1/bars?node_id=${NODE}&start=${FIRST}&end=${FIRST + 60 * slots}`;
  await problemOf(await get(`/v1/bars?node_id=${NODE}&start=1000&end=${FIRST}`), "RANGE_TOO_LARGE");
  strictEqual(
    (await get(`/v1/bars?node_id=${NODE}&start=${FIRST - 60 * 1_900_000}&end=${FIRST}&limit=5`)).status,
    200,
  );
  await problemOf(await get(`${end(2_000_001)}&as_of=${AS_OFS[0]}`), "RANGE_TOO_LARGE");
  await problemOf(await get(`/v1/bars?node_id=${NODE}&start=1000&end=${FIRST}&limit=5`), "RANGE_TOO_LARGE");
  strictEqual(service.slicesMade, 0);
});
