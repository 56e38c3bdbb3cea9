/**
 * What a publication would change: the publisher's claims put over the head's. Only chunks that both have and that
 * differ are read.
 */

import type { Compute } from "../compute/types.ts";
import { BoundedMap } from "../core/bounded_map.ts";
import { throwIfCancelled } from "../core/errors.ts";
import type { ChunkRecord, FindingRecord, GapRecord, Manifest, ManifestLists } from "../core/manifest.ts";
import type { Operation } from "../core/manifest.ts";
import { sameList } from "../core/manifest_pages.ts";
import type { StoredChunk } from "../core/ports.ts";
import { gapsOutside, joinGaps, mergeFindings, rangesOfGaps, slotsWithin } from "../core/snapshot_merge.ts";
import { chunkRange, decodeRows, encodeRows, mergeRows } from "../core/stored_chunk.ts";
import type { Grid } from "../core/timeframe.ts";
import { toPairs, toRanges } from "../core/time_range.ts";
import type { Ranges, TimeRange } from "../core/time_range.ts";
import { OurChunks } from "./publication.ts";
import type { Publication } from "./publication.ts";
import type { Snapshots } from "./snapshots.ts";

/** Blended chunks kept between planning and writing. */
const BLENDED_BYTES = 8 * 1024 * 1024;

/** Where the rows of a chunk of the new snapshot come from. */
export type ChunkOrigin = "head" | "ours" | "both";

/** One chunk of the new snapshot. */
export interface PlannedChunk extends ChunkRecord {
  origin: ChunkOrigin;
}

/** Everything that the new snapshot would say, and how it differs from the head. */
export interface PublicationPlan {
  range: TimeRange;
  rows: number;
  chunks: PlannedChunk[];
  /** Chunks whose rows the head's segments do not hold. */
  changed: Set<number>;
  lists: ManifestLists;
  fingerprint: string;
  /** Null: the head says all of this already. */
  operation: Operation | null;
}

/** The head as a planner needs it. */
export interface PublishedHead {
  manifest: Manifest;
  lists: ManifestLists;
}

type PlanCompute = Pick<
  Compute,
  "chunksOf" | "fingerprintOfChunks" | "mergeRanges" | "subtractRanges"
>;

/** Plans one publication on one head. Claims that contradict each other are a bug of the caller and throw. */
export class PublicationPlanner {
  readonly #publication: Publication;
  readonly #snapshots: Snapshots;
  readonly #compute: PlanCompute;
  readonly #grid: Grid;
  readonly #ourGaps: GapRecord[];
  readonly #blended = new BoundedMap<string, StoredChunk>(BLENDED_BYTES);
  #ours: Promise<OurChunks> | null = null;

  constructor(publication: Publication, snapshots: Snapshots, compute: PlanCompute) {
    this.#publication = publication;
    this.#snapshots = snapshots;
    this.#compute = compute;
    this.#grid = publication.state.node.grid;
    this.#ourGaps = joinGaps(publication.gaps, [], this.#grid);
  }

  /** The publisher's own chunks. */
  ours(): Promise<OurChunks> {
    if (this.#ours === null) {
      const { covered } = this.#publication;
      const bars = this.#compute.subtractRanges(covered, rangesOfGaps(this.#ourGaps), this.#grid);
      this.#ours = OurChunks.open(this.#publication, bars, this.#compute);
    }
    return this.#ours;
  }

  async plan(head: PublishedHead | null): Promise<PublicationPlan> {
    const { state: { node }, conformanceVersion } = this.#publication;
    const coverage = this.#coverage(head);
    const range: TimeRange = [coverage.covered[0], coverage.covered[coverage.covered.length - 1]];
    const { chunks, changed, revised } = await this.#chunks(head);
    const records = chunks.map(({ k, rows, digest }) => ({ k, rows, digest }));
    const rows = records.reduce((sum, chunk) => sum + chunk.rows, 0);
    this.#checkClaims(rows, coverage);
    const fingerprint = this.#compute.fingerprintOfChunks(
      records.map((record) => ({ ...record, leaves: [] })),
      { nodeId: node.nodeId, grid: this.#grid, range, conformanceVersion },
    );
    const lists: ManifestLists = {
      chunks: records,
      covered: toPairs(coverage.covered),
      gaps: coverage.gaps,
      findings: this.#findings(head, range),
    };
    const operation = operationOf(head, { lists, fingerprint, changed, revised });
    return { range, rows, chunks, changed, lists, fingerprint, operation };
  }

  /** A chunk that both have, blended; the publisher's rows stay where both have one. `revised`: values changed. */
  async blend(head: PublishedHead, k: number): Promise<{ chunk: StoredChunk | null; revised: boolean }> {
    const theirs = await this.#headChunk(head, k);
    const mine = await (await this.ours()).read(k);
    const { rows, inserted, changed } = mergeRows(decodeRows(theirs.bytes), decodeRows(mine.bytes));
    if (inserted === 0 && changed.length === 0) return { chunk: null, revised: false };
    const [record] = this.#compute.chunksOf(rows, this.#grid);
    const chunk = record.digest === mine.digest ? mine : { ...record, bytes: encodeRows(rows) };
    this.#blended.set(chunk.digest, chunk, chunk.bytes.length);
    return { chunk, revised: changed.length > 0 };
  }

  /** A chunk that was planned as `both`. Its digest differs from the plan's when the store moved on. */
  async blended(head: PublishedHead, planned: PlannedChunk): Promise<StoredChunk | null> {
    return this.#blended.get(planned.digest) ?? (await this.blend(head, planned.k)).chunk;
  }

  async #chunks(head: PublishedHead | null) {
    const theirs = new Map((head?.lists.chunks ?? []).map((record) => [record.k, record]));
    const ours = new Map((await this.ours()).records().map((record) => [record.k, record]));
    const chunks: PlannedChunk[] = [];
    const changed = new Set<number>();
    let revised = false;
    for (const k of [...new Set([...theirs.keys(), ...ours.keys()])].sort((a, b) => a - b)) {
      throwIfCancelled(this.#publication.signal, `Publishing ${this.#publication.state.node.nodeId}`);
      const [before, mine] = [theirs.get(k), ours.get(k)];
      if (before === undefined) chunks.push({ ...mine!, origin: "ours" });
      else if (mine === undefined || mine.digest === before.digest) {
        chunks.push({ ...before, origin: "head" });
      } else {
        const blend = await this.blend(head!, k);
        revised ||= blend.revised;
        chunks.push(plannedOf(blend.chunk, { before, mine }));
      }
      if (chunks[chunks.length - 1].origin !== "head") changed.add(k);
    }
    return { chunks, changed, revised };
  }

  async #headChunk(head: PublishedHead, k: number): Promise<StoredChunk> {
    const range = chunkRange(k, this.#grid);
    for await (const chunk of this.#snapshots.readChunks(head.manifest, range, this.#publication.signal)) {
      return chunk;
    }
    throw new Error(`unreachable: the head lists chunk ${k}`);
  }

  #coverage(head: PublishedHead | null): { covered: Ranges; gaps: GapRecord[] } {
    const { covered } = this.#publication;
    if (head === null) {
      return { covered: this.#compute.mergeRanges(covered, this.#grid), gaps: this.#ourGaps };
    }
    const theirs = toRanges(head.lists.covered);
    const theirBars = this.#compute.subtractRanges(theirs, rangesOfGaps(head.lists.gaps), this.#grid);
    return {
      covered: this.#compute.mergeRanges(concat(theirs, covered), this.#grid),
      // A bar that the head has stays a bar, though the venue no longer sends it.
      gaps: joinGaps(
        gapsOutside(this.#ourGaps, theirBars, this.#grid),
        gapsOutside(head.lists.gaps, covered, this.#grid),
        this.#grid,
      ),
    };
  }

  #findings(head: PublishedHead | null, [start, end]: TimeRange): FindingRecord[] {
    const { findings, covered } = this.#publication;
    return mergeFindings({
      head: head?.lists.findings ?? [],
      ours: findings.filter(({ ts }) => ts >= start && ts < end),
      oursCovered: covered,
    });
  }

  /** Each covered slot has a bar or a gap: whoever reads the manifest may count on it. */
  #checkClaims(rows: number, { covered, gaps }: { covered: Ranges; gaps: GapRecord[] }): void {
    const slots = slotsWithin(covered, [covered[0], covered[covered.length - 1]], this.#grid);
    const inGaps = gaps.reduce((sum, gap) => sum + gap.bars, 0);
    if (rows + inGaps === slots) return;
    throw new Error(
      `Cannot publish ${this.#publication.state.node.nodeId}: of ${slots} covered slots ` +
        `${rows} have bars and ${inGaps} are gaps`,
    );
  }
}

function plannedOf(
  chunk: StoredChunk | null,
  { before, mine }: { before: ChunkRecord; mine: ChunkRecord },
): PlannedChunk {
  if (chunk === null) return { ...before, origin: "head" };
  const { k, rows, digest } = chunk;
  return { k, rows, digest, origin: digest === mine.digest ? "ours" : "both" };
}

function operationOf(
  head: PublishedHead | null,
  plan: { lists: ManifestLists; fingerprint: string; changed: ReadonlySet<number>; revised: boolean },
): Operation | null {
  if (head === null) return "publish";
  if (plan.revised) return "revise";
  if (plan.changed.size > 0) return "publish";
  const same = head.manifest.dataset_fingerprint === plan.fingerprint &&
    sameList("covered", head.lists.covered, plan.lists.covered) &&
    sameList("gaps", head.lists.gaps, plan.lists.gaps);
  if (same) return null;
  return sameList("covered", head.lists.covered, plan.lists.covered) &&
      sameList("gaps", head.lists.gaps, plan.lists.gaps)
    ? "publish"
    : "coverage";
}

function concat(a: Ranges, b: Ranges): Ranges {
  const both = new Float64Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
