/** What a bench measured, beside what it is held to and beside its yardstick. */

/** Something else that does the same work, measured in the same run. */
export interface Yardstick {
  name: string;
  value: number;
}

/** One measured number. */
export interface Figure {
  name: string;
  value: number;
  unit: "ms" | "s" | "KB" | "MB" | "requests/s" | "in flight" | "× as fast" | "× its time";
  /** What it is held to: at most so much, or at least. */
  most?: number;
  least?: number;
  beside?: Yardstick[];
}

/** A bench: a name, and a run that measures. What it cannot measure on this machine it says and leaves out. */
export interface Bench {
  name: string;
  what: string;
  /** Given up after so long, seconds. */
  limitSec: number;
  run(say: (line: string) => void): Promise<Figure[]>;
}

/** Whether the figure is what it is held to. */
export function isKept({ value, most = Infinity, least = -Infinity }: Figure): boolean {
  return value <= most && value >= least;
}

/** A figure as lines of text. */
export function textOf(figure: Figure): string[] {
  const { name, value, unit, most, least, beside = [] } = figure;
  const bound = most !== undefined ? `≤ ${most}` : least !== undefined ? `≥ ${least}` : null;
  const held = bound === null ? "" : `   held to ${bound} ${unit}: ${isKept(figure) ? "kept" : "MISSED"}`;
  const lines = [`  ${name}: ${shown(value)} ${unit}${held}`];
  for (const yardstick of beside) {
    lines.push(
      `      beside ${yardstick.name}: ${shown(yardstick.value)} ${unit} (ours is ${
        shown(value / yardstick.value)
      } of it)`,
    );
  }
  return lines;
}

function shown(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** The middle one of several measurements. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
