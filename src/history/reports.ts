/**
 * What is held of nodes, told as reports: coverage, gaps, condition, nodes (surface §4). Slots that the hot store dropped
 * are told by the newest snapshot (spec §9).
 */

import type { Backfiller, NodeSite } from "../backfill/backfiller.ts";
import { gapsOf, viewOf } from "../backfill/node_view.ts";
import type { Compute } from "../compute/mod.ts";
import { effectiveRange, formingStart } from "../core/effective_range.ts";
import { type FoundGap, ratiosOf, sumGaps } from "../core/gaps.ts";
import { isExplained, isSettled } from "../core/gap_reason.ts";
import { formatAsOf } from "../core/instant.ts";
import { RANGE_MAX_DAYS } from "../core/limits.ts";
import { HistoryError } from "../core/errors.ts";
import type { BarStore, NodeState } from "../core/ports.ts";
import type { ConditionReport, CoverageReport, GapPage, GapRow, NodePage } from "../core/service.ts";
import { gridRecord, intervalOf, slotCount, slotOf, slotStart, snapOutward } from "../core/timeframe.ts";
import type { Grid } from "../core/timeframe.ts";
import { clipRange, type Ranges, type TimeRange, toPairs, toRanges } from "../core/time_range.ts";
import type { Outages } from "./outages.ts";
import type { Snapshots } from "./snapshots.ts";

export interface ReportParts {
  backfiller: Backfiller;
  store: BarStore;
  compute: Compute;
  outages: Outages;
  snapshots: Snapshots | null;
}

/** What a report is made of, from the hot store or from a snapshot. */
interface Ground {
  nodeId: string;
  grid: Grid;
  withBar: Ranges;
  covered: Ranges;
  gapsIn: (range: TimeRange) => Promise<FoundGap[]>;
}

const DAY: Grid = { step: 86_400 };

/** Reports over nodes; a well-formed node never seen is all `pending`. */
export class Reports {
  readonly #parts: ReportParts;

  constructor(parts: ReportParts) {
    this.#parts = parts;
  }

  /** Without a range, from the first to the last covered slot (surface §4). */
  async coverage(nodeId: string, o: { range?: TimeRange; asOfMs?: number } = {}): Promise<CoverageReport> {
    const ground = o.asOfMs === undefined
      ? await this.#held(nodeId, o.range)
      : await this.#published(nodeId, o.asOfMs);
    const { grid, withBar, covered } = ground;
    const bounds = hull(covered) ?? hull(withBar);
    const range = o.range === undefined ? bounds : snapOutward(o.range, grid);
    const clip = (ranges: Ranges) =>
      range === null
        ? []
        : toPairs(ranges).map((pair) => clipRange(pair, range)).filter((pair) => pair !== null);
    const cut = range === null ? null : this.#closed(nodeId, range, grid, o.asOfMs);
    const sums = cut === null ? null : sumGaps(await ground.gapsIn(cut), cut, grid);
    const ratios = sums === null ? { coverage: 1, explained: 1 } : ratiosOf(sums);
    const segments = clip(withBar);
    const last = segments.at(-1);
    return {
      node_id: nodeId,
      interval: intervalOf(grid),
      grid: gridRecord(grid),
      covered: clip(covered),
      segments: segments.map(([start, end]) => ({
        start,
        end,
        bars: slotCount([start, end], grid),
        interval_seconds: intervalOf(grid),
      })),
      coverage_ratio: ratios.coverage,
      explained_ratio: ratios.explained,
      first_bar: segments[0]?.[0] ?? null,
      last_bar: last === undefined ? null : slotStart(slotOf(last[1], grid) - 1, grid),
      watermark: hull(covered)?.[1] ?? null,
    };
  }

  /** Every run of slots without a bar; what is not closed yet is listed too, and counted nowhere else. */
  async gaps(
    nodeId: string,
    o: { range: TimeRange; reason?: string; limit: number; after?: number; asOfMs?: number },
  ): Promise<GapPage> {
    const ground = o.asOfMs === undefined
      ? await this.#held(nodeId, o.range)
      : await this.#published(nodeId, o.asOfMs);
    const wanted = effectiveRange(o.range, ground.grid, null);
    const closed = this.#closed(nodeId, wanted, ground.grid, o.asOfMs);
    const found = closed[0] < closed[1] ? await ground.gapsIn(closed) : [];
    if (closed[1] < wanted[1]) {
      found.push({
        start: Math.max(closed[1], wanted[0]),
        end: wanted[1],
        reason: "not_yet_closed",
        row: null,
      });
    }
    const listed = o.reason === undefined ? found : found.filter((gap) => gap.reason === o.reason);
    const rest = o.after === undefined ? listed : listed.filter((gap) => gap.start >= o.after!);
    return {
      node_id: nodeId,
      gaps: rest.slice(0, o.limit).map((gap) => gapRow(gap, ground.grid)),
      gaps_total: listed.length,
      next: rest[o.limit]?.start ?? null,
    };
  }

  /** One line per UTC day of the range. */
  async condition(nodeId: string, range: TimeRange): Promise<ConditionReport> {
    const site = await this.#site(nodeId, range);
    const ground = this.#groundOf(site);
    const closed = this.#closed(nodeId, snapOutward(range, site.grid), site.grid, undefined);
    const days = snapOutward(range, DAY);
    if (slotCount(days, DAY) > RANGE_MAX_DAYS) {
      throw new HistoryError("RANGE_TOO_LARGE", `Cannot report ${slotCount(days, DAY)} days of ${nodeId}`, {
        hint: `Ask for at most ${RANGE_MAX_DAYS} days at once`,
      });
    }
    const gaps = closed[0] < closed[1] ? await ground.gapsIn(closed) : [];
    const report: ConditionReport = { node_id: nodeId, days: [] };
    let at = 0;
    for (let day = days[0]; day < days[1]; day += DAY_SEC) {
      while (at < gaps.length && gaps[at].end <= day) at++;
      const inside = clipRange([day, day + DAY_SEC], closed);
      report.days.push(dayOf(day, inside, { gaps, at, site }));
    }
    return report;
  }

  async nodes(o: { exchange?: string; limit: number; after?: string }): Promise<NodePage> {
    const records = await this.#parts.store.nodes({ ...o, limit: o.limit + 1 });
    const page = records.slice(0, o.limit);
    const nodes: NodePage["nodes"] = [];
    for (const record of page) {
      const { state } = await this.#site(record.nodeId);
      const head = this.#parts.snapshots === null ? null : await this.#parts.snapshots.head(record.nodeId);
      const withBar = state === null ? toRanges([]) : viewOf(state, this.#parts.compute).withBar;
      const bounds = hull(withBar);
      nodes.push({
        node_id: record.nodeId,
        interval: intervalOf(record.grid),
        grid: gridRecord(record.grid),
        volume_unit: record.volumeUnit,
        first_bar: bounds?.[0] ?? null,
        last_bar: bounds === null ? null : slotStart(slotOf(bounds[1], record.grid) - 1, record.grid),
        snapshots: head?.seq ?? 0,
        last_as_of: head === null ? null : formatAsOf(head.asOfMs),
      });
    }
    return { nodes, next: records.length > o.limit ? page[page.length - 1].nodeId : null };
  }

  /** A range cut at the start of the forming bar; what a snapshot says is not cut. */
  #closed(nodeId: string, range: TimeRange, grid: Grid, asOfMs: number | undefined): TimeRange {
    if (asOfMs !== undefined) return range;
    const { backfiller } = this.#parts;
    const forming = formingStart(
      backfiller.lastKnownVenueNow(backfiller.unknownSite(nodeId).parsed.exchange),
      grid,
    );
    return [range[0], Math.max(range[0], Math.min(range[1], forming))];
  }

  async #held(nodeId: string, range?: TimeRange): Promise<Ground> {
    return this.#groundOf(await this.#site(nodeId, range));
  }

  /** Where the node stands. The newest snapshot is looked at unless the hot store covers all of the range. */
  async #site(nodeId: string, range?: TimeRange): Promise<NodeSite> {
    const { backfiller, compute } = this.#parts;
    const site = await backfiller.site(nodeId);
    if (range !== undefined && site.state !== null) {
      const { covered } = viewOf(site.state, compute);
      if (compute.missingRanges(snapOutward(range, site.grid), covered, site.grid).length === 0) return site;
    }
    return await backfiller.underlaid(site);
  }

  #groundOf(site: NodeSite): Ground {
    const { compute, outages } = this.#parts;
    const none = toRanges([]);
    const { nodeId, grid } = site;
    if (site.state === null) {
      const pending = ([start, end]: TimeRange): FoundGap[] =>
        start < end ? [{ start, end, reason: "pending", row: null }] : [];
      return {
        nodeId,
        grid,
        withBar: none,
        covered: none,
        gapsIn: (range) => Promise.resolve(pending(range)),
      };
    }
    const view = viewOf(site.state, compute);
    return {
      nodeId,
      grid,
      withBar: view.withBar,
      covered: view.covered,
      gapsIn: (range) => outages.explain(site.parsed.exchange, gapsOf(view, range, compute), grid),
    };
  }

  /** What the snapshot at `asOfMs` knew. Slots outside what it covered are `pending`. */
  async #published(nodeId: string, asOfMs: number): Promise<Ground> {
    const { snapshots, compute } = this.#parts;
    if (snapshots === null) {
      throw new HistoryError(
        "DOMAIN_DISABLED",
        `Cannot look at ${nodeId} as of a time: nothing is published here`,
        {
          hint: "Set seamless.artifact.enabled to true",
        },
      );
    }
    const { manifest } = await snapshots.resolveAsOf(nodeId, asOfMs);
    const grid: Grid = manifest.grid;
    const covered = await snapshots.covered(manifest);
    const settled = await snapshots.gaps(manifest, manifest.range);
    const withBar = compute.subtractRanges(
      covered,
      toRanges(settled.map((gap) => [gap.start, gap.end])),
      grid,
    );
    const gapsIn = async (range: TimeRange): Promise<FoundGap[]> =>
      [
        ...(await snapshots.gaps(manifest, range)).map((gap): FoundGap => ({ ...gap, row: null })),
        ...toPairs(compute.missingRanges(range, covered, grid))
          .map(([start, end]): FoundGap => ({ start, end, reason: "pending", row: null })),
      ].sort((a, b) => a.start - b.start);
    return { nodeId, grid, withBar, covered, gapsIn };
  }
}

const DAY_SEC = 86_400;

function gapRow(gap: FoundGap, grid: Grid): GapRow {
  const { row } = gap;
  return {
    start: gap.start,
    end: gap.end,
    bars: slotCount([gap.start, gap.end], grid),
    reason: gap.reason,
    settled: isSettled(gap.reason),
    first_seen: row === null ? null : Math.floor(row.firstAskedAt),
    last_asked: row === null ? null : Math.floor(row.askedAt),
    // Cut as last_asked is, so that what lies between the two is the step of spec §4.
    next_ask: row === null || row.nextAsk === null ? null : Math.floor(row.nextAsk),
    attempts: row?.attempts ?? 0,
    error: row?.error ?? null,
    alternative: null,
  };
}

/** The first that holds of pending, available, missing, degraded (surface §4). */
function dayOf(
  day: number,
  inside: TimeRange | null,
  o: { gaps: FoundGap[]; at: number; site: NodeSite },
): ConditionReport["days"][number] {
  const { grid } = o.site;
  const date = new Date(day * 1000).toISOString().split("T")[0];
  const expected = slotsStarting(inside, grid);
  let [missing, open, explained] = [0, 0, 0];
  for (let i = o.at; inside !== null && i < o.gaps.length && o.gaps[i].start < inside[1]; i++) {
    const gap = o.gaps[i];
    const slots = slotsStarting(clipRange([gap.start, gap.end], inside), grid);
    missing += slots;
    if (!isSettled(gap.reason)) open += slots;
    if (isExplained(gap.reason)) explained += slots;
  }
  const bars = expected - missing;
  const condition = inside === null || open > 0
    ? "pending"
    : missing === explained
    ? "available"
    : bars === 0
    ? "missing"
    : "degraded";
  return { date, condition, bars, expected, last_modified: lastModified(o.site.state, day) };
}

/** Slots that open inside the range: a week's bar belongs to the day that it opens on. */
function slotsStarting(range: TimeRange | null, grid: Grid): number {
  if (range === null) return 0;
  const first = (t: number) => slotStart(slotOf(t, grid), grid) < t ? slotOf(t, grid) + 1 : slotOf(t, grid);
  return Math.max(0, first(range[1]) - first(range[0]));
}

/** When something of the day was last asked, epoch seconds. */
function lastModified(state: NodeState | null, day: number): number | null {
  let newest: number | null = null;
  for (const row of state?.ledger ?? []) {
    if (row.error !== null || row.start >= day + DAY_SEC || row.end <= day) continue;
    newest = Math.max(newest ?? -Infinity, Math.floor(row.askedAt));
  }
  return newest;
}

/** From the first start to the last end; null for no ranges. */
function hull(ranges: Ranges): TimeRange | null {
  return ranges.length === 0 ? null : [ranges[0], ranges[ranges.length - 1]];
}
