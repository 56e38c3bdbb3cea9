/** Jobs of tests: an hour of one node, run over a bench. */

import { JobRunner, type RunOptions } from "../../src/backfill/jobs.ts";
import { openSlots, viewOf } from "../../src/backfill/node_view.ts";
import type { JobRecord } from "../../src/core/ports.ts";
import { slotCount } from "../../src/core/timeframe.ts";
import { type TimeRange, toPairs } from "../../src/core/time_range.ts";
import { type Bench, DAY, NOW_MS } from "./bench.ts";
import { compute, NODE } from "./made.ts";

export const HOUR: TimeRange = [DAY, DAY + 3_600];
export const OTHER = "ohlcv:fake:ETH/USDT:1m";

export function jobOf(o: Partial<JobRecord> = {}): JobRecord {
  return {
    id: "job1",
    nodes: [NODE],
    start: HOUR[0],
    end: HOUR[1],
    priority: "backfill",
    refetch: false,
    idempotencyKey: null,
    createdAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
    state: "queued",
    windows: { total: 0, complete: 0, failed: 0, deduplicated: 0 },
    rows: 0,
    etaSeconds: null,
    errors: [],
    ...o,
  };
}

/** Runs a job over a bench; tells how it went on. */
export async function run(bench: Bench, job: JobRecord, o: Partial<RunOptions> = {}) {
  const seen: JobRecord[] = [];
  const runner = new JobRunner({ backfiller: bench.backfiller, clock: bench.clock, log: { emit: () => {} } });
  const work = runner.run(job, {
    signal: new AbortController().signal,
    workers: 2,
    onProgress: (now) => void seen.push(now),
    onNodeDone: async (nodeId, range) => {
      const state = await bench.store.state(nodeId);
      if (state === null) return { open: slotCount(range, { step: 60 }) };
      const open = openSlots(viewOf(state, compute), range, bench.clock.nowMs() / 1000, compute);
      return { open: toPairs(open).reduce((sum, one) => sum + slotCount(one, state.node.grid), 0) };
    },
    firstBar: () => Promise.resolve(DAY),
    ...o,
  });
  return { job: await bench.clock.runUntilSettled(work), seen };
}
