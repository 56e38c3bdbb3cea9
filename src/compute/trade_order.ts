/** Whether trades are sorted as a frame of trades is: by `ts_ms`, then by id. */
import type { Trades } from "../core/bar_frame.ts";
import { TIME_LIMIT_SEC } from "../core/limits.ts";
import { compareIds } from "./ids.ts";

/** The last trade that came before, for rows that go on from it. */
export type TradeMark = { ts_ms: number; id: string };

/** Throws `RangeError` unless the trades ascend, and come after `after`. */
export function checkTradeOrder(trades: Trades, after?: TradeMark): void {
  let before = after?.ts_ms ?? -Infinity;
  let beforeId = after?.id ?? "";
  for (let i = 0; i < trades.ts_ms.length; i++) {
    const t = trades.ts_ms[i];
    if (!Number.isInteger(t) || Math.abs(t) >= TIME_LIMIT_SEC * 1000) {
      throw new RangeError(`Time ${t} of trade ${i} is no whole millisecond below 2^43 s`);
    }
    if (t < before || (t === before && compareIds(trades.id[i], beforeId) <= 0)) {
      throw new RangeError(`Trades do not ascend at row ${i}: ${t}, id ${trades.id[i]}`);
    }
    before = t;
    beforeId = trades.id[i];
  }
}
