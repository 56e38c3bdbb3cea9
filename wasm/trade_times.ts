/** Whether times are those of trades: whole milliseconds that never descend. The kernel takes four at once. */
import { BAD_TIME, UNSORTED } from "./frame";
import { TIME_LIMIT } from "./grid";

const TIME_LIMIT_MS: f64 = TIME_LIMIT * 1000;

/**
 * Checks `count` milliseconds at `at`, which come after `before`, and writes to `ties` (u32, room for all) the rows whose
 * time is that of the row before: there ids decide. Answers how many those are, or a status.
 */
export function checkTradeTimes(at: usize, count: i32, before: f64, ties: usize): i32 {
  const limit = f64x2.splat(TIME_LIMIT_MS);
  const first = at;
  const end = at + (<usize>count << 3);
  let tied = 0;
  if (count > 0) {
    tied = checkTradeTimesScalar(at, 1, before, ties);
    if (tied < 0) return tied;
    at += 8;
  }
  for (; at + 32 <= end; at += 32) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const rising = v128.and(f64x2.gt(a, v128.load(at - 8)), f64x2.gt(b, v128.load(at + 8)));
    const whole = v128.and(f64x2.eq(f64x2.floor(a), a), f64x2.eq(f64x2.floor(b), b));
    const small = v128.and(f64x2.lt(f64x2.abs(a), limit), f64x2.lt(f64x2.abs(b), limit));
    if (i64x2.all_true(v128.and(rising, v128.and(whole, small)))) continue;
    const more = tiesOf(at, 4, load<f64>(at - 8), ties + (<usize>tied << 2), <u32>((at - first) >> 3));
    if (more < 0) return more;
    tied += more;
  }
  const more = at < end
    ? tiesOf(at, <i32>((end - at) >> 3), load<f64>(at - 8), ties + (<usize>tied << 2), <u32>((at - first) >> 3))
    : 0;
  return more < 0 ? more : tied + more;
}

/** `checkTradeTimes`, one time after the other. */
export function checkTradeTimesScalar(at: usize, count: i32, before: f64, ties: usize): i32 {
  return tiesOf(at, count, before, ties, 0);
}

function tiesOf(at: usize, count: i32, before: f64, ties: usize, firstRow: u32): i32 {
  let tied = 0;
  for (let i = 0; i < count; i++) {
    const t = load<f64>(at + (<usize>i << 3));
    if (!(abs<f64>(t) < TIME_LIMIT_MS) || floor<f64>(t) != t) return BAD_TIME;
    if (t < before) return UNSORTED;
    if (t == before) {
      store<u32>(ties + (<usize>tied << 2), firstRow + <u32>i);
      tied++;
    }
    before = t;
  }
  return tied;
}
