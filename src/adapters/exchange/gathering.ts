/** Gathers what the pages of one question bring into one reply. */

import { createHash, type Hash } from "node:crypto";
import type { AbsentSpan, BarsReply } from "../../core/ports.ts";
import type { TimeRange } from "../../core/time_range.ts";
import type { CallContext } from "./call_context.ts";

/** A reply in the making. */
export class Gathering {
  readonly #columns: BarsReply["columns"] = { ts: [], open: [], high: [], low: [], close: [], volume: [] };
  readonly #observedAt: number[] = [];
  readonly #answered: TimeRange[] = [];
  readonly #absent: AbsentSpan[] = [];
  readonly #bodies: Uint8Array[] = [];
  readonly #hash: Hash = createHash("sha256");
  #askedAt: number;
  #calls = 0;
  #bytes = 0;
  #future = 0;

  /** `venueNowSec` stands for the time of asking until a call is made. */
  constructor(venueNowSec: number) {
    this.#askedAt = venueNowSec;
  }

  /** Counts a call, whether or not its rows are delivered. `sentAt`: venue time, epoch seconds. */
  note(call: CallContext, sentAt: number): void {
    if (this.#calls === 0) this.#askedAt = sentAt;
    this.#calls += call.requests;
    for (const body of call.bodies) {
      this.#hash.update(body);
      this.#bodies.push(body);
      this.#bytes += body.length;
    }
  }

  /** Delivers the rows at the given indices; times become seconds. */
  deliver(call: CallContext, { kept, sentAt }: { kept: readonly number[]; sentAt: number }): void {
    const { ts, open, high, low, close, volume } = this.#columns;
    for (const index of kept) {
      const row = call.rows[index];
      const ms = row[0];
      ts.push(typeof ms === "number" ? ms / 1000 : null);
      open.push(row[1] ?? null);
      high.push(row[2] ?? null);
      low.push(row[3] ?? null);
      close.push(row[4] ?? null);
      volume.push(row[5] ?? null);
      this.#observedAt.push(sentAt);
    }
  }

  answered(range: TimeRange): void {
    if (range[0] < range[1]) this.#answered.push(range);
  }

  /** Slots that can have no bar are answered as well. */
  absent(range: TimeRange, reason: AbsentSpan["reason"]): void {
    if (!(range[0] < range[1])) return;
    const last = this.#absent.at(-1);
    if (last !== undefined && last.end === range[0] && last.reason === reason) last.end = range[1];
    else this.#absent.push({ start: range[0], end: range[1], reason });
    this.#answered.push(range);
  }

  dropFuture(rows: number): void {
    this.#future += rows;
  }

  reply(): BarsReply {
    return {
      columns: this.#columns,
      observedAt: this.#observedAt,
      answered: joined(this.#answered),
      absent: this.#absent.sort((a, b) => a.start - b.start),
      askedAt: this.#askedAt,
      calls: this.#calls,
      bytes: this.#bytes,
      replySha256: this.#hash.digest("hex"),
      rawBodies: this.#bodies,
      warnings: this.#future === 0 ? [] : [`${this.#future} rows after the forming bar were dropped`],
    };
  }
}

/** Sorted, adjacent ranges made one. */
function joined(ranges: readonly TimeRange[]): TimeRange[] {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  const out: [number, number][] = [];
  for (const [start, end] of sorted) {
    const last = out.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else out.push([start, end]);
  }
  return out;
}
