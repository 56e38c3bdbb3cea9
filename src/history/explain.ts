/** Everything that is known of one slot: its bar or its reason, where that came from, and where it was published. */

import type { Backfiller } from "../backfill/backfiller.ts";
import { gapsOf, isUnderlaid, type NodeView, spanAt, viewOf } from "../backfill/node_view.ts";
import type { Compute } from "../compute/mod.ts";
import { barsBetween, emptyBars } from "../core/bar_frame.ts";
import { formatAsOf } from "../core/instant.ts";
import { EXPLAIN_MAX_SNAPSHOTS } from "../core/limits.ts";
import { parseNodeId } from "../core/node_id.ts";
import type { BarStore, NodeState, Revision } from "../core/ports.ts";
import type { ExplainReport } from "../core/service.ts";
import { barsOfChunks, type BarValues, chunkOf, valuesAt } from "../core/stored_chunk.ts";
import { type Grid, slotOf, slotStart } from "../core/timeframe.ts";
import type { Ranges, TimeRange } from "../core/time_range.ts";
import { contains, rangesOfGaps } from "../core/snapshot_merge.ts";
import { type FallThrough, rereading } from "./fall_through.ts";
import type { Outages } from "./outages.ts";
import { nodeUnknown } from "./publishing.ts";
import type { Snapshots } from "./snapshots.ts";

export interface ExplainParts {
  backfiller: Backfiller;
  fallThrough: FallThrough | null;
  store: BarStore;
  compute: Compute;
  outages: Outages;
  snapshots: Snapshots | null;
  /** Venue time now, epoch seconds. */
  venueNow: (exchange: string) => number;
}

/** Explains the slot that holds `ts`. `NODE_UNKNOWN` for a node never stored nor published. */
export async function explainSlot(nodeId: string, ts: number, parts: ExplainParts): Promise<ExplainReport> {
  return await rereading(() => explainOnce(nodeId, ts, parts));
}

async function explainOnce(nodeId: string, ts: number, parts: ExplainParts): Promise<ExplainReport> {
  const { exchange } = parseNodeId(nodeId);
  const { state, grid } = await parts.backfiller.wholeSite(nodeId);
  if (state === null) throw nodeUnknown(nodeId, "explain");
  const slot = slotOf(ts, grid);
  const range: TimeRange = [slotStart(slot, grid), slotStart(slot + 1, grid)];
  const view = viewOf(state, parts.compute);
  const bar = await barAt(state, range, parts);
  const closed = slot < slotOf(parts.venueNow(exchange), grid);
  const gaps = await parts.outages.explain(exchange, gapsOf(view, range, parts.compute), grid);
  const findings = state.findings.filter((finding) =>
    finding.ts === range[0] && !finding.flag.startsWith("warning: ")
  );
  return {
    node_id: nodeId,
    ts: range[0],
    state: bar === null ? "gap" : "bar",
    reason: bar !== null ? null : closed ? gaps[0]?.reason ?? "pending" : "not_yet_closed",
    bar: bar === null ? null : valuesRecord(bar.values),
    final: bar?.final ?? false,
    ...askedFor(view, range[0]),
    flags: Object.fromEntries(findings.map(({ flag, count }) => [flag, count])),
    revisions: (await parts.store.revisions(nodeId, range)).map(revisionRecord),
    snapshots: await publishedIn(nodeId, { range, grid }, parts.snapshots),
  };
}

/** Whom the slot was asked of, when and with what window. A snapshot tells only the first. */
function askedFor(
  { state, spans }: NodeView,
  ts: number,
): Pick<ExplainReport, "source" | "fetched_at" | "window"> {
  if (isUnderlaid(state)) {
    const { dropped, publishedGaps, snapshot } = state;
    if (contains(dropped, ts) || contains(rangesOfGaps(publishedGaps), ts)) {
      return { source: snapshot.manifest.producer.source, fetched_at: null, window: null };
    }
  }
  const span = spanAt(spans, ts);
  if (span === null) return { source: null, fetched_at: null, window: null };
  return { source: span.row.source, fetched_at: Math.floor(span.row.askedAt), window: span.row.window };
}

async function barAt(
  state: NodeState,
  range: TimeRange,
  parts: ExplainParts,
): Promise<{ values: BarValues; final: boolean } | null> {
  let final = emptyBars();
  const chunks = isUnderlaid(state) && parts.fallThrough !== null
    ? parts.fallThrough.read(state, range)
    : parts.store.read(state.node.nodeId, range);
  for await (const chunk of chunks) final = barsOfChunks([chunk], range);
  if (final.ts.length > 0) return { values: valuesAt(final, 0), final: true };
  const provisional = barsBetween(state.provisional, ...range);
  return provisional.ts.length === 0 ? null : { values: valuesAt(provisional, 0), final: false };
}

/** The newest snapshots that cover the slot, with the digest of the chunk that holds its bar, newest first. */
async function publishedIn(
  nodeId: string,
  { range, grid }: { range: TimeRange; grid: Grid },
  snapshots: Snapshots | null,
): Promise<ExplainReport["snapshots"]> {
  if (snapshots === null) return [];
  const k = chunkOf(range[0], grid);
  const { snapshots: listed } = await snapshots.list(nodeId, { limit: EXPLAIN_MAX_SNAPSHOTS });
  const found: ExplainReport["snapshots"] = [];
  for (const snapshot of listed) {
    if (!holds(await snapshots.covered(snapshot.manifest), range[0])) continue;
    const chunks = await snapshots.chunkDigests(snapshot.manifest);
    const chunk = chunks.find((candidate) => candidate.k === k);
    if (chunk !== undefined) {
      found.push({ seq: snapshot.seq, as_of: formatAsOf(snapshot.asOfMs), chunk: chunk.digest });
    }
  }
  return found;
}

/** Whether one of the flat, sorted ranges holds the slot that begins at `ts`. */
function holds(covered: Ranges, ts: number): boolean {
  for (let i = 0; i < covered.length; i += 2) if (ts >= covered[i] && ts < covered[i + 1]) return true;
  return false;
}

function revisionRecord(revision: Revision): ExplainReport["revisions"][number] {
  return {
    seen_at: Math.floor(revision.seenAtMs / 1000),
    values: revision.values === null ? null : valuesRecord(revision.values),
    cause: revision.cause,
    kept: revision.kept,
  };
}

function valuesRecord([open, high, low, close, volume]: BarValues) {
  return { open, high, low, close, volume };
}
