/**
 * Instants as people and programs write them: integer epoch seconds, or RFC 3339 text. One reading of them for HTTP,
 * the CLI, the library and configuration (spec §1).
 */

import { HistoryError } from "./errors.ts";
import { LOOKS_LIKE_MS } from "./limits.ts";

/** Date, then optionally a time to the minute, second or fraction, then optionally a zone; none means UTC. */
const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?$/;
const WRITE_IT = "Write whole epoch seconds (1679616000) or RFC 3339 (2023-03-24T00:00:00Z, 2023-03-24)";

/**
 * Reads one instant as whole epoch seconds. `name` says in errors what was read (`start`, `--end`). A date alone is
 * midnight UTC, a time without zone is UTC. Throws `HistoryError` `BAD_TIME` for fractions of a second, for what
 * looks like milliseconds, and for what is no time.
 */
export function parseSeconds(value: number | string, name: string): number {
  if (typeof value === "number") return checkSeconds(value, String(value), name);
  const text = textOf(value, name).trim();
  if (/^[+-]?\d+(\.\d*)?$/.test(text)) return checkSeconds(Number(text), text, name);
  const ms = readRfc3339(text, name);
  if (ms % 1000 !== 0) throw badTime(name, text, "has a fraction of a second", WRITE_IT);
  return ms / 1000;
}

/**
 * Whole epoch seconds as `parseSeconds` reads them back: as RFC 3339 where the number would look like milliseconds, in
 * the year 5138 and after. 9999-12-31 is what many mean by "no end".
 */
export function writeSeconds(seconds: number): number | string {
  return Math.abs(seconds) < LOOKS_LIKE_MS ? seconds : new Date(seconds * 1000).toISOString();
}

/**
 * Reads one `as_of`: RFC 3339 or whole epoch seconds, as epoch milliseconds; digits finer than that are cut off.
 * Errors as `parseSeconds`.
 */
export function parseAsOfMs(value: number | string, name = "as_of"): number {
  if (typeof value === "number" || /^\s*[+-]?\d+(\.\d*)?\s*$/.test(textOf(value, name))) {
    return parseSeconds(value, name) * 1000;
  }
  return Math.floor(readRfc3339(value.trim(), name));
}

/** An instant as `as_of` is written: RFC 3339 in UTC with three decimals and `Z`. */
export function formatAsOf(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

/** A program can hand over anything, a `Date` for one: what is neither number nor text is no time. */
function textOf(value: unknown, name: string): string {
  if (typeof value === "string") return value;
  throw badTime(name, String(value), "is no time", WRITE_IT);
}

function checkSeconds(seconds: number, text: string, name: string): number {
  if (!Number.isFinite(seconds)) throw badTime(name, text, "is no time", WRITE_IT);
  if (Math.abs(seconds) >= LOOKS_LIKE_MS) {
    throw badTime(name, text, "looks like milliseconds", `Give seconds: ${Math.floor(seconds / 1000)}`);
  }
  if (!Number.isInteger(seconds)) {
    throw badTime(name, text, "has a fraction of a second", `Give whole seconds: ${Math.floor(seconds)}`);
  }
  return seconds === 0 ? 0 : seconds;
}

/** Epoch milliseconds; digits finer than that, unless all zero, count as half a millisecond. */
function readRfc3339(text: string, name: string): number {
  const parts = RFC_3339.exec(text);
  if (parts === null) {
    // In a query string a bare "+" arrives as a space, which only ever happens to an offset.
    const hint = /:\d\d(\.\d+)? \d\d:\d\d$/.test(text) ? `Write the "+" of the offset as %2B` : WRITE_IT;
    throw badTime(name, text, "is no time", hint);
  }
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((digits) => Number(digits ?? 0));
  const midnight = new Date(0);
  midnight.setUTCFullYear(year, month - 1, day);
  const exists = midnight.getUTCMonth() === month - 1 && midnight.getUTCDate() === day && hour < 24 &&
    minute < 60 && second < 60;
  const offsetMin = offsetMinutes(parts[8]);
  if (!exists || offsetMin === null) {
    throw badTime(name, text, "is no time that a calendar has", WRITE_IT);
  }
  const digits = (parts[7] ?? "").padEnd(3, "0");
  const fractionMs = Number(digits.slice(0, 3)) + (/[1-9]/.test(digits.slice(3)) ? 0.5 : 0);
  return midnight.getTime() + ((hour * 60 + minute - offsetMin) * 60 + second) * 1000 + fractionMs;
}

function offsetMinutes(zone: string | undefined): number | null {
  if (zone === undefined || zone === "Z") return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(4, 6))];
  if (hours > 23 || minutes > 59) return null;
  return (zone[0] === "-" ? -1 : 1) * (hours * 60 + minutes);
}

function badTime(name: string, text: string, what: string, hint: string): HistoryError {
  return new HistoryError("BAD_TIME", `Cannot read ${name} "${text.slice(0, 64)}": it ${what}`, { hint });
}
