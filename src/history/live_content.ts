/**
 * What an answer of domain live is made of: the rows and gaps of a node as it stands (spec §4, §6), before anything is
 * said of them. It follows from the question and the node's state, so that it can be made ready before it is needed.
 */

import { finalBorder } from "../backfill/absorb.ts";
import type { NodeSite } from "../backfill/backfiller.ts";
import { gapsOf, isUnderlaid, type NodeView, viewOf } from "../backfill/node_view.ts";
import type { Compute } from "../compute/mod.ts";
import { BAR_COLUMNS, type Bars, barsBetween, concatBars, emptyBars, makeBars } from "../core/bar_frame.ts";
import type { FoundGap } from "../core/gaps.ts";
import type { BarStore } from "../core/ports.ts";
import { barsOfChunks } from "../core/stored_chunk.ts";
import type { TimeRange } from "../core/time_range.ts";
import type { FallThrough } from "./fall_through.ts";
import type { Outages } from "./outages.ts";
import { fingerprintOf, type Piece, pieceOf, piecesOfBars } from "./pieces.ts";
import type { Question } from "./question.ts";
import { chunkAtState } from "./rows_of_state.ts";
import type { HistorySettings } from "./settings.ts";

export interface ContentParts {
  store: BarStore;
  compute: Compute;
  outages: Outages;
  /** Reads what the hot store dropped; null where nothing is published. */
  fallThrough: FallThrough | null;
  settings: HistorySettings;
}

/** All that decides what an answer is made of. */
export interface Circumstances {
  question: Question;
  site: NodeSite;
  effective: TimeRange;
  /** Venue time, epoch seconds. */
  now: number;
  /** The node is not stored, and this is why. */
  failure: string | null;
}

/** Never changed once it is made. */
export interface LiveContent {
  view: NodeView | null;
  gaps: FoundGap[];
  finalUntil: number;
  /** Rows before `finalUntil`, all final. */
  final: Piece[];
  /** Those and the rows from there on. */
  pieces: Piece[];
  answerFingerprint: string | null;
}

/** Reads what is there; changes nothing. */
export async function liveContent(moment: Circumstances, parts: ContentParts): Promise<LiveContent> {
  const { question, site, effective } = moment;
  const view = site.state === null ? null : viewOf(site.state, parts.compute);
  const gaps = await gapsNow(moment, view, parts);
  const finalUntil = finalUntilOf(moment, view, parts);
  const { final, tail } = await rowsOf({ moment, view, finalUntil }, parts);
  const claims = { nodeId: question.nodeId, grid: site.grid, range: [effective[0], finalUntil] as const };
  const answerFingerprint = effective[0] === effective[1]
    ? null
    : fingerprintOf(final, claims, parts.compute);
  return { view, gaps, finalUntil, final, pieces: [...final, ...tail], answerFingerprint };
}

/** Whether two circumstances make the same content: a state never changes, and another one is another object. */
export function makeTheSame(a: Circumstances, b: Circumstances): boolean {
  return a.site.state === b.site.state && a.now === b.now && a.failure === b.failure &&
    a.effective[0] === b.effective[0] && a.effective[1] === b.effective[1];
}

/** The reasons of all slots without a bar; a node that could not even be registered says why. */
async function gapsNow(
  moment: Circumstances,
  view: NodeView | null,
  parts: ContentParts,
): Promise<FoundGap[]> {
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
function finalUntilOf(moment: Circumstances, view: NodeView | null, parts: ContentParts): number {
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
  o: { moment: Circumstances; view: NodeView | null; finalUntil: number },
  parts: ContentParts,
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
