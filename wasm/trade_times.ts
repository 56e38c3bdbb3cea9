/** Whether times are those of trades: whole milliseconds that never descend. The kernel takes eight at once. */
import { BAD_TIME, UNSORTED } from "./frame";
import { TIME_LIMIT } from "./grid";

const TIME_LIMIT_MS: f64 = TIME_LIMIT * 1000;
const BLOCK: usize = 64;

/**
 * Checks `count` milliseconds at `at`, which come after `before`, and writes to `ties` (u32, room for all) the rows whose
 * time is that of the row before: there ids decide. Answers how many those are, or a status.
 */
export function checkTradeTimes(at: usize, count: i32, before: f64, ties: usize): i32 {
  const first = at;
  const end = at + (<usize>count << 3);
  let tied = 0;
  if (count > 0) {
    tied = checkTradeTimesScalar(at, 1, before, ties);
    if (tied < 0) return tied;
    at += 8;
  }
  for (; at + BLOCK <= end; at += BLOCK) {
    const low = v128.or(faulty(at), faulty(at + 16));
    const high = v128.or(faulty(at + 32), faulty(at + 48));
    if (!v128.any_true(v128.or(low, high))) continue;
    // Times that rise are within the limit as long as the last of them is.
    const before = load<f64>(at - 8);
    if (before >= TIME_LIMIT_MS) return BAD_TIME;
    const more = tiesOf(at, 8, before, ties + (<usize>tied << 2), <u32>((at - first) >> 3));
    if (more < 0) return more;
    tied += more;
  }
  if (at > first && load<f64>(at - 8) >= TIME_LIMIT_MS) return BAD_TIME;
  const more = at < end
    ? tiesOf(at, <i32>((end - at) >> 3), load<f64>(at - 8), ties + (<usize>tied << 2), <u32>((at - first) >> 3))
    : 0;
  return more < 0 ? more : tied + more;
}

/** Set where one of two times is no whole number or does not lie behind the time before it. */
@inline
function faulty(at: usize): v128 {
  const t = v128.load(at);
  return v128.or(f64x2.ge(v128.load(at - 8), t), f64x2.ne(f64x2.floor(t), t));
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
