/**
 * Answers from one snapshot alone: backtests, and reads selected by `fingerprint` (spec §8, §11). No hot store, no
 * network, no clock in the body: the same request again gives the same bytes. Rows are read and verified while they
 * are pulled, so that any range costs the memory of a few chunks.
 */

import type { Compute } from "../compute/mod.ts";
import { effectiveRange, requestedRange } from "../core/effective_range.ts";
import { type FoundGap, ratiosOf, sumGaps } from "../core/gaps.ts";
import { judge } from "../core/gate.ts";
import { HistoryError } from "../core/errors.ts";
import { formatAsOf } from "../core/instant.ts";
import type { ChunkRecord, Manifest, Snapshot } from "../core/manifest.ts";
import type { Metadata } from "../core/metadata.ts";
import type { Clock } from "../core/ports.ts";
import type { RequestContext } from "../core/request.ts";
import type { Answer } from "../core/service.ts";
import { chunkRange } from "../core/stored_chunk.ts";
import type { Grid } from "../core/timeframe.ts";
import { slotOf, slotStart } from "../core/timeframe.ts";
import type { TimeRange } from "../core/time_range.ts";
import { baseMetadata, flagsOf, gapList } from "./answer_metadata.ts";
import { refuseBreaches } from "./breaches.ts";
import { boundsOf, cutSlice, fingerprintOf, type Piece, pieceOf } from "./pieces.ts";
import type { Question } from "./question.ts";
import type { HistorySettings } from "./settings.ts";
import type { Snapshots } from "./snapshots.ts";

export interface PinnedParts {
  snapshots: Snapshots;
  compute: Compute;
  clock: Clock;
  settings: HistorySettings;
}

/** One pinned reading: the snapshot and the part of it that is asked. */
interface Reading {
  question: Question;
  snapshot: Snapshot;
  grid: Grid;
  requested: TimeRange;
  range: TimeRange;
  /** Digests of the chunks in the range, the two at its edges replaced by those of the cut rows. */
  chunks: ChunkRecord[];
  /** The cut chunks at the edges, read already. */
  edges: Piece[];
}

/** `last` counts back from what is published: an end behind that is none. */
function publishedBounds(
  bounds: Question["bounds"],
  { publication_watermark }: Manifest,
): Question["bounds"] {
  const { end, last } = bounds;
  return last === null || end === null ? bounds : { ...bounds, end: Math.min(end, publication_watermark) };
}

/** Answers from the snapshot that the question selects. `ARTIFACT_MISSING` names what it does not cover. */
export async function pinnedAnswer(
  question: Question,
  parts: PinnedParts,
  context: RequestContext,
): Promise<Answer> {
  const startedMs = parts.clock.monotonicMs();
  const snapshot = await select(question, parts, context.signal);
  const { manifest } = snapshot;
  const grid: Grid = manifest.grid;
  // Without an end a pinned read goes to the watermark: a clock here would make the answer change with time.
  const requested = requestedRange(
    publishedBounds(question.bounds, manifest),
    manifest.publication_watermark,
    grid,
  );
  const range = effectiveRange(requested, grid, null);
  await parts.snapshots.requireCovered(manifest, range);
  const cut = await readEdges({ snapshot, grid, range }, parts, context.signal);
  const reading: Reading = { question, snapshot, grid, requested, range, ...cut };
  const metadata = await describe(reading, parts);
  refuseBreaches(question, metadata, parts.settings.partialOk);
  const timing = [{ name: "snapshot", ms: Math.round(parts.clock.monotonicMs() - startedMs) }];
  return {
    metadata,
    pinned: true,
    timing,
    slices: (o) => slicesOf(reading, parts, o),
    remainderDigest: (fromTs) => Promise.resolve(remainderOf(reading, fromTs)),
    isStill: isLasting({ metadata, timing }) ? () => true : undefined,
  };
}

/** What is published later changes no pinned answer; but a verdict that is logged, or a time that shows, is of one alone. */
function isLasting({ metadata, timing }: Pick<Answer, "metadata" | "timing">): boolean {
  return metadata.verdict.mode === "PASS" && timing.every(({ ms }) => ms === 0);
}

async function select(question: Question, parts: PinnedParts, signal?: AbortSignal): Promise<Snapshot> {
  const { nodeId, fingerprint, asOfMs } = question;
  if (fingerprint !== null) {
    const snapshot = await parts.snapshots.byFingerprint(nodeId, fingerprint, signal);
    if (question.domain === "live" || asOfMs === null || snapshot.asOfMs <= asOfMs) return snapshot;
    throw publishedLater(question, snapshot);
  }
  try {
    return await parts.snapshots.resolveAsOf(nodeId, asOfMs!);
  } catch (error) {
    if (!(error instanceof HistoryError) || error.code !== "SNAPSHOT_UNKNOWN") throw error;
    const { start, end } = question.bounds;
    throw new HistoryError(
      "ARTIFACT_MISSING",
      `Cannot serve backtest of ${nodeId}: nothing was published at ${formatAsOf(asOfMs!)}`,
      {
        hint: "List snapshots with `seamless snapshots`; publish with `seamless fill` or `seamless publish`",
        ranges: start === null || end === null ? [] : [[start, end]],
        cause: error,
      },
    );
  }
}

/** A backtest of an instant knows nothing that was published after it, by whatever name. */
function publishedLater({ nodeId, asOfMs }: Question, { manifest }: Snapshot): HistoryError {
  return new HistoryError(
    "SNAPSHOT_UNKNOWN",
    `Cannot read ${nodeId} as of ${
      formatAsOf(asOfMs!)
    }: ${manifest.dataset_fingerprint} was published at ${manifest.as_of}`,
    { hint: "Leave as_of out to read that snapshot, or fingerprint to read what there was then" },
  );
}

/**
 * Only chunks that the range cuts, and the outermost that deliver rows, are read for the metadata; all others are
 * known by their digests.
 */
async function readEdges(
  o: { snapshot: Snapshot; grid: Grid; range: TimeRange },
  parts: PinnedParts,
  signal?: AbortSignal,
): Promise<{ chunks: ChunkRecord[]; edges: Piece[] }> {
  const { snapshot: { manifest }, grid, range } = o;
  if (!(range[0] < range[1])) return { chunks: [], edges: [] };
  const read = async (k: number): Promise<Piece | null> => {
    for await (const chunk of parts.snapshots.readChunks(manifest, chunkRange(k, grid), signal)) {
      return pieceOf(chunk, range, { grid, compute: parts.compute });
    }
    return null;
  };
  const found: { record: ChunkRecord; piece: Piece | null }[] = [];
  for (const record of await parts.snapshots.chunkDigests(manifest, range)) {
    const [start, end] = chunkRange(record.k, grid);
    if (start >= range[0] && end <= range[1]) found.push({ record, piece: null });
    else {
      const piece = await read(record.k);
      if (piece !== null) {
        found.push({ record: { k: piece.k, rows: piece.rows, digest: piece.digest }, piece });
      }
    }
  }
  for (const outer of new Set([found[0], found.at(-1)])) {
    if (outer) outer.piece ??= await read(outer.record.k);
  }
  return {
    chunks: found.map(({ record }) => record),
    edges: found.flatMap(({ piece }) => piece === null ? [] : [piece]),
  };
}

async function describe(reading: Reading, parts: PinnedParts): Promise<Metadata> {
  const { question, snapshot, grid, requested, range, chunks, edges } = reading;
  const { manifest } = snapshot;
  const gaps = (await parts.snapshots.gaps(manifest, range)).map((gap): FoundGap => ({ ...gap, row: null }));
  const sums = sumGaps(gaps, range, grid);
  const ratios = ratiosOf(sums);
  const findings = await parts.snapshots.findings(manifest, range);
  const { flags, warnings } = flagsOf(findings, range, parts.settings.gapFlagging ? sums.missing : 0);
  const empty = range[0] === range[1];
  const rows = chunks.reduce((total, chunk) => total + chunk.rows, 0);
  const base = baseMetadata({ question, grid, requested, effective: range, pieces: [] });
  const claims = { nodeId: question.nodeId, grid, range };
  const verdict = judge({
    onViolation: question.sla.on_violation,
    allowPartial: true,
    openGaps: false,
    slaViolated: false,
    explainedRatio: ratios.explained,
    minCoverage: question.minCoverage,
    overdueSec: null,
    maxLagSec: null,
    asOfRegression: false,
    conformanceBlocked: parts.settings.blocking.some((flag) => (flags[flag] ?? 0) > 0),
  });
  const live = question.domain === "live";
  return {
    ...base,
    ...gapList(gaps, grid),
    rows,
    coverage_bounds: boundsFrom(edges, grid),
    coverage_ratio: ratios.coverage,
    explained_ratio: ratios.explained,
    conformance_flags: flags,
    conformance_warnings: [...warnings, ...question.warnings],
    dataset_fingerprint: manifest.dataset_fingerprint,
    fingerprint_scope: "snapshot",
    answer_fingerprint: empty ? null : fingerprintOf(chunks, claims, parts.compute),
    as_of: manifest.as_of,
    snapshot: {
      seq: snapshot.seq,
      manifest_uri: snapshot.manifestUri,
      manifest_sha256: snapshot.manifestSha256,
    },
    verdict,
    sla: live ? { phases: {}, violation: null } : null,
    sources: live ? { cache: 0, snapshot: rows, storage: 0, backfill: 0, live: 0 } : null,
    // A pinned read has a strong ETag and is kept for ever by caches: a clock in it would be wrong at once, in live too.
    staleness_seconds: null,
  };
}

/** The first and the last chunk of a range are always read, so the bounds of the bars are known from the edges. */
function boundsFrom(edges: Piece[], grid: Grid): TimeRange | null {
  if (edges.length === 0) return null;
  const { last } = boundsOf(edges[edges.length - 1]);
  return [boundsOf(edges[0]).first, slotStart(slotOf(last, grid) + 1, grid)];
}

async function* slicesOf(
  reading: Reading,
  parts: PinnedParts,
  o: { fromTs?: number; limit?: number; signal?: AbortSignal } = {},
) {
  const { snapshot: { manifest }, grid, range } = reading;
  const from = Math.max(range[0], o.fromTs ?? -Infinity);
  let left = o.limit ?? Infinity;
  if (!(from < range[1])) return;
  for await (const chunk of parts.snapshots.readChunks(manifest, [from, range[1]], o.signal)) {
    if (left <= 0) return;
    const piece = pieceOf(chunk, [from, range[1]], { grid, compute: parts.compute });
    const slice = piece === null || piece.rows <= left ? piece : cutSlice(piece, -Infinity, left);
    if (slice === null) continue;
    left -= slice.rows;
    yield slice;
  }
}

/** The snapshot never changes, so its name and the place stand for the rows from there on. */
function remainderOf({ snapshot }: Reading, fromTs: number): string {
  return `${snapshot.manifestSha256}@${fromTs}`;
}
