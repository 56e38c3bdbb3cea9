/** The library door: what a program gets from `open`, against a venue on loopback (surface.md §1). */

import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import {
  type Fault,
  type RecordedExchange,
  settableClock,
  startRecordedExchange,
} from "../scripts/recorded_exchange/mod.ts";
import {
  type Bars,
  type ConfigInput,
  type FetchRequest,
  HistoryError,
  nodeId,
  open,
  parseNodeId,
  type Progress,
  type Seamless,
  type TimeRange,
} from "../src/mod.ts";
import { rejection } from "./refusal.ts";
import { wrong } from "./wrong.ts";

const NODE = "ohlcv:binance:BTC/USDT:1m";
const at = (iso: string) => Date.parse(iso) / 1000;
const DAY = { start: at("2024-01-01T00:00:00Z"), end: at("2024-01-02T00:00:00Z") };
const RANGE = [DAY.start, DAY.end] as const;

interface Door {
  seamless: Seamless;
  exchange: RecordedExchange;
  config: ConfigInput;
  folder: string;
}

/** Opens the library over a venue on loopback; everything is closed and removed afterwards. */
async function withDoor(test: (door: Door) => Promise<void>, faults: Fault[] = []): Promise<void> {
  const clock = settableClock(Date.parse("2024-01-10T00:00:00Z"));
  const exchange = startRecordedExchange({ venues: ["binance"], faults, clock });
  const folder = await Deno.makeTempDir();
  const config: ConfigInput = {
    storage: { bars: `sqlite:${folder}/bars.db` },
    seamless: {
      artifact: { object_store_uri: `${folder}/artifacts` },
      sla: { total_deadline_ms: 60_000, max_wait_backfill_ms: 60_000, max_wait_live_ms: 60_000 },
      backfill: { max_attempts: 1 },
    },
    exchanges: {
      binance: {
        urls: { ...exchange.urls("binance") },
        options: exchange.options("binance"),
        rate_limit: { burst_tokens: 1_200 },
      },
    },
  };
  const seamless = await open(config);
  try {
    await test({ seamless, exchange, config, folder });
  } finally {
    await seamless.close();
    await exchange.close();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("fetch gives a frame that is the caller's own, and the metadata of surface §3", () =>
  withDoor(async ({ seamless }) => {
    const { frame, metadata } = await seamless.fetch({ nodeId: NODE, ...DAY });
    const bars = frame as Bars;
    deepStrictEqual([bars.ts.length, metadata.rows, metadata.complete], [1_440, 1_440, true]);
    deepStrictEqual([bars.ts[0], bars.ts[1_439]], [DAY.start, DAY.end - 60]);
    deepStrictEqual(Object.keys(bars), ["ts", "open", "high", "low", "close", "volume"]);
    const first = bars.close[0];
    bars.close.fill(NaN);
    const again = await seamless.fetch({ nodeId: NODE, ...DAY });
    strictEqual((again.frame as Bars).close[0], first);
    strictEqual(again.metadata.answer_fingerprint, metadata.answer_fingerprint);
  }));

Deno.test("fetch of an empty range gives columns without rows", () =>
  withDoor(async ({ seamless, exchange }) => {
    const { frame, metadata } = await seamless.fetch({ nodeId: NODE, start: DAY.start, end: DAY.start });
    deepStrictEqual([(frame as Bars).ts.length, metadata.answer_fingerprint, exchange.calls.length], [
      0,
      null,
      0,
    ]);
  }));

Deno.test("fetch rejects with a HistoryError that has a code and a hint", () =>
  withDoor(async ({ seamless }) => {
    for (
      const [request, code] of [
        [{ nodeId: "BTC/USDT", ...DAY }, "BAD_NODE_ID"],
        [{ nodeId: "ohlcv:binance:BTC/USDT:7x", ...DAY }, "BAD_TIMEFRAME"],
        [{ nodeId: NODE, start: 5, end: 1 }, "BAD_TIME"],
        [{ nodeId: "ohlcv:binanse:BTC/USDT:1m", ...DAY }, "EXCHANGE_UNKNOWN"],
        [{ nodeId: "ohlcv:binance:NOPE/USDT:1m", ...DAY }, "SYMBOL_UNKNOWN"],
        [{ nodeId: NODE, ...DAY, executionDomain: "mars" }, "UNKNOWN_DOMAIN"],
        [{ nodeId: NODE, ...DAY, executionDomain: "backtest" }, "AS_OF_REQUIRED"],
        [{ nodeId: NODE, ...DAY, strategy: "HOPE" }, "BAD_REQUEST"],
      ] as const
    ) {
      const error = await rejection(seamless.fetch(request));
      ok(error instanceof HistoryError);
      strictEqual(error.code, code, error.message);
      ok(error.hint.length > 10, error.hint);
    }
  }));

Deno.test("fetchMany answers in the order asked, and the failure of one does not end the others", () =>
  withDoor(async ({ seamless, exchange }) => {
    const hours = Array.from({ length: 9 }, (_, i) => ({
      nodeId: i === 4 ? "ohlcv:binance:NOPE/USDT:1m" : NODE,
      start: DAY.start + 3_600 * i,
      end: DAY.start + 3_600 * (i + 1),
    }));
    const told = await Array.fromAsync(seamless.fetchMany(hours));
    deepStrictEqual(told.map(({ request }) => request), hours);
    deepStrictEqual(
      told.map((one) => "error" in one ? one.error.code : one.metadata.rows),
      [60, 60, 60, 60, "SYMBOL_UNKNOWN", 60, 60, 60, 60],
    );
    const windows = exchange.calls.filter(({ endpoint }) => endpoint === "bars").map(({ params }) =>
      params.startTime
    );
    strictEqual(new Set(windows).size, windows.length, windows.join());
  }));

Deno.test("fetchMany of nothing ends at once; one that is left early leaves nothing behind", () =>
  withDoor(async ({ seamless }) => {
    deepStrictEqual(await Array.fromAsync(seamless.fetchMany([])), []);
    const hours = Array.from({ length: 6 }, (_, i) => ({
      nodeId: NODE,
      start: DAY.start + 3_600 * i,
      end: DAY.start + 3_600 * (i + 1),
    }));
    for await (const one of seamless.fetchMany(hours)) {
      strictEqual(one.request, hours[0]);
      break;
    }
  }));

Deno.test("ensureCoverage waits until no slot is open, with progress, and its report is GET /v1/coverage's", () =>
  withDoor(async ({ seamless }) => {
    const told: Progress[] = [];
    const report = await seamless.ensureCoverage(NODE, RANGE, {
      onProgress: (progress) => told.push(progress),
    });
    deepStrictEqual([
      report.covered,
      report.coverage_ratio,
      report.first_bar,
      report.last_bar,
      report.watermark,
    ], [
      [[DAY.start, DAY.end]],
      1,
      DAY.start,
      DAY.end - 60,
      report.watermark,
    ]);
    deepStrictEqual(report.segments, [
      { start: DAY.start, end: DAY.end, bars: 1_440, interval_seconds: 60 },
    ]);
    ok(told.length >= 3, `told ${told.length} times`);
    const ratios = told.map(({ completion_ratio }) => completion_ratio);
    deepStrictEqual([ratios.at(-1), [...ratios].sort((a, b) => a - b)], [1, ratios]);
    const whole = await seamless.coverage(NODE);
    deepStrictEqual(whole.node_id, NODE);
    deepStrictEqual(await seamless.coverage(NODE, { range: RANGE }), report);
  }));

Deno.test("ensureCoverage rejects with what stands in the way", () =>
  withDoor(async ({ seamless }) => {
    const error = await rejection(seamless.ensureCoverage(NODE, RANGE));
    strictEqual(error.code, "EXCHANGE_REFUSED", error.message);
    ok(error.ranges!.length >= 1);
    strictEqual(
      (await rejection(seamless.ensureCoverage("ohlcv:binanse:A/B:1m", RANGE))).code,
      "EXCHANGE_UNKNOWN",
    );
  }, [{ kind: "status", status: 451, match: { endpoint: "bars" } }]));

Deno.test("ensureCoverage does not wait for ever on replies that were refused: CONFORMANCE_BLOCKED names them", () =>
  withDoor(async ({ seamless }) => {
    const error = await rejection(seamless.ensureCoverage(NODE, RANGE));
    strictEqual(error.code, "CONFORMANCE_BLOCKED", error.message);
    ok(error.ranges!.length >= 1 && /refetch/.test(error.hint), error.hint);
  }, [{ kind: "off_grid", shiftMs: 7_000, everyNth: 300 }]));

Deno.test("a backtest through the door gives the same rows as live, and coverage knows an as_of", () =>
  withDoor(async ({ seamless, config }) => {
    const live = await seamless.fetch({ nodeId: NODE, ...DAY });
    const asOf = live.metadata.as_of!;
    const backtest = { nodeId: NODE, ...DAY, executionDomain: "backtest", asOf };
    const first = await seamless.fetch(backtest);
    deepStrictEqual(first.frame, live.frame);
    const other = await open(config);
    deepStrictEqual(await other.fetch(backtest), first);
    deepStrictEqual((await other.coverage(NODE, { asOf })).covered, [[DAY.start, DAY.end]]);
    await other.close();
  }));

Deno.test("an aborted signal gives CANCELLED: before the call, while it waits, and in a coverage that is ensured", () =>
  withDoor(async ({ seamless }) => {
    strictEqual(
      (await rejection(seamless.fetch({ nodeId: NODE, ...DAY }, { signal: AbortSignal.abort() }))).code,
      "CANCELLED",
    );
    for (
      const act of [
        (signal: AbortSignal) => seamless.fetch({ nodeId: NODE, ...DAY }, { signal }),
        (signal: AbortSignal) => seamless.ensureCoverage(NODE, RANGE, { signal }),
        async (signal: AbortSignal) => {
          for await (const one of seamless.fetchMany([{ nodeId: NODE, ...DAY }], { signal })) {
            if ("error" in one) throw one.error;
          }
        },
      ]
    ) {
      const abort = new AbortController();
      const waiting = rejection(act(abort.signal));
      queueMicrotask(() => abort.abort());
      strictEqual((await waiting).code, "CANCELLED");
    }
  }, [{ kind: "stall", after: "nothing", match: { endpoint: "bars" } }]));

Deno.test("close ends what is under way, twice is once, and any call after it gives CANCELLED", () =>
  withDoor(async ({ seamless }) => {
    const waiting = [
      rejection(seamless.fetch({ nodeId: NODE, ...DAY })),
      rejection(seamless.ensureCoverage(NODE, RANGE)),
    ];
    await seamless.coverage(NODE);
    await Promise.all([seamless.close(), seamless.close()]);
    deepStrictEqual((await Promise.all(waiting)).map(({ code }) => code), ["CANCELLED", "CANCELLED"]);
    const many = async () => {
      for await (const one of seamless.fetchMany([{ nodeId: NODE, ...DAY }])) {
        if ("error" in one) throw one.error;
      }
    };
    for (
      const call of [
        () => seamless.fetch({ nodeId: NODE, ...DAY }),
        () => seamless.coverage(NODE),
        () => seamless.ensureCoverage(NODE, RANGE),
        many,
      ]
    ) {
      strictEqual((await rejection(call())).code, "CANCELLED");
    }
  }, [{ kind: "stall", after: "nothing", match: { endpoint: "bars" } }]));

Deno.test("open takes a path, and refuses what it cannot read or does not know", () =>
  withDoor(async ({ config, folder }) => {
    const path = `${folder}/seamless.yaml`;
    await Deno.writeTextFile(path, JSON.stringify(config));
    const seamless = await open(path);
    strictEqual((await seamless.fetch({ nodeId: NODE, ...DAY })).metadata.rows, 1_440);
    await seamless.close();
    await rejects(open(`${folder}/nowhere.yaml`), { code: "CONFIG_INVALID" });
    await rejects(open({ seamles: {} } as ConfigInput), { code: "CONFIG_INVALID" });
  }));

Deno.test("what was fetched is there for the next who opens, without a call", () =>
  withDoor(async ({ seamless, config, exchange }) => {
    const { metadata } = await seamless.fetch({ nodeId: NODE, ...DAY });
    await seamless.close();
    const calls = exchange.calls.length;
    const again = await open(config);
    const told = await again.fetch({ nodeId: NODE, ...DAY });
    deepStrictEqual([told.metadata.answer_fingerprint, told.metadata.as_of, told.metadata.sources!.storage], [
      metadata.answer_fingerprint,
      metadata.as_of,
      1_440,
    ]);
    strictEqual(exchange.calls.length, calls);
    await again.close();
  }));

Deno.test("nodeId and parseNodeId are each other's inverse", () => {
  const parts = { exchange: "binance", symbol: "BTC/USDT:USDT", timeframe: "1m" };
  strictEqual(nodeId(parts), "ohlcv:binance:BTC/USDT:USDT:1m");
  const { kind, exchange, symbol, timeframe } = parseNodeId(nodeId(parts));
  deepStrictEqual({ kind, exchange, symbol, timeframe }, { kind: "ohlcv", ...parts });
});

Deno.test("a request with a field that is none, or that is no request, is refused before anything is asked", () =>
  withDoor(async ({ seamless, exchange }) => {
    const refusals: [unknown, RegExp][] = [
      [null, /Cannot use this as a request: it is null/],
      [[], /it is no object/],
      [{ ...DAY }, /nodeId is missing/],
      [{ nodeId: NODE, ...DAY, as_of: "2024-01-05T00:00:00.000Z" }, /Cannot use "as_of" in a request/],
      [{ nodeId: NODE, ...DAY, worldId: 5 }, /Cannot use worldId = 5: it is no string/],
      [{ nodeId: NODE, ...DAY, strategy: null }, /Cannot use strategy = null/],
      [{ nodeId: NODE, ...DAY, minCoverage: "1" }, /Cannot use minCoverage = "1": it is no number/],
      [{ nodeId: NODE, last: 10n }, /Cannot use last = 10: it is no number/],
      [{ nodeId: NODE, ...DAY, fingerprint: new Float64Array(1e5) }, /Cannot use fingerprint = an object/],
      [{ nodeId: NODE, ...DAY, sla: [] }, /Cannot use sla = a list/],
      [{ nodeId: NODE, ...DAY, sla: { total_deadline_ms: 10n } }, /total_deadline_ms = 10/],
    ];
    for (const [request, message] of refusals) {
      const error = await rejection(seamless.fetch(wrong(request)));
      deepStrictEqual([error.code, message.test(error.message)], ["BAD_REQUEST", true], error.message);
    }
    const near = await rejection(seamless.fetch({ nodeId: NODE, ...DAY, asof: "x" } as FetchRequest));
    strictEqual(near.hint, "Did you mean asOf?");
    const told = await Array.fromAsync(seamless.fetchMany([wrong(null)]));
    strictEqual("error" in told[0] && told[0].error.code, "BAD_REQUEST");
    strictEqual(exchange.calls.length, 0);
  }));

Deno.test("coverage and ensureCoverage refuse what is no range of times", () =>
  withDoor(async ({ seamless }) => {
    const ranges: [unknown, string][] = [
      [null, "BAD_REQUEST"],
      [[DAY.start], "BAD_REQUEST"],
      [[DAY.end, DAY.start], "BAD_TIME"],
      [[DAY.start * 1000, DAY.end * 1000], "BAD_TIME"],
      [[DAY.start + 0.5, DAY.end], "BAD_TIME"],
      [[NaN, DAY.end], "BAD_TIME"],
    ];
    for (const [range, code] of ranges) {
      const bad = wrong<TimeRange>(range);
      strictEqual((await rejection(seamless.coverage(NODE, { range: bad }))).code, code, String(range));
      strictEqual((await rejection(seamless.ensureCoverage(NODE, bad))).code, code, String(range));
    }
    const empty = wrong<TimeRange>(["2024-01-01", "2024-01-01"]);
    strictEqual((await seamless.ensureCoverage(NODE, empty)).coverage_ratio, 1);
  }));
