/**
 * Outages of a venue (spec §4): slots absent for every symbol of it that was asked over that time, at least three.
 * Seen across nodes, so it is judged when gaps are told, not when they are found.
 */

import { type NodeView, viewOf } from "../backfill/node_view.ts";
import type { Compute } from "../compute/mod.ts";
import type { FoundGap } from "../core/gaps.ts";
import { OUTAGE_MAX_NODES, OUTAGE_MIN_SYMBOLS } from "../core/limits.ts";
import { parseNodeId } from "../core/node_id.ts";
import type { BarStore, NodeState } from "../core/ports.ts";
import type { Grid } from "../core/timeframe.ts";
import { type Ranges, type TimeRange, toPairs, toRanges } from "../core/time_range.ts";

const SECONDS: Grid = { step: 1 };

/** The outages of venues as the ledger shows them; kept until the store changes. */
export class Outages {
  readonly #store: BarStore;
  readonly #compute: Compute;
  readonly #known = new Map<string, { version: string; ranges: Ranges }>();

  constructor(parts: { store: BarStore; compute: Compute }) {
    this.#store = parts.store;
    this.#compute = parts.compute;
  }

  /** The gaps, with `absent_at_source` become `exchange_outage` where the whole venue was away. */
  async explain(exchange: string, gaps: FoundGap[], grid: Grid): Promise<FoundGap[]> {
    if (!gaps.some((gap) => gap.reason === "absent_at_source")) return gaps;
    const away = await this.#of(exchange);
    if (away.length === 0) return gaps;
    return gaps.flatMap((gap) => gap.reason === "absent_at_source" ? this.#split(gap, away, grid) : [gap]);
  }

  #split(gap: FoundGap, away: Ranges, grid: Grid): FoundGap[] {
    const whole = toRanges([[gap.start, gap.end]]);
    const out = this.#compute.intersectRanges(away, whole, grid);
    if (out.length === 0) return [gap];
    const rest = toPairs(this.#compute.subtractRanges(whole, out, grid));
    return [
      ...toPairs(out).map(([start, end]): FoundGap => ({ ...gap, start, end, reason: "exchange_outage" })),
      ...rest.map(([start, end]): FoundGap => ({ ...gap, start, end })),
    ].sort((a, b) => a.start - b.start);
  }

  async #of(exchange: string): Promise<Ranges> {
    const version = await this.#store.version();
    const known = this.#known.get(exchange);
    if (known?.version === version) return known.ranges;
    const ranges = await this.#search(exchange);
    this.#known.set(exchange, { version, ranges });
    return ranges;
  }

  async #search(exchange: string): Promise<Ranges> {
    const nodes = await this.#store.nodes({ exchange, limit: OUTAGE_MAX_NODES });
    const bySymbol = new Map<string, NodeState[]>();
    for (const node of nodes) {
      const { kind, symbol, origin } = parseNodeId(node.nodeId);
      if (kind !== "ohlcv" || origin !== undefined) continue;
      const state = await this.#store.state(node.nodeId);
      if (state !== null) bySymbol.set(symbol, [...bySymbol.get(symbol) ?? [], state]);
    }
    if (bySymbol.size < OUTAGE_MIN_SYMBOLS) return toRanges([]);
    return outagesOf([...bySymbol.values()], this.#compute);
  }
}

/**
 * Absent for at least three symbols, and present for none. Each entry holds the nodes of one symbol. A bar is evidence
 * against an outage only where it lies in it whole: an hour's bar says nothing of the half hour that was missing in it.
 */
export function outagesOf(symbols: NodeState[][], compute: Compute): Ranges {
  const views = symbols.map((states) => states.map((state) => viewOf(state, compute)));
  const absent = views.map((ofSymbol) =>
    toPairs(compute.mergeRanges(toRanges(ofSymbol.flatMap((view) => absentIn(view, compute))), SECONDS))
  );
  const candidates = toRanges(coveredAtLeast(absent.flat(), OUTAGE_MIN_SYMBOLS));
  if (candidates.length === 0) return candidates;
  const present = views.flat().flatMap((view) =>
    toPairs(compute.intersectRanges(compute.mergeRanges(candidates, view.grid), view.withBar, view.grid))
  );
  return compute.subtractRanges(candidates, toRanges(present), SECONDS);
}

function absentIn(view: NodeView, compute: Compute): TimeRange[] {
  const told = view.spans.filter((span) => span.reason === "absent_at_source");
  const spans = toRanges(told.map(({ start, end }): TimeRange => [start, end]));
  return toPairs(compute.subtractRanges(spans, view.withBar, view.grid));
}

/** Where at least `times` of the ranges overlap. */
function coveredAtLeast(ranges: TimeRange[], times: number): TimeRange[] {
  const borders = ranges.flatMap(([start, end]): [number, number][] => [[start, 1], [end, -1]])
    .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const found: TimeRange[] = [];
  let depth = 0;
  let since = 0;
  for (const [at, step] of borders) {
    if (step === 1 && ++depth === times) since = at;
    if (step === -1 && depth-- === times && since < at) found.push([since, at]);
  }
  return found;
}
