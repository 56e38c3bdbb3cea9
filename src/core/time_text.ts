/** Times at the edges (spec §1): integers of seconds or RFC 3339 in; `as_of` with exactly three decimals out. */

import { HistoryError } from "./errors.ts";
import { LOOKS_LIKE_MS } from "./limits.ts";

const INTEGER = /^-?\d{1,17}$/;
const RFC3339 =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})?)?$/;

/**
 * Epoch seconds of a time written as an integer of seconds or as RFC 3339 (without zone: UTC; a date alone: its
 * midnight). `HistoryError` `BAD_TIME` for anything else, for fractions of a second, and for what looks like milliseconds.
 */
export function parseTime(value: number | string, name: string): number {
  if (typeof value === "number") return wholeSeconds(value, name);
  if (typeof value !== "string") throw badTime(name, String(value), "it is neither a number nor a text");
  if (INTEGER.test(value)) return wholeSeconds(Number(value), name);
  const ms = instantOf(value);
  if (ms === null) throw badTime(name, value, "it is no integer of seconds and no RFC 3339 time");
  if (ms % 1000 !== 0) throw badTime(name, value, "it has a fraction of a second");
  return ms / 1000;
}

/** Epoch milliseconds of an `as_of`: RFC 3339, or an integer of seconds. Finer fractions are cut. Errors as `parseTime`. */
export function parseAsOf(value: number | string, name = "as_of"): number {
  if (typeof value === "number" || (typeof value === "string" && INTEGER.test(value))) {
    return parseTime(value, name) * 1000;
  }
  const ms = typeof value === "string" ? instantOf(value) : null;
  if (ms === null) throw badTime(name, String(value), "it is no RFC 3339 time");
  return Math.floor(ms);
}

/** RFC 3339 in UTC with exactly three decimals and `Z`: `2026-01-01T00:00:00.000Z`. */
export function formatAsOf(ms: number): string {
  return new Date(ms).toISOString();
}

/** The date of an epoch second, `YYYY-MM-DD` in UTC. */
export function formatDate(sec: number): string {
  return new Date(sec * 1000).toISOString().replace(/T.*$/, "");
}

/** Epoch milliseconds (fractional where the text is finer) of an RFC 3339 text; null when it is none. */
function instantOf(text: string): number | null {
  const match = RFC3339.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour = "00", minute = "00", second = "00", fraction = "", zone = "Z"] = match;
  const midnight = Date.UTC(2000, Number(month) - 1, Number(day));
  const date = new Date(midnight);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return null;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  const offset = offsetMinutes(zone);
  if (offset === null) return null;
  const whole = date.getTime() + Number(hour) * 3_600_000 + Number(minute) * 60_000 + Number(second) * 1000;
  return whole - offset * 60_000 + (fraction === "" ? 0 : Number(`0.${fraction}`) * 1000);
}

function offsetMinutes(zone: string): number | null {
  if (zone === "Z") return 0;
  const [hours, minutes] = zone.slice(1).split(":").map(Number);
  if (hours > 23 || minutes > 59) return null;
  return (zone[0] === "-" ? -1 : 1) * (hours * 60 + minutes);
}

function wholeSeconds(value: number, name: string): number {
  if (Number.isInteger(value) && Math.abs(value) >= LOOKS_LIKE_MS) {
    throw badTime(
      name,
      String(value),
      "it looks like milliseconds",
      "Divide by 1000: times are epoch seconds",
    );
  }
  if (!Number.isInteger(value)) throw badTime(name, String(value), "it is no whole number of seconds");
  return value === 0 ? 0 : value;
}

function badTime(name: string, value: string, why: string, hint?: string): HistoryError {
  return new HistoryError("BAD_TIME", `Cannot read ${name} ${JSON.stringify(value.slice(0, 60))}: ${why}`, {
    hint: hint ?? "Give epoch seconds as an integer, or RFC 3339 such as 2024-01-31T00:00:00Z or 2024-01-31",
  });
}
