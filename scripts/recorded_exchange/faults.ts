/**
 * How the recorded exchange can be told to misbehave. A fault is data: what it does, and which calls it
 * strikes. Chance comes from a seed, so a run can be had again.
 */

import { mix } from "./generator.ts";
import type { Row, RowField } from "./row.ts";
import { isInside, type Span } from "./span.ts";
import type { Endpoint, VenueId } from "./venue_id.ts";

/** Which calls a fault strikes: all conditions given must hold. Nothing given: every call it can apply to. */
export interface FaultMatch {
  venue?: VenueId;
  endpoint?: Endpoint;
  /** A part of the path, or a pattern for it. */
  path?: string | RegExp;
  /** Query parameters by name: equal to the text or number, or matching the pattern. */
  params?: Record<string, string | number | RegExp>;
  /** The venue's clock is in this span. */
  between?: Span;
  /** Anything else. */
  when?: (call: FaultCall) => boolean;
  /** Of the calls that fit, only this one (1 is the first) … */
  nth?: number;
  /** … or every so-manieth … */
  every?: number;
  /** … or the first so many … */
  first?: number;
  /** … or each with this chance, 0 to 1. */
  probability?: number;
}

/** What happens on the wire. At most one strikes a call, the first that fits; `latency` comes on top. */
export type WireFault =
  /** The answer comes late, by the real clock; keep it small. */
  | { kind: "latency"; ms: number }
  /** Nothing more comes after the headers, or after half the body, until the client hangs up. */
  | { kind: "stall"; after: "nothing" | "headers" | "half" }
  /** The connection breaks inside the body. */
  | { kind: "reset"; atShare?: number }
  /** The body ends too soon, but the HTTP message is whole. */
  | { kind: "cut_body"; atShare?: number }
  | { kind: "empty_body"; status?: number }
  /** An HTML page, as proxies send it. Default status 200. */
  | { kind: "html"; status?: number }
  /** A status with the venue's own kind of error body. */
  | {
    kind: "status";
    status: number;
    retryAfterSec?: number;
    body?: string;
    headers?: Record<string, string>;
  }
  /** From this call on the venue answers 418 (or what it has for a ban) until the time is over. */
  | { kind: "ban"; forMs: number };

/** What happens to the question before the venue looks it up. */
export type AskFault =
  /** The newest bars whatever was asked. */
  | { kind: "ignore_since" }
  /** The venue knows only its newest so many bars. */
  | { kind: "last_only"; bars: number }
  /**
   * Never more than so many rows a reply, counted from the end that the venue's own limit counts from: OKX and
   * Kraken, and Bitfinex without `sort=1`, keep the newest of the range.
   */
  | { kind: "short_page"; rows: number }
  /** The page reaches so many bars over its start or its end; 1 doubles the bar at every seam. */
  | { kind: "overlap"; bars: number; side?: "start" | "end" };

/** What happens to the rows of a reply. */
export type RowFault =
  | { kind: "empty_page" }
  | { kind: "newest_first" }
  | { kind: "shuffled" }
  /** The newest bar of the page has the values it had when it was not over yet. */
  | { kind: "cut_last_bar" }
  /** Rows that come twice in one page; `conflicting` gives the copies partial values. */
  | { kind: "doubled_rows"; where: "first" | "last" | "all"; conflicting?: boolean }
  | { kind: "null_fields"; fields: readonly RowField[]; everyNth?: number }
  /** Rows moved off the grid, or (`add`) off-grid rows beside the true ones. */
  | { kind: "off_grid"; shiftMs: number; everyNth?: number; add?: boolean }
  /** Rows that open after the venue's own now. */
  | { kind: "future_rows"; count: number }
  /** Anything else. */
  | { kind: "rows"; change: (rows: Row[]) => Row[] };

/** What happens to the venue's history. `span` bounds the opens concerned (default: all). */
export type HistoryFault =
  /** Bars that appear only so long after their close. */
  | { kind: "late_bars"; afterCloseMs: number; span?: Span }
  /** From `fromMs` on, the venue says that prices were `priceFactor` and volumes `volumeFactor` times as high. */
  | { kind: "restated"; fromMs: number; span?: Span; priceFactor?: number; volumeFactor?: number }
  /** From `fromMs` on, the venue no longer has the bars. */
  | { kind: "withdrawn"; fromMs: number; span?: Span }
  /** The venue leaves the bar that is still forming out. */
  | { kind: "no_forming_bar" };

/** A fault: what, on which calls, and a name for the record. */
export type Fault = (WireFault | AskFault | RowFault | HistoryFault) & { name?: string; match?: FaultMatch };

/** What a match can look at. */
export interface FaultCall {
  venue: VenueId;
  endpoint: Endpoint;
  path: string;
  params: URLSearchParams;
  atMs: number;
}

const WIRE: ReadonlySet<string> = new Set([
  "latency",
  "stall",
  "reset",
  "cut_body",
  "empty_body",
  "html",
  "status",
  "ban",
]);
const ASK: ReadonlySet<string> = new Set(["ignore_since", "last_only", "short_page", "overlap"]);
const HISTORY: ReadonlySet<string> = new Set(["late_bars", "restated", "withdrawn", "no_forming_bar"]);

/** The faults that strike one call, sorted by where they act. */
export interface Struck {
  wire: WireFault[];
  ask: AskFault[];
  rows: RowFault[];
  history: HistoryFault[];
  /** Their names, or kinds, for the record of calls. */
  names: string[];
}

/** Nothing strikes; shared, never changed. */
const UNHARMED: Struck = { wire: [], ask: [], rows: [], history: [], names: [] };

/** The faults in force, with their counts. */
export class FaultBox {
  #faults: { fault: Fault; fitting: number; salt: number }[] = [];
  #nextSalt = 1;
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Puts a fault in force; the function returned lifts it again. */
  inject(fault: Fault): () => void {
    const held = { fault, fitting: 0, salt: this.#nextSalt++ };
    this.#faults.push(held);
    return () => {
      this.#faults = this.#faults.filter((other) => other !== held);
    };
  }

  clear(): void {
    this.#faults = [];
  }

  /** Draws what strikes this call; counts it for `nth`, `every`, `first` and chance. */
  draw(call: FaultCall): Struck {
    if (this.#faults.length === 0) return UNHARMED;
    const struck: Struck = { wire: [], ask: [], rows: [], history: [], names: [] };
    for (const held of this.#faults) {
      if (!fits(held.fault, call)) continue;
      held.fitting++;
      if (!this.#isDrawn(held)) continue;
      sortInto(struck, held.fault);
    }
    return struck;
  }

  #isDrawn({ fault, fitting, salt }: { fault: Fault; fitting: number; salt: number }): boolean {
    const { nth, every, first, probability } = fault.match ?? {};
    if (nth !== undefined && fitting !== nth) return false;
    if (every !== undefined && fitting % every !== 0) return false;
    if (first !== undefined && fitting > first) return false;
    if (probability === undefined) return true;
    return mix(this.#seed + salt, fitting) < probability * 4_294_967_296;
  }
}

function fits(fault: Fault, call: FaultCall): boolean {
  const match = fault.match ?? {};
  const endpoint = match.endpoint ?? (WIRE.has(fault.kind) ? undefined : "bars");
  if (endpoint !== undefined && call.endpoint !== endpoint) return false;
  if (match.venue !== undefined && call.venue !== match.venue) return false;
  if (match.path !== undefined && !textFits(call.path, match.path)) return false;
  if (match.between !== undefined && !isInside(call.atMs, match.between)) return false;
  for (const [name, wanted] of Object.entries(match.params ?? {})) {
    const given = call.params.get(name);
    if (given === null) return false;
    if (wanted instanceof RegExp ? !wanted.test(given) : String(wanted) !== given) return false;
  }
  return match.when === undefined || match.when(call);
}

function textFits(text: string, wanted: string | RegExp): boolean {
  return typeof wanted === "string" ? text.includes(wanted) : wanted.test(text);
}

function sortInto(struck: Struck, fault: Fault): void {
  struck.names.push(fault.name ?? fault.kind);
  if (WIRE.has(fault.kind)) struck.wire.push(fault as WireFault);
  else if (ASK.has(fault.kind)) struck.ask.push(fault as AskFault);
  else if (HISTORY.has(fault.kind)) struck.history.push(fault as HistoryFault);
  else struck.rows.push(fault as RowFault);
}
