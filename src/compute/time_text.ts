/** Times written as text: RFC 3339, a space for the T, no zone (UTC), or a date alone (midnight UTC). */
import { type Grid, slotStart } from "../core/timeframe.ts";

const MONTHS: Grid = { unit: "month" };
const DAY_SEC = 86_400;
/** Upper case only, an offset with its colon, seconds always there: other notations are no times (surface.md §2). */
const TIME =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(Z|([+-])(\d{2}):(\d{2}))?)?$/;

/** An instant: whole seconds and milliseconds rounded down, and whether anything finer remains; its offset from UTC. */
export type TextTime = { sec: number; ms: number; finer: boolean; offsetSec: number };

/** The instant that a text names, or `null` when it names none: the 30th of February, hour 24 and second 60 do not exist. */
export function readTimeText(text: string): TextTime | null {
  const found = TIME.exec(text);
  if (found === null) return null;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map((part) => Number(part ?? 0));
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return null;
  const index = (year - 1970) * 12 + month - 1;
  const monthSec = slotStart(index, MONTHS);
  if (day > (slotStart(index + 1, MONTHS) - monthSec) / DAY_SEC) return null;
  const offsetSec = readOffset(found);
  if (offsetSec === null) return null;
  const fraction = found[7] ?? "";
  return {
    sec: monthSec + (day - 1) * DAY_SEC + hour * 3600 + minute * 60 + second - offsetSec,
    ms: Number(fraction.slice(0, 3).padEnd(3, "0")),
    finer: /[1-9]/.test(fraction.slice(3)),
    offsetSec,
  };
}

function readOffset(found: RegExpExecArray): number | null {
  if (found[9] === undefined) return 0;
  const hours = Number(found[10]);
  const minutes = Number(found[11]);
  if (hours > 23 || minutes > 59) return null;
  const size = hours * 3600 + minutes * 60;
  return found[9] === "-" && size !== 0 ? -size : size;
}
