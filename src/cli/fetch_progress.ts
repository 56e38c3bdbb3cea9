/** Progress of a `get`, which waits for fetches that it does not steer: told by the service's events. */

import { HistoryError } from "../core/errors.ts";
import type { BackfillSpec, HistoryService } from "../core/service.ts";
import type { Call } from "./call.ts";
import { Progress } from "./progress.ts";

/** Shows what is fetched for one node while `work` runs. How many windows there are is asked once something is fetched. */
export async function withFetchProgress<T>(
  call: Call,
  o: { service: HistoryService; spec: BackfillSpec },
  work: () => Promise<T>,
): Promise<T> {
  const progress = new Progress(call.s, call.out.mode.quiet, call.signal);
  if (!progress.active || call.server !== undefined) return await work();
  const [label] = o.spec.nodes;
  const seen = { label, done: 0, total: null as number | null, rows: 0, etaSeconds: null };
  let planned: Promise<void> | null = null;
  const stop = o.service.events((event) => {
    if (event.type !== "backfill" || event.node_id !== label) return;
    if (event.phase === "complete") {
      seen.done++;
      seen.rows += event.rows;
    }
    planned ??= planTotal(call, o, seen);
    progress.show(seen);
  });
  try {
    return await work();
  } finally {
    stop();
    await progress.clear();
    await planned;
  }
}

/** Without a plan there is a rate, but no end: whatever keeps the plan from being made, the answer itself will tell. */
async function planTotal(
  call: Call,
  { service, spec }: { service: HistoryService; spec: BackfillSpec },
  seen: { done: number; total: number | null },
): Promise<void> {
  try {
    const plan = await service.plan(spec, call.signal);
    seen.total = seen.done + plan.windows;
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error;
  }
}
