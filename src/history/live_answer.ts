/**
 * The answer of domain live, built from what the hot store holds after all waiting (spec §6, §7, §11, §12): rows,
 * gaps with reasons, fingerprints, the snapshot they belong to, and the verdict.
 */

import type { NodeSite } from "../backfill/backfiller.ts";
import { finalBorder } from "../backfill/absorb.ts";
import { gapsOf, isUnderlaid, type NodeView, openSlots, viewOf } from "../backfill/node_view.ts";
import type { Compute } from "../compute/mod.ts";
import { BAR_COLUMNS, type Bars, barsBetween, concatBars, emptyBars, makeBars } from "../core/bar_frame.ts";
import { formingStart } from "../core/effective_range.ts";
import { HistoryError } from "../core/errors.ts";
import { type FoundGap, ratiosOf, sumGaps } from "../core/gaps.ts";
import { isSettled } from "../core/gap_reason.ts";
import { judge, overdueOf } from "../core/gate.ts";
import { formatAsOf } from "../core/instant.ts";
import type { Snapshot } from "../core/manifest.ts";
import { CONFORMANCE_VERSION, type Metadata } from "../core/metadata.ts";
import type { AsOfRegister, BarStore, Clock, Log } from "../core/ports.ts";
import { slotsWithin } from "../core/snapshot_merge.ts";
import type { Answer } from "../core/service.ts";
import { barsOfChunks, chunkRange, decodeRows } from "../core/stored_chunk.ts";
import { intervalOf, slotCount, slotOf, slotStart } from "../core/timeframe.ts";
import { isWithinOne, type TimeRange, toPairs } from "../core/time_range.ts";
import { answerOf } from "./answer_rows.ts";
import { ageOf, baseMetadata, flagsOf, gapList, wholeSeconds } from "./answer_metadata.ts";
import type { FallThrough } from "./fall_through.ts";
import type { Heads } from "./heads.ts";
import type { Outages } from "./outages.ts";
import { fingerprintOf, type Piece, pieceOf, piecesOfBars } from "./pieces.ts";
import type { Question } from "./question.ts";
import { chunkAtState } from "./rows_of_state.ts";
import type { HistorySettings } from "./settings.ts";
import type { Snapshots } from "./snapshots.ts";
import type { Waits } from "./waits.ts";

export interface LiveParts {
  store: BarStore;
  compute: Compute;
  clock: Clock;
  log: Log;
  outages: Outages;
  snapshots: Snapshots | null;
  heads: Heads | null;
  /** Reads what the hot store dropped; null where nothing is published. */
  fallThrough: FallThrough | null;
  asOf: AsOfRegister;
  settings: HistorySettings;
}

/** What is known when the waiting is over. */
export interface LiveMoment {
  question: Question;
  site: NodeSite;
  requested: TimeRange;
  effective: TimeRange;
  /** Venue time, epoch seconds. */
  now: number;
  waits: Waits;
  /** Bars in the range before anything was fetched. */
  barsBefore: number;
  /** The node is not stored, and this is why. */
  failure: string | null;
}

/** Builds the answer; reads rows, changes nothing but the recorded `as_of`. */
export async function liveAnswer(moment: LiveMoment, parts: LiveParts): Promise<Answer> {
  const { question, site, effective } = moment;
  const view = site.state === null ? null : viewOf(site.state, parts.compute);
  const gaps = await gapsNow(moment, view, parts);
  const finalUntil = finalUntilOf(moment, view, parts);
  const rows = await rowsOf({ moment, view, finalUntil }, parts);
  const final: TimeRange = [effective[0], finalUntil];
  const claims = { nodeId: question.nodeId, grid: site.grid, range: final };
  const empty = effective[0] === effective[1];
  const answerFingerprint = empty ? null : fingerprintOf(rows.final, claims, parts.compute);
  const dataset = await datasetOf({ moment, final, answerFingerprint, pieces: rows.final }, parts);
  const pieces = [...rows.final, ...rows.tail];
  const metadata = describe({ moment, gaps, finalUntil, pieces, answerFingerprint, dataset, view }, parts);
  if (question.features.early_fingerprint ?? parts.settings.earlyFingerprint) {
    metadata.preview_fingerprint = empty
      ? null
      : previewOf(pieces, { ...claims, range: effective }, parts.compute);
  }
  return answerOf({ metadata, pieces, pinned: false, compute: parts.compute, grid: site.grid });
}

/** The reasons of all slots without a bar; a node that could not even be registered says why. */
async function gapsNow(moment: LiveMoment, view: NodeView | null, parts: LiveParts): Promise<FoundGap[]> {
  const { effective: [start, end], question, site } = moment;
  if (!(start < end)) return [];
  if (view !== null) {
    return await parts.outages.explain(
      question.parsed.exchange,
      gapsOf(view, [start, end], parts.compute),
      site.grid,
    );
  }
  return [{ start, end, reason: moment.failure === null ? "pending" : "fetch_failed", row: null }];
}

/** Spec §6: the first slot whose bar is provisional, or that is not yet final by time and not settled; else the end. */
function finalUntilOf(moment: LiveMoment, view: NodeView | null, parts: LiveParts): number {
  const { effective: [start, end], site, now } = moment;
  const border = Math.max(start, finalBorder(now, site.grid, parts.settings.stabilizationBars));
  if (view === null) return Math.min(border, end);
  const provisional = barsBetween(view.state.provisional, start, end).ts[0] ?? Infinity;
  const recent = border < end
    ? parts.compute.missingRanges([border, end], view.covered, site.grid)[0]
    : undefined;
  return Math.min(provisional, recent ?? Infinity, end);
}

interface Rows {
  /** Rows before `final_until`, all final. */
  final: Piece[];
  /** Rows from there on. */
  tail: Piece[];
}

async function rowsOf(
  o: { moment: LiveMoment; view: NodeView | null; finalUntil: number },
  parts: LiveParts,
): Promise<Rows> {
  const { question, site, effective: [start, end] } = o.moment;
  if (o.view === null || !(start < end)) return { final: [], tail: [] };
  const on = { grid: site.grid, compute: parts.compute };
  const final: Piece[] = [];
  const late: Bars[] = [];
  const { state } = o.view;
  const under = isUnderlaid(state) ? state : null;
  const chunks = under === null || parts.fallThrough === null
    ? parts.store.read(question.nodeId, [start, end], { state })
    : parts.fallThrough.read(under, [start, end]);
  for await (const stored of chunks) {
    const chunk = under === null ? chunkAtState(stored, o.view, parts.compute) : stored;
    if (chunk === null) continue;
    const piece = pieceOf(chunk, [start, o.finalUntil], on);
    if (piece !== null) final.push(piece);
    if (o.finalUntil < end) late.push(barsOfChunks([chunk], [o.finalUntil, end]));
  }
  const provisional = barsBetween(state.provisional, start, end);
  if (late.length === 0 && provisional.ts.length === 0) return { final, tail: [] };
  const tail = mergeAscending(concatBars([emptyBars(), ...late]), provisional);
  return { final, tail: piecesOfBars(tail, on) };
}

/** Two ascending frames as one; where both have a `ts` the first one's row stays (a final bar beats a provisional one). */
function mergeAscending(a: Bars, b: Bars): Bars {
  if (b.ts.length === 0) return a;
  const merged = makeBars(a.ts.length + b.ts.length);
  let rows = 0;
  for (let i = 0, j = 0; i < a.ts.length || j < b.ts.length; rows++) {
    const fromA = j >= b.ts.length || (i < a.ts.length && a.ts[i] <= b.ts[j]);
    const [source, at] = fromA ? [a, i] : [b, j];
    for (const name of BAR_COLUMNS) merged[name][rows] = source[name][at];
    if (fromA && j < b.ts.length && a.ts[i] === b.ts[j]) j++;
    if (fromA) i++;
    else j++;
  }
  return barsBetween({ ...merged, ts: merged.ts.subarray(0, rows) }, -Infinity, Infinity);
}

function previewOf(
  pieces: Piece[],
  claims: { nodeId: string; grid: NodeSite["grid"]; range: TimeRange },
  compute: Compute,
): string {
  const joined = concatBars([emptyBars(), ...pieces.map((piece) => decodeRows(piece.bytes))]);
  return compute.fingerprint(joined, { ...claims, conformanceVersion: CONFORMANCE_VERSION }).fingerprint;
}

interface Dataset {
  fingerprint: string | null;
  scope: Metadata["fingerprint_scope"];
  snapshot: Metadata["snapshot"];
  asOf: string | null;
  asOfRegression: boolean;
}

/** The published dataset that the final rows belong to, where they do (spec §7), and the `as_of` of the node. */
async function datasetOf(
  o: { moment: LiveMoment; final: TimeRange; answerFingerprint: string | null; pieces: Piece[] },
  parts: LiveParts,
): Promise<Dataset> {
  const { question } = o.moment;
  const publishing = parts.settings.publish && question.features.publish_fingerprint !== false;
  if (!publishing || parts.heads === null) {
    return {
      fingerprint: null,
      scope: "answer",
      snapshot: null,
      asOf: null,
      asOfRegression: question.asOfMs !== null,
    };
  }
  const { heads } = parts;
  const { monotonicAsOf } = parts.settings.live;
  const recorded = monotonicAsOf ? await parts.asOf.last(question.worldId, question.nodeId) : null;
  const head = await unlessUnreadable(
    parts,
    question.nodeId,
    () => newestHead(heads, question.nodeId, recorded),
  );
  const newest = !monotonicAsOf
    ? head?.asOfMs ?? null
    : head === null || head.asOfMs === recorded
    ? recorded
    : await parts.asOf.advance(question.worldId, question.nodeId, head.asOfMs);
  const floor = question.asOfMs;
  const asOfRegression = floor !== null &&
    (newest === null || floor > newest || (recorded !== null && floor < recorded));
  const asOf = newest === null ? null : formatAsOf(newest);
  // The pair of fingerprint and as_of names a dataset: a head that is older than what was given before cannot.
  const isNamed = head !== null && head.asOfMs === newest;
  if (isNamed && await unlessUnreadable(parts, question.nodeId, () => belongsTo(head, o, parts))) {
    const { seq, manifestUri, manifestSha256 } = head;
    return {
      fingerprint: head.manifest.dataset_fingerprint,
      scope: "snapshot",
      snapshot: { seq, manifest_uri: manifestUri, manifest_sha256: manifestSha256 },
      asOf,
      asOfRegression,
    };
  }
  return { fingerprint: o.answerFingerprint, scope: "answer", snapshot: null, asOf, asOfRegression };
}

/** The newest snapshot; looked up anew where another process has given a younger one than is known here. */
async function newestHead(heads: Heads, nodeId: string, recordedMs: number | null): Promise<Snapshot | null> {
  const head = await heads.newest(nodeId);
  if (recordedMs === null || (head !== null && head.asOfMs >= recordedMs)) return head;
  heads.forget(nodeId);
  return await heads.newest(nodeId);
}

/** The hot store's bars are served though the artifact store cannot be read; they then belong to no snapshot. */
async function unlessUnreadable<T>(
  parts: LiveParts,
  nodeId: string,
  read: () => Promise<T>,
): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error;
    const { code, message } = error;
    parts.log.emit("error", "seamless.artifact.unreadable", { node_id: nodeId, code, error: message });
    return null;
  }
}

/**
 * The snapshot covers the final part, and its rows there are the hot store's: by digest where both hold the same
 * chunk, also where the range cuts it; else for the two chunks that it may cut by the digests of the cut rows.
 */
async function belongsTo(
  head: Snapshot,
  o: { moment: LiveMoment; final: TimeRange; pieces: Piece[] },
  parts: LiveParts,
): Promise<boolean> {
  const { site } = o.moment;
  if (parts.snapshots === null || !(o.final[0] < o.final[1])) return false;
  const covered = await parts.snapshots.covered(head.manifest);
  const isCovered = isWithinOne(o.final, covered) ||
    parts.compute.missingRanges(o.final, covered, site.grid).length === 0;
  if (!isCovered) return false;
  const hot = new Map(o.pieces.map((piece) => [piece.k, piece]));
  for (const record of await parts.snapshots.chunkDigests(head.manifest, o.final)) {
    const ours = hot.get(record.k);
    hot.delete(record.k);
    if (ours?.source === record.digest || ours?.digest === record.digest) continue;
    const slots = chunkRange(record.k, site.grid);
    if (slots[0] >= o.final[0] && slots[1] <= o.final[1]) return false;
    if (await cutDigest(head, { slots, range: o.final, grid: site.grid }, parts) !== ours?.digest) {
      return false;
    }
  }
  return hot.size === 0;
}

/** The digest of a published chunk's rows inside `range`; undefined when it has none there. */
async function cutDigest(
  head: Snapshot,
  o: { slots: TimeRange; range: TimeRange; grid: NodeSite["grid"] },
  parts: LiveParts,
): Promise<string | undefined> {
  for await (const chunk of parts.snapshots!.readChunks(head.manifest, o.slots)) {
    return pieceOf(chunk, o.range, { grid: o.grid, compute: parts.compute })?.digest;
  }
  return undefined;
}

/** Everything that the answer says of itself. */
function describe(
  o: {
    moment: LiveMoment;
    gaps: FoundGap[];
    finalUntil: number;
    pieces: Piece[];
    answerFingerprint: string | null;
    dataset: Dataset;
    view: NodeView | null;
  },
  parts: LiveParts,
): Metadata {
  const { moment: { question, site, requested, effective, now, waits, barsBefore }, gaps } = o;
  const { settings, clock, compute } = parts;
  const sums = sumGaps(gaps, effective, site.grid);
  const ratios = ratiosOf(sums);
  const open = o.view === null
    ? slotCount(effective, site.grid)
    : toPairs(openSlots(o.view, effective, now, compute)).length;
  const findings = site.state?.findings ?? [];
  const { flags, warnings } = flagsOf(findings, effective, settings.gapFlagging ? sums.missing : 0);
  const base = baseMetadata({ question, grid: site.grid, requested, effective, pieces: o.pieces });
  const staleness = ageOf(base.coverage_bounds, clock);
  const reachesNewest = effective[0] < effective[1] && effective[1] === formingStart(now, site.grid);
  const sla = waits.summary();
  const verdict = judge({
    onViolation: question.sla.on_violation,
    allowPartial: settings.live.allowPartial,
    openGaps: open > 0,
    slaViolated: sla.violation !== null,
    explainedRatio: ratios.explained,
    minCoverage: question.minCoverage,
    overdueSec: reachesNewest ? overdueOf(staleness, intervalOf(site.grid)) : null,
    maxLagSec: question.maxLagSec,
    asOfRegression: o.dataset.asOfRegression,
    conformanceBlocked: settings.blocking.some((flag) => (flags[flag] ?? 0) > 0),
  });
  return {
    ...base,
    ...gapList(gaps, site.grid),
    coverage_ratio: ratios.coverage,
    explained_ratio: ratios.explained,
    complete: open === 0,
    conformance_flags: flags,
    conformance_warnings: [...warnings, ...question.warnings],
    final_until: o.finalUntil,
    dataset_fingerprint: o.dataset.fingerprint,
    fingerprint_scope: o.dataset.scope,
    answer_fingerprint: o.answerFingerprint,
    as_of: o.dataset.asOf,
    snapshot: o.dataset.snapshot,
    verdict,
    sla,
    sources: sourcesOf(o, { rows: base.rows, barsBefore, strategyIsLive: question.strategy === "SEAMLESS" }),
    staleness_seconds: wholeSeconds(staleness),
    retry_after: retryAfterOf(o.moment, gaps, parts),
  };
}

/**
 * Rows by where they came from: what was held before, in the hot store or in the newest snapshot, the newest bars of a
 * strategy that asks for them, the rest.
 */
function sourcesOf(
  o: { pieces: Piece[]; finalUntil: number; moment: LiveMoment; view: NodeView | null },
  counts: { rows: number; barsBefore: number; strategyIsLive: boolean },
): Metadata["sources"] {
  const fetched = Math.max(0, counts.rows - counts.barsBefore);
  const tailRows = o.pieces.filter((piece) => Number.isFinite(o.finalUntil) && firstTs(piece) >= o.finalUntil)
    .reduce((rows, piece) => rows + piece.rows, 0);
  const live = counts.strategyIsLive ? Math.min(fetched, tailRows) : 0;
  const under = o.view !== null && isUnderlaid(o.view.state) ? o.view.state.dropped : null;
  const dropped = under === null ? 0 : slotsWithin(under, o.moment.effective, o.moment.site.grid);
  const snapshot = Math.min(dropped, counts.rows - fetched);
  return { cache: 0, snapshot, storage: counts.rows - fetched - snapshot, backfill: fetched - live, live };
}

function firstTs(piece: Piece): number {
  return Number(new DataView(piece.bytes.buffer, piece.bytes.byteOffset, 8).getBigInt64(0, true));
}

/** Seconds until another ask makes sense: the next try of an open gap, or the close of the forming bar; null: never by itself. */
function retryAfterOf(moment: LiveMoment, gaps: FoundGap[], parts: LiveParts): number | null {
  const { now, requested, site, question } = moment;
  // Slots are judged by the time at which the request came; who is to wait does so from now on.
  const leaving = now + moment.waits.elapsedMs() / 1000;
  const waits: number[] = [];
  for (const gap of gaps) {
    if (isSettled(gap.reason) || gap.reason === "quarantined") continue;
    waits.push(gap.row?.nextAsk ? gap.row.nextAsk - leaving : question.sla.retry_backoff_ms / 1000);
  }
  const forming = formingStart(now, site.grid);
  if (requested[1] > forming) {
    const closes = slotStart(slotOf(forming, site.grid) + 1, site.grid);
    waits.push(closes - leaving + parts.settings.live.closeDelayMs / 1000);
  }
  return waits.length === 0 ? null : Math.max(1, Math.ceil(Math.min(...waits)));
}
