/** Bars as people look at them: a table of the first and last rows, and what the metadata says in a few lines. */

import { BAR_COLUMNS } from "../core/bar_frame.ts";
import type { Metadata } from "../core/metadata.ts";
import type { BarSlice } from "../core/service.ts";
import { decodeRows } from "../core/stored_chunk.ts";
import { count, counted, instant, percent, shellWord, table } from "./texts.ts";

/** Rows shown at each end. */
const EDGE_ROWS = 5;

/** Keeps the first and the last rows of slices as they pass by, and counts all. */
export class EdgeRows {
  #first: number[][] = [];
  #last: number[][] = [];
  rows = 0;

  /** Looks at one slice. */
  add(slice: BarSlice): void {
    const bars = decodeRows(slice.bytes);
    const rowAt = (i: number) => BAR_COLUMNS.map((name) => bars[name][i]);
    for (let i = 0; i < slice.rows && this.#first.length < EDGE_ROWS; i++) this.#first.push(rowAt(i));
    const from = Math.max(0, slice.rows - EDGE_ROWS, EDGE_ROWS - this.rows);
    for (let i = from; i < slice.rows; i++) this.#last.push(rowAt(i));
    this.#last = this.#last.slice(-EDGE_ROWS);
    this.rows += slice.rows;
  }

  /** The table: all rows when they are few, else both ends with what lies between them counted. */
  lines(): string[] {
    if (this.rows === 0) return ["no bars"];
    const hidden = this.rows - this.#first.length - this.#last.length;
    const cells = (row: number[]) => [instant(row[0]), ...row.slice(1).map(cell)];
    const shown = [...this.#first, ...this.#last].map(cells);
    const [header, ...body] = table([...BAR_COLUMNS], shown, [1, 2, 3, 4, 5]);
    if (hidden > 0) body.splice(this.#first.length, 0, `… ${counted(hidden, "more bar")} …`);
    return [header, ...body];
  }
}

function cell(value: number): string {
  return Number.isFinite(value) ? String(value) : "";
}

/** What an answer is, in a few lines. */
export function summaryLines(metadata: Metadata): string[] {
  const [start, end] = metadata.effective_range;
  return [
    `${metadata.node_id}  ${instant(start)} … ${instant(end)}`,
    `  ${counted(metadata.rows, "bar")}, coverage ${percent(metadata.coverage_ratio)}, ${
      metadata.complete ? "complete" : "NOT complete"
    }; ${gapsText(metadata)}`,
    ...flagsLine(metadata),
    ...fingerprintLines(metadata),
    ...verdictLine(metadata),
    ...metadata.conformance_warnings.map((warning) => `  warning: ${warning}`),
    ...adviceLines(metadata),
  ];
}

/** What to do about the slots that are still open, one line for each reason. */
function adviceLines({ node_id, complete, gaps }: Metadata): string[] {
  if (complete) return [];
  const node = shellWord(node_id);
  const reasons = new Set(gaps.filter((gap) => !gap.settled).map((gap) => gap.reason));
  const advice: string[] = [];
  if (reasons.has("fetch_failed")) {
    advice.push(`some fetches failed: seamless gaps ${node} --reason fetch_failed says why; then try again`);
  }
  if (reasons.has("pending")) advice.push("some slots were not asked yet, or are too young: try again");
  if (reasons.has("quarantined")) {
    advice.push(`some replies were refused: seamless fill ${node} --refetch asks again`);
  }
  return advice.map((line) => `  → ${line}`);
}

function gapsText({ gaps, gaps_total: total }: Metadata): string {
  if (total === 0) return "no gaps";
  const bars = new Map<string, number>();
  for (const gap of gaps) bars.set(gap.reason, (bars.get(gap.reason) ?? 0) + gap.bars);
  const reasons = [...bars].map(([reason, missing]) => `${count(missing)} × ${reason}`).join(", ");
  return `${counted(total, "gap")}: ${reasons}${total > gaps.length ? ", …" : ""}`;
}

function flagsLine({ conformance_flags: flags }: Metadata): string[] {
  const others = Object.entries(flags).filter(([name]) => name !== "gap");
  return others.length === 0
    ? []
    : [`  flags: ${others.map(([name, n]) => `${name} ${count(n)}`).join(", ")}`];
}

function fingerprintLines(metadata: Metadata): string[] {
  const snapshot = metadata.snapshot === null
    ? ""
    : `, snapshot ${metadata.snapshot.seq} as of ${metadata.as_of}`;
  const dataset = metadata.dataset_fingerprint === null
    ? []
    : [`  dataset ${metadata.dataset_fingerprint} (${metadata.fingerprint_scope}${snapshot})`];
  const answer = metadata.answer_fingerprint === null || metadata.fingerprint_scope === "answer"
    ? []
    : [`  answer  ${metadata.answer_fingerprint}`];
  return [...dataset, ...answer];
}

function verdictLine({ verdict, retry_after: retryAfter }: Metadata): string[] {
  const again = retryAfter === null ? "" : `; more in ${retryAfter} s`;
  if (verdict.mode === "PASS") return again === "" ? [] : [`  PASS${again}`];
  return [`  ${verdict.mode}: ${verdict.reasons.join(", ")}${again}`];
}
