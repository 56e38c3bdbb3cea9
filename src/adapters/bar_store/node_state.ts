/** `NodeState` cut to a range, and the order of what is in it: the same for every store. */

import { barsBetween, makeBars } from "../../core/bar_frame.ts";
import type { Bars } from "../../core/bar_frame.ts";
import type { Finding, NodeState } from "../../core/ports.ts";
import { chunkRange } from "../../core/stored_chunk.ts";
import { clipRange } from "../../core/time_range.ts";
import type { Ranges, TimeRange } from "../../core/time_range.ts";
import { touchesRuns } from "./chunk_runs.ts";
import type { ProvisionalBar } from "./window_commit.ts";

/** What of the state touches the range; runs are clipped to it (`BarStore.stateWithin`). */
export function narrowState(state: NodeState, range: TimeRange): NodeState {
  const [start, end] = range;
  const final = clipRuns(state.final, range);
  return {
    node: state.node,
    revision: state.revision,
    final,
    chunks: state.chunks.filter(({ k }) => touchesRuns(final, ...chunkRange(k, state.node.grid))),
    provisional: barsBetween(state.provisional, start, end),
    ledger: state.ledger.filter((row) => row.start < end && row.end > start),
    findings: state.findings.filter(({ ts }) => ts >= start && ts < end),
  };
}

function clipRuns(runs: Ranges, range: TimeRange): Ranges {
  const clipped: number[] = [];
  for (let i = 0; i < runs.length; i += 2) {
    const run = clipRange([runs[i], runs[i + 1]], range);
    if (run !== null) clipped.push(...run);
  }
  return Float64Array.from(clipped);
}

export function byTimeAndFlag(a: Finding, b: Finding): number {
  return a.ts - b.ts || (a.flag < b.flag ? -1 : a.flag > b.flag ? 1 : 0);
}

/** Provisional bars as a frame. */
export function provisionalFrame(bars: readonly ProvisionalBar[]): Bars {
  const frame = makeBars(bars.length);
  bars.forEach(({ ts, values }, i) => {
    frame.ts[i] = ts;
    [frame.open[i], frame.high[i], frame.low[i], frame.close[i], frame.volume[i]] = values;
  });
  return frame;
}
