/**
 * The answer of domain live over what it is made of (spec §6, §7, §11, §12): all that it says of itself, fingerprints,
 * the snapshot that it belongs to, and the verdict.
 */

import type { NodeSite } from "../backfill/backfiller.ts";
import { isUnderlaid, openSlots } from "../backfill/node_view.ts";
import type { Compute } from "../compute/mod.ts";
import { concatBars, emptyBars } from "../core/bar_frame.ts";
import { formingStart } from "../core/effective_range.ts";
import { HistoryError } from "../core/errors.ts";
import { type FoundGap, ratiosOf, sumGaps } from "../core/gaps.ts";
import { isSettled } from "../core/gap_reason.ts";
import { judge, overdueOf } from "../core/gate.ts";
import { formatAsOf } from "../core/instant.ts";
import type { Snapshot } from "../core/manifest.ts";
import { CONFORMANCE_VERSION, type Metadata } from "../core/metadata.ts";
import type { AsOfRegister, Clock, Log } from "../core/ports.ts";
import { slotsWithin } from "../core/snapshot_merge.ts";
import type { Answer } from "../core/service.ts";
import { chunkRange, decodeRows } from "../core/stored_chunk.ts";
import { intervalOf, slotCount, slotOf, slotStart } from "../core/timeframe.ts";
import { isWithinOne, type TimeRange, toPairs } from "../core/time_range.ts";
import { answerOf } from "./answer_rows.ts";
import { ageOf, baseMetadata, flagsOf, gapList, wholeSeconds } from "./answer_metadata.ts";
import type { Heads } from "./heads.ts";
import type { Circumstances, ContentParts, LiveContent } from "./live_content.ts";
import { type Piece, pieceOf } from "./pieces.ts";
import type { Snapshots } from "./snapshots.ts";
import type { Waits } from "./waits.ts";

export interface LiveParts extends ContentParts {
  clock: Clock;
  log: Log;
  snapshots: Snapshots | null;
  heads: Heads | null;
  asOf: AsOfRegister;
}

/** What is known when the waiting is over. */
export interface LiveMoment extends Circumstances {
  requested: TimeRange;
  waits: Waits;
  /** Bars in the range before anything was fetched. */
  barsBefore: number;
}

/** Builds the answer over its content; changes nothing but the recorded `as_of`. */
export async function liveAnswer(
  moment: LiveMoment,
  content: LiveContent,
  parts: LiveParts,
): Promise<Answer> {
  const { question, site, effective } = moment;
  const { pieces } = content;
  const dataset = await datasetOf({ moment, content }, parts);
  const metadata = describe({ moment, content, dataset }, parts);
  if (question.features.early_fingerprint ?? parts.settings.earlyFingerprint) {
    const claims = { nodeId: question.nodeId, grid: site.grid, range: effective };
    metadata.preview_fingerprint = effective[0] === effective[1]
      ? null
      : previewOf(pieces, claims, parts.compute);
  }
  return answerOf({ metadata, pieces, pinned: false, compute: parts.compute, grid: site.grid });
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
  { moment, content }: { moment: LiveMoment; content: LiveContent },
  parts: LiveParts,
): Promise<Dataset> {
  const { question, site, effective } = moment;
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
  const final: TimeRange = [effective[0], content.finalUntil];
  const isNamed = head !== null && head.asOfMs === newest;
  if (
    isNamed &&
    await unlessUnreadable(
      parts,
      question.nodeId,
      () => belongsTo(head, { final, grid: site.grid, pieces: content.final }, parts),
    )
  ) {
    const { seq, manifestUri, manifestSha256 } = head;
    return {
      fingerprint: head.manifest.dataset_fingerprint,
      scope: "snapshot",
      snapshot: { seq, manifest_uri: manifestUri, manifest_sha256: manifestSha256 },
      asOf,
      asOfRegression,
    };
  }
  return { fingerprint: content.answerFingerprint, scope: "answer", snapshot: null, asOf, asOfRegression };
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
  o: { final: TimeRange; grid: NodeSite["grid"]; pieces: Piece[] },
  parts: LiveParts,
): Promise<boolean> {
  if (parts.snapshots === null || !(o.final[0] < o.final[1])) return false;
  const covered = await parts.snapshots.covered(head.manifest);
  const isCovered = isWithinOne(o.final, covered) ||
    parts.compute.missingRanges(o.final, covered, o.grid).length === 0;
  if (!isCovered) return false;
  const hot = new Map(o.pieces.map((piece) => [piece.k, piece]));
  for (const record of await parts.snapshots.chunkDigests(head.manifest, o.final)) {
    const ours = hot.get(record.k);
    hot.delete(record.k);
    if (ours?.source === record.digest || ours?.digest === record.digest) continue;
    const slots = chunkRange(record.k, o.grid);
    if (slots[0] >= o.final[0] && slots[1] <= o.final[1]) return false;
    if (await cutDigest(head, { slots, range: o.final, grid: o.grid }, parts) !== ours?.digest) {
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
  o: { moment: LiveMoment; content: LiveContent; dataset: Dataset },
  parts: LiveParts,
): Metadata {
  const { question, site, requested, effective, now, waits, barsBefore } = o.moment;
  const { gaps, pieces, view } = o.content;
  const { settings, clock, compute } = parts;
  const sums = sumGaps(gaps, effective, site.grid);
  const ratios = ratiosOf(sums);
  const open = view === null
    ? slotCount(effective, site.grid)
    : toPairs(openSlots(view, effective, now, compute)).length;
  const findings = site.state?.findings ?? [];
  const { flags, warnings } = flagsOf(findings, effective, settings.gapFlagging ? sums.missing : 0);
  const base = baseMetadata({ question, grid: site.grid, requested, effective, pieces });
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
    final_until: o.content.finalUntil,
    dataset_fingerprint: o.dataset.fingerprint,
    fingerprint_scope: o.dataset.scope,
    answer_fingerprint: o.content.answerFingerprint,
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
  { moment, content: { finalUntil, pieces, view } }: { moment: LiveMoment; content: LiveContent },
  counts: { rows: number; barsBefore: number; strategyIsLive: boolean },
): Metadata["sources"] {
  const fetched = Math.max(0, counts.rows - counts.barsBefore);
  const tailRows = pieces.filter((piece) => Number.isFinite(finalUntil) && firstTs(piece) >= finalUntil)
    .reduce((rows, piece) => rows + piece.rows, 0);
  const live = counts.strategyIsLive ? Math.min(fetched, tailRows) : 0;
  const under = view !== null && isUnderlaid(view.state) ? view.state.dropped : null;
  const dropped = under === null ? 0 : slotsWithin(under, moment.effective, moment.site.grid);
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
