/** HTTP over the whole service, as a user has it: fill by asking, publish, read pinned, page, verify. */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { connect } from "../../src/client/mod.ts";
import { DEMO_NODE, filled, withRealService } from "./real_service.ts";

const RANGE = "start=2024-01-08&end=2024-01-10";
const OF = `node_id=${DEMO_NODE}`;
const json = async (url: string) => await (await fetch(url)).json();

Deno.test("a first question fills, publishes and explains; a pinned one gives the same rows for ever", () =>
  withRealService(async ({ url }) => {
    const live = await filled(url, `${RANGE}&execution_domain=live`);
    const first = await live.json();
    strictEqual(first.rows.length, 2730);
    strictEqual(first.metadata.gaps[0].reason, "absent_at_source");
    const { snapshots } = await json(`${url}/v1/snapshots?${OF}`);
    strictEqual(snapshots.length, 1);
    const pin = `${url}/v1/bars?${OF}&${RANGE}&fingerprint=${snapshots[0].dataset_fingerprint}`;
    const pinned = await fetch(pin);
    const again = await fetch(pin);
    match(pinned.headers.get("cache-control")!, /immutable/);
    const body = await pinned.text();
    strictEqual(await again.text(), body);
    deepStrictEqual(JSON.parse(body).rows, first.rows);
    strictEqual(JSON.parse(body).metadata.answer_fingerprint, first.metadata.answer_fingerprint);
    const unchanged = await fetch(pin, { headers: { "if-none-match": pinned.headers.get("etag")! } });
    strictEqual(unchanged.status, 304);
    const manifest = await fetch(`${url}/artifacts/${snapshots[0].manifest_uri.replaceAll("%", "%25")}`);
    strictEqual((await manifest.json()).dataset_fingerprint, snapshots[0].dataset_fingerprint);
  }));

Deno.test("pages of a live and of a pinned answer add up to the whole", () =>
  withRealService(async ({ url }) => {
    const whole = await (await filled(url, `${RANGE}&execution_domain=live`)).json();
    const { dataset_fingerprint } = whole.metadata;
    for (const domain of ["execution_domain=live", `fingerprint=${dataset_fingerprint}`]) {
      const rows: number[][] = [];
      let next: string | null = "";
      while (next !== null) {
        const cursor: string = next === "" ? "" : `&cursor=${next}`;
        const page = await json(`${url}/v1/bars?${OF}&${RANGE}&${domain}&limit=1000${cursor}`);
        strictEqual(page.metadata.rows, page.rows.length);
        strictEqual(page.metadata.answer_fingerprint, whole.metadata.answer_fingerprint);
        rows.push(...page.rows);
        next = page.next;
      }
      deepStrictEqual(rows, whole.rows);
    }
  }));

Deno.test("a fill that changes what is still to come expires the cursor", () =>
  withRealService(async ({ url }) => {
    await (await filled(url, `${RANGE}&execution_domain=live`)).body?.cancel();
    const wide = `${OF}&start=2024-01-09T20:00:00Z&end=2024-01-10T20:00:00Z&execution_domain=live`;
    const page = await json(`${url}/v1/bars?${wide}&strategy=PARTIAL_FILL&limit=100`);
    strictEqual(page.metadata.complete, false);
    await (await filled(url, wide.replace(`${OF}&`, ""))).body?.cancel();
    const second = await fetch(`${url}/v1/bars?cursor=${page.next}`);
    strictEqual(second.status, 410);
    strictEqual((await second.json()).code, "CURSOR_EXPIRED");
  }));

Deno.test("a job fills over HTTP, its events are heard, its report ends complete", () =>
  withRealService(async ({ url }) => {
    const client = connect(url);
    const events = client.events({ types: ["backfill", "snapshot"] })[Symbol.asyncIterator]();
    const spec = { nodes: [DEMO_NODE], start: "2024-01-20", end: "2024-01-22", idempotency_key: "one" };
    const post = () =>
      fetch(`${url}/v1/backfills`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(spec),
      });
    const opened = events.next();
    const started = await post();
    strictEqual(started.status, 202);
    const location = url + started.headers.get("location");
    const { id } = await started.json();
    strictEqual((await (await post()).json()).id, id);
    const heard = [(await opened).value];
    while (heard.at(-1)?.type !== "snapshot") heard.push((await events.next()).value);
    await events.return?.();
    ok(heard.some((event) => event?.type === "backfill" && event.phase === "complete"));
    let job = await json(location);
    while (job.state === "running" || job.state === "queued") job = await json(location);
    strictEqual(job.state, "complete");
    strictEqual(job.completion_ratio, 1);
    const gaps = await json(`${url}/v1/gaps?${OF}&start=2024-01-20&end=2024-01-22`);
    deepStrictEqual(gaps.gaps.map((gap: { bars: number }) => gap.bars), [284]);
    const condition = await json(`${url}/v1/condition?${OF}&start=2024-01-20&end=2024-01-22`);
    deepStrictEqual(condition.days.map((day: { condition: string }) => day.condition), [
      "available",
      "degraded",
    ]);
    const { frame, metadata } = await client.fetch({
      nodeId: DEMO_NODE,
      start: "2024-01-20",
      end: "2024-01-22",
    });
    strictEqual(frame.ts.length, 2 * 1440 - 284);
    strictEqual(metadata.complete, true);
  }));

Deno.test("series, venues and domains that cannot be served each say why", () =>
  withRealService(async ({ url }) => {
    const cases: [query: string, status: number, code: string][] = [
      ["node_id=ohlcv:nowhere:BTC/USDT:1m&last=5", 404, "EXCHANGE_UNKNOWN"],
      ["node_id=ohlcv:binance:NO/SUCH:1m&last=5", 404, "SYMBOL_UNKNOWN"],
      ["node_id=ohlcv:binance:BTC/USDT:7m&last=5", 400, "BAD_TIMEFRAME"],
      [`${OF}&last=5&execution_domain=backtest`, 400, "AS_OF_REQUIRED"],
      [`${OF}&last=5&execution_domain=paper`, 501, "NOT_AVAILABLE"],
      [`${OF}&last=5&execution_domain=nonsense`, 400, "UNKNOWN_DOMAIN"],
      [`${OF}&${RANGE}&execution_domain=live&strategy=FAIL_FAST`, 409, "COVERAGE_INCOMPLETE"],
      [`${OF}&${RANGE}&fingerprint=sfp1:${"0".repeat(64)}`, 404, "SNAPSHOT_UNKNOWN"],
      [`${OF}&start=0&end=2024-01-10`, 413, "RANGE_TOO_LARGE"],
    ];
    for (const [query, status, code] of cases) {
      const response = await fetch(`${url}/v1/bars?${query}`);
      const problem = await response.json();
      strictEqual(problem.code, code, `${query}: ${problem.detail}`);
      strictEqual(response.status, status);
      ok(problem.hint.length > 5);
    }
    for (const path of ["coverage", "gaps", "condition"]) {
      const never = await json(
        `${url}/v1/${path}?node_id=ohlcv:binance:NEW/USDT:1h&start=2024-01-08&end=2024-01-09`,
      );
      ok(never.node_id, path);
    }
    deepStrictEqual((await json(`${url}/v1/snapshots?node_id=ohlcv:binance:NEW/USDT:1h`)).snapshots, []);
  }));
