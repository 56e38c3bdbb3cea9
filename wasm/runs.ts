/**
 * Runs of times: rows of which each is the one before plus the step, bit for bit. A sorted frame is little but runs, and
 * within one nothing else has to be computed.
 */

/** How many rows from `at` on go on the run that `before`, a time, is in; at most `count`. */
export function runLength(at: usize, count: i32, before: f64, step: f64): i32 {
  const steps = f64x2.splat(step);
  const end = at + (<usize>count << 3);
  let p = at;
  // The first row is compared with `before`, which need not stand in memory.
  if (p < end && load<f64>(p) == before + step) p += 8;
  else return 0;
  for (; p + 64 <= end; p += 64) {
    const a = f64x2.eq(v128.load(p), f64x2.add(v128.load(p - 8), steps));
    const b = f64x2.eq(v128.load(p + 16), f64x2.add(v128.load(p + 8), steps));
    const c = f64x2.eq(v128.load(p + 32), f64x2.add(v128.load(p + 24), steps));
    const d = f64x2.eq(v128.load(p + 48), f64x2.add(v128.load(p + 40), steps));
    if (!i64x2.all_true(v128.and(v128.and(a, b), v128.and(c, d)))) break;
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
