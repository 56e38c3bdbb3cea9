/** Whether a reply of bars says what it seems to say. */

import type { CallContext } from "./call_context.ts";
import { fault } from "./fault.ts";

/**
 * Refuses rows of which none has a time, and "no rows" that the reply does not itself say: ccxt reads an object of
 * another shape as an empty page, and an empty page would count as an answer.
 */
export function checkRows(exchange: string, call: CallContext): void {
  const hasTime = call.rows.some(([ms]) => typeof ms === "number");
  if (call.rows.length > 0 ? hasTime : saysNothing(call.json)) return;
  const how = call.rows.length > 0 ? "rows without a time" : "no list of bars";
  throw fault("passing", `${exchange} answered ${call.what} with ${how} (${call.path})`, {
    status: call.status,
    hint: "Nothing is taken from such a reply; it is tried again",
  });
}

/** Whether an empty list, a null or a "no data" stands somewhere in the reply, errors aside. */
function saysNothing(value: unknown, depth = 0): boolean {
  if (value === null || value === "no_data") return true;
  if (typeof value !== "object" || depth > 4) return false;
  if (Array.isArray(value)) return value.length === 0;
  return Object.entries(value).some(([name, inner]) => !/^err/i.test(name) && saysNothing(inner, depth + 1));
}
