/**
 * The anchor of a node's grid, found from its first bars (spec §1): some venues open daily bars at 16:00 UTC.
 */

import { parseTimeframe } from "../core/timeframe.ts";
import type { Grid } from "../core/timeframe.ts";

const MIN_BARS = 3;

/**
 * The grid whose anchor most of the first rows share, or `grid` where fewer than three whole-second times agree. Only
 * grids of an hour and longer can stand elsewhere; calendar months never do. Pure.
 */
export function detectGrid(timeframe: string, ts: readonly (number | string | null)[], grid: Grid): Grid {
  const parsed = parseTimeframe(timeframe);
  if (parsed === null || !("step" in parsed) || parsed.step < 3600 || !("step" in grid)) return grid;
  const step = grid.step;
  const base = grid.anchor ?? 0;
  const votes = new Map<number, number>();
  const seen = new Set(ts.filter((t): t is number => typeof t === "number" && Number.isInteger(t)));
  for (const t of seen) {
    const offset = (((t - base) % step) + step) % step;
    votes.set(offset, (votes.get(offset) ?? 0) + 1);
  }
  const [offset, count] = [...votes].sort((a, b) => b[1] - a[1])[0] ?? [0, 0];
  if (offset === 0 || count < MIN_BARS || count * 2 <= seen.size) return grid;
  return { step, anchor: (base + offset) % step };
}
