/**
 * Runs of times: rows of which each is the one before plus the step, bit for bit. A sorted frame is little but runs, and
 * within one nothing else has to be computed.
 */

/** Set where one of two rows is not the one before it plus the step. */
@inline
function broken(p: usize, steps: v128): v128 {
  return f64x2.ne(v128.load(p), f64x2.add(v128.load(p - 8), steps));
}

/** How many rows from `at` on go on the run that `before`, a time, is in; at most `count`. */
export function runLength(at: usize, count: i32, before: f64, step: f64): i32 {
  const steps = f64x2.splat(step);
  const end = at + (<usize>count << 3);
  let p = at;
  // The first row is compared with `before`, which need not stand in memory.
  if (p < end && load<f64>(p) == before + step) p += 8;
  else return 0;
  for (; p + 64 <= end; p += 64) {
    const low = v128.or(broken(p, steps), broken(p + 16, steps));
    const high = v128.or(broken(p + 32, steps), broken(p + 48, steps));
    if (v128.any_true(v128.or(low, high))) break;
  }
  while (p < end && load<f64>(p) == load<f64>(p - 8) + step) p += 8;
  return <i32>((p - at) >> 3);
}

/** `runLength`, one row after the other. */
export function runLengthScalar(at: usize, count: i32, before: f64, step: f64): i32 {
  let i = 0;
  for (; i < count; i++) {
    const t = load<f64>(at + (<usize>i << 3));
    if (t != before + step) return i;
    before = t;
  }
  return i;
}
