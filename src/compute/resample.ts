/** Bars from finer bars, and bars from trades (spec §20). */
import { BAR_COLUMNS, type Bars, type Trades } from "../core/bar_frame.ts";
import { checkGrid, type Grid, isMonthGrid } from "../core/timeframe.ts";
import type { Ranges } from "../core/time_range.ts";
import { checkBars, checkRanges, checkTrades } from "./arguments.ts";
import { copyColumns, readBars, strideOf } from "./columns.ts";
import { anchorOf, type Door, stepOf } from "./door.ts";
import { checkTradeOrder } from "./trade_order.ts";

const DAY_SEC = 86_400;

/** See `Compute.resample`. */
export function resample(
  door: Door,
  frame: Bars,
  o: { from: Grid; to: Grid; covered: Ranges },
): { frame: Bars; incomplete: Ranges } {
  checkBars(frame, "frame");
  checkGrid(o.from);
  checkGrid(o.to);
  checkRanges(o.covered, "covered");
  checkBorders(o.from, o.to);
  return door.scoped(() => {
    const rows = frame.ts.length;
    const stride = strideOf(rows);
    const pairs = o.covered.length / 2;
    const columns = copyColumns(door, BAR_COLUMNS.map((name) => frame[name]), stride);
    const covered = door.copyIn(o.covered);
    const out = door.alloc(stride * BAR_COLUMNS.length);
    const part = door.alloc(pairs * 32);
    const bars = door.wasm.resampleBars(
      columns,
      stride,
      rows,
      covered,
      pairs,
      stepOf(o.from),
      anchorOf(o.from),
      stepOf(o.to),
      anchorOf(o.to),
      out,
      stride,
      part,
    );
    door.checked(bars, "resample");
    return {
      frame: readBars(door, out, stride, bars),
      incomplete: door.f64(part, door.result(0) * 2).slice(),
    };
  });
}

/** See `Compute.barsFromTrades`. */
export function barsFromTrades(
  door: Door,
  trades: Trades,
  o: { grid: Grid; covered: Ranges },
): { frame: Bars; empty: Ranges; incomplete: Ranges } {
  checkTrades(trades, "trades");
  checkGrid(o.grid);
  checkRanges(o.covered, "covered");
  checkTradeOrder(trades);
  return door.scoped(() => {
    const rows = trades.ts_ms.length;
    const stride = strideOf(rows);
    const pairs = o.covered.length / 2;
    const columns = copyColumns(door, [trades.ts_ms, trades.price, trades.amount], stride);
    const covered = door.copyIn(o.covered);
    const out = door.alloc(stride * BAR_COLUMNS.length);
    const part = door.alloc(pairs * 32);
    const empty = door.alloc((pairs + rows) * 16);
    const bars = door.wasm.barsFromTrades(
      columns,
      stride,
      rows,
      covered,
      pairs,
      stepOf(o.grid),
      anchorOf(o.grid),
      out,
      stride,
      part,
      empty,
    );
    door.checked(bars, "build bars from trades");
    return {
      frame: readBars(door, out, stride, bars),
      empty: door.f64(empty, door.result(1) * 2).slice(),
      incomplete: door.f64(part, door.result(0) * 2).slice(),
    };
  });
}

/** Throws `RangeError` when a border of the target grid is none of the source's: its slots could not be made of whole ones. */
function checkBorders(from: Grid, to: Grid): void {
  if (isMonthGrid(from) && isMonthGrid(to)) return;
  const bad = () =>
    new RangeError("Cannot resample: a border of the target grid is no border of the source grid");
  if (isMonthGrid(from)) throw bad();
  // Months begin at midnight and their lengths differ by single days.
  const [step, anchor] = isMonthGrid(to) ? [DAY_SEC, 0] : [to.step, to.anchor ?? 0];
  if (step % from.step !== 0 || (anchor - (from.anchor ?? 0)) % from.step !== 0) throw bad();
}
