/**
 * The prices and the volume of many rows as those of one (spec §20): rows of volume zero set no price unless all are.
 * The kernel takes two rows at once; beside it stands its scalar form, which also says what NaN and infinities mean.
 *
 * `open` … `volume` are addresses of the first row's cells; trades pass one column as all four prices.
 */

/** The prices and the sum of the last call. */
export let foldOpen: f64 = 0;
export let foldHigh: f64 = 0;
export let foldLow: f64 = 0;
export let foldClose: f64 = 0;
export let foldVolume: f64 = 0;

/** Folds `rows` rows, at least one. `closeTraded`: rows of volume zero set no close either, as with trades. */
export function fold(
  open: usize, high: usize, low: usize, close: usize, volume: usize, rows: i32, closeTraded: bool,
): void {
  const zero = f64x2.splat(0);
  let best = f64x2.splat(-Infinity);
  let least = f64x2.splat(Infinity);
  let zeros = i64x2.splat(0);
  let sum: f64 = 0;
  let at: usize = 0;
  for (const end = <usize>(rows & ~1) << 3; at < end; at += 16) {
    const v = v128.load(volume + at);
    zeros = v128.or(zeros, f64x2.eq(v, zero));
    // pmax(a, b) is b where a < b, else a: NaN never enters.
    best = f64x2.pmax(best, v128.load(high + at));
    least = f64x2.pmin(least, v128.load(low + at));
    sum += f64x2.extract_lane(v, 0);
    sum += f64x2.extract_lane(v, 1);
  }
  let top = max2(f64x2.extract_lane(best, 0), f64x2.extract_lane(best, 1));
  let bottom = min2(f64x2.extract_lane(least, 0), f64x2.extract_lane(least, 1));
  let none = v128.any_true(zeros);
  if (rows & 1) {
    const v = load<f64>(volume + at);
    if (v == 0) none = true;
    top = max2(top, load<f64>(high + at));
    bottom = min2(bottom, load<f64>(low + at));
    sum += v;
  }
  // A row of volume zero, or a bound that no row may have set: the scalar form knows what to do.
  if (none || top == -Infinity || bottom == Infinity) {
    foldScalar(open, high, low, close, volume, rows, closeTraded);
    return;
  }
  foldOpen = load<f64>(open);
  foldHigh = top;
  foldLow = bottom;
  foldClose = load<f64>(close + (<usize>(rows - 1) << 3));
  foldVolume = sum;
}

@inline
function max2(a: f64, b: f64): f64 {
  return a < b ? b : a;
}

@inline
function min2(a: f64, b: f64): f64 {
  return b < a ? b : a;
}

/** `fold`, one row after the other. */
export function foldScalar(
  open: usize, high: usize, low: usize, close: usize, volume: usize, rows: i32, closeTraded: bool,
): void {
  const end = <usize>rows << 3;
  foldVolume = 0;
  let traded = false;
  for (let at: usize = 0; at < end; at += 8) {
    const v = load<f64>(volume + at);
    foldVolume += v;
    // A NaN volume differs from zero, and counts as traded.
    if (v != 0) traded = true;
  }
  foldOpen = foldHigh = foldLow = NaN;
  foldClose = load<f64>(close + end - 8);
  let first = true;
  for (let at: usize = 0; at < end; at += 8) {
    if (traded && load<f64>(volume + at) == 0) continue;
    if (first) foldOpen = load<f64>(open + at);
    first = false;
    // NaN is left out: it stays only while nothing else has come.
    const h = load<f64>(high + at);
    const l = load<f64>(low + at);
    if (h > foldHigh || foldHigh != foldHigh) foldHigh = h;
    if (l < foldLow || foldLow != foldLow) foldLow = l;
    if (closeTraded) foldClose = load<f64>(close + at);
  }
}
