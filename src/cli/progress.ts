/**
 * One line of progress on a terminal's standard error: a bar, the rate, and when it will be done. Silent where
 * nobody looks (a pipe, `--quiet`, `TERM=dumb`), and safe in a terminal that says it has no width.
 */

import type { Surroundings } from "./surroundings.ts";
import { count, duration } from "./texts.ts";

/** Redrawn at most so often. */
const REDRAW_MS = 100;
/** Taken where a terminal does not know its width. */
const DEFAULT_COLUMNS = 80;
const BAR_COLUMNS = 24;

/** How far the work is. */
export interface ProgressState {
  label: string;
  /** Steps (windows) done, and of how many; null: not known. */
  done: number;
  total: number | null;
  /** Bars so far. */
  rows: number;
  /** Seconds to go, if the work itself knows. */
  etaSeconds: number | null;
}

const encoder = new TextEncoder();

/** The line of a state, cut to a terminal of `columns`. */
export function progressLine(state: ProgressState, o: { elapsedSec: number; columns: number }): string {
  const width = (o.columns > 0 ? o.columns : DEFAULT_COLUMNS) - 1;
  const share = state.total === null ? null : state.total === 0 ? 1 : Math.min(1, state.done / state.total);
  const facts = [
    ...(share === null ? [`${count(state.done)} windows`] : [`${Math.floor(share * 100)} %`]),
    `${count(state.rows)} bars`,
  ];
  if (o.elapsedSec >= 1) facts.push(`${count(state.rows / o.elapsedSec)}/s`);
  const eta = state.etaSeconds ?? etaOf(state, o.elapsedSec);
  if (eta !== null) facts.push(`ETA ${duration(eta)}`);
  const text = facts.join("  ");
  const bar = share === null
    ? ""
    : `[${"#".repeat(Math.floor(share * BAR_COLUMNS)).padEnd(BAR_COLUMNS, "-")}] `;
  const whole = `${state.label}  ${bar}${text}`;
  if (whole.length <= width) return whole;
  const short = `${bar}${text}`;
  return (short.length <= width ? short : text).slice(0, Math.max(0, width));
}

function etaOf({ done, total }: ProgressState, elapsedSec: number): number | null {
  if (total === null || done === 0 || done >= total || elapsedSec < 1) return null;
  return elapsedSec / done * (total - done);
}

/** Draws states over one another. Nothing is drawn when it is not `active`. */
export class Progress {
  readonly active: boolean;
  #startedMs: number;
  #drawnMs = -Infinity;
  #onScreen = false;

  /** Nothing is drawn once `signal` has fired. */
  constructor(readonly s: Surroundings, quiet: boolean, readonly signal?: AbortSignal) {
    this.active = s.stderr.isTerminal && !quiet && s.env.TERM !== "dumb";
    this.#startedMs = s.monotonicMs();
  }

  /** Shows the state, unless the last one is younger than the eye. */
  show(state: ProgressState): void {
    this.draw((o) => progressLine(state, o));
  }

  /** Shows a line of any kind, in the same way. */
  draw(line: (o: { elapsedSec: number; columns: number }) => string): void {
    const nowMs = this.s.monotonicMs();
    if (!this.active || this.signal?.aborted || nowMs - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = nowMs;
    this.#onScreen = true;
    const elapsedSec = (nowMs - this.#startedMs) / 1000;
    void this.#write(`\r\x1b[2K${line({ elapsedSec, columns: this.s.stderr.columns() })}`);
  }

  /** Takes the line away; resolves when something else can be printed, on whichever stream. */
  async clear(): Promise<void> {
    if (this.#onScreen) await this.#write("\r\x1b[2K");
    this.#onScreen = false;
  }

  /** A progress line that cannot be shown is no reason to stop the work. */
  #write(text: string): Promise<void> {
    return this.s.stderr.write(encoder.encode(text)).catch(() => {});
  }
}
