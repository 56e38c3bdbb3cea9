/**
 * Deadlines by the real clock (spec §10): the answer leaves within 50 ms of its deadline, also while the same process
 * fills a year. The only story that looks at real time, because that is what it is about.
 */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { startRecordedExchange } from "../../scripts/recorded_exchange/mod.ts";
import { loadConfig } from "../../src/config/mod.ts";
import type { Answer, HistoryService } from "../../src/core/service.ts";
import { wire } from "../../src/wire.ts";
import { systemClock } from "../../src/adapters/system.ts";

const STALLED = "ohlcv:binance:BTC/USDT:1m";
const FILLED = "ohlcv:okx:BTC/USDT:1m";
const YEAR = { start: Date.UTC(2023, 0, 1) / 1000, end: Date.UTC(2024, 0, 1) / 1000 };
const DEADLINE_MS = 700;
/** What the page allows, and how often a busy machine may be forgiven. */
const GRACE_MS = 50;
const TRIES = 3;

interface Load {
  service: HistoryService;
  filled: () => number;
}

async function underLoad(story: (load: Load) => Promise<void>): Promise<void> {
  const exchange = startRecordedExchange({
    venues: ["binance", "okx"],
    record: false,
    faults: [{ kind: "stall", after: "nothing", match: { venue: "binance", endpoint: "bars" } }],
  });
  const folder = await Deno.makeTempDir();
  const reach = (id: "binance" | "okx") => ({
    urls: { ...exchange.urls(id) },
    options: exchange.options(id),
    rate_limit: { tokens_per_interval: 1_000_000, burst_tokens: 1_000_000 },
  });
  const input = { exchanges: { binance: reach("binance"), okx: reach("okx") } };
  const service = await wire(loadConfig({ input, env: {}, cwd: folder }), {
    log: { emit: () => {} },
  });
  const ending = new AbortController();
  let rows = 0;
  const started = Promise.withResolvers<void>();
  const filling = service.fill({ nodes: [FILLED], ...YEAR }, {
    signal: ending.signal,
    onProgress: (job) => {
      rows = job.rows;
      if (rows > 0 || job.errors.length > 0) started.resolve();
    },
  });
  try {
    await started.promise;
    await story({ service, filled: () => rows });
  } finally {
    ending.abort();
    await filling;
    await service.close();
    await exchange.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** How late each of the ranges, asked at once, was answered, ms after its deadline; and the answers. */
async function lateness(service: HistoryService, ranges: { start: number; end: number }[]) {
  return await Promise.all(ranges.map(async (range) => {
    const began = systemClock.monotonicMs();
    const answer = await service.bars({
      nodeId: STALLED,
      ...range,
      sla: { total_deadline_ms: DEADLINE_MS },
    });
    return { lateMs: systemClock.monotonicMs() - began - DEADLINE_MS, answer };
  }));
}

function check({ metadata }: Answer): void {
  deepStrictEqual([metadata.rows, metadata.complete, metadata.verdict.mode], [0, false, "PARTIAL_FILL"]);
  strictEqual(metadata.sla!.violation!.phase, "total");
}

/** What 20 callers ask at once. */
const QUESTIONS = {
  "a day": Array.from({ length: 20 }, () => ({ start: YEAR.end - 86_400, end: YEAR.end })),
  // 300 windows and more, each another hull of them.
  "a year": Array.from({ length: 20 }, (_, i) => ({ start: YEAR.start + 86_400 * i, end: YEAR.end })),
};

for (const [what, ranges] of Object.entries(QUESTIONS)) {
  Deno.test(`20 requests for ${what} at once against a stalled venue leave within 50 ms of their deadline while a year is filled`, () =>
    underLoad(async ({ service, filled }) => {
      const worst: number[] = [];
      for (let tries = 0; tries < TRIES; tries++) {
        const before = filled();
        const told = await lateness(service, ranges);
        for (const { answer } of told) check(answer);
        ok(told.every(({ lateMs }) => lateMs >= -2), "an answer left before its deadline");
        ok(filled() > before, "the fill stood still meanwhile: this was no load");
        worst.push(Math.max(...told.map(({ lateMs }) => lateMs)));
        if (worst[tries] <= GRACE_MS) return;
      }
      ok(false, `the worst answers came ${worst.map((ms) => ms.toFixed(0)).join(", ")} ms late`);
    }));
}
