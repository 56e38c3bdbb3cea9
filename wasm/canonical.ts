/**
 * Canonical bits of columns: −0 becomes +0, every NaN the canonical one, and whole numbers i64. The kernels look at
 * several values at once and write only where something must change; beside each stands its scalar form.
 */

const CANONICAL_NAN: u64 = 0x7ff8000000000000;
const NEGATIVE_ZERO: u64 = 0x8000000000000000;
/** For |x| < 2^51, x + 1.5·2^52 holds x in its low bits; the integer difference of the two patterns is x. */
const SHIFTER: f64 = 6755399441055744.0;
const BLOCK: usize = 64;

/** All ones in the halves that are NaN or −0. */
@inline
function odd(x: v128): v128 {
  return v128.or(f64x2.ne(x, x), i64x2.eq(x, i64x2.splat(NEGATIVE_ZERO)));
}

/** The top sixteen bits of infinity: numbers from +0 up to it, which most are, have lesser ones, and −0 and NaN have not. */
const TOP: v128 = i16x8(-1, -1, -1, 0x7fef, -1, -1, -1, 0x7fef);

@inline
function widest(a: v128, b: v128): v128 {
  return i16x8.max_u(a, b);
}

/** The widest of the top bits of a block; what is beyond a bound in a lane stays after a saturating subtraction. */
@inline
function widestOf(at: usize): v128 {
  return widest(widest(v128.load(at), v128.load(at, 16)), widest(v128.load(at, 32), v128.load(at, 48)));
}

/** −0 becomes +0 and every NaN the canonical one, in place, for `count` f64 at `at`. Answers whether any was there. */
export function canonicalise(at: usize, count: i32): bool {
  const end = at + (<usize>count << 3);
  let changed = false;
  for (; at + 2 * BLOCK <= end; at += 2 * BLOCK) {
    if (!v128.any_true(i16x8.sub_sat_u(widest(widestOf(at), widestOf(at + BLOCK)), TOP))) continue;
    if (canonicaliseBlock(at)) changed = true;
    if (canonicaliseBlock(at + BLOCK)) changed = true;
  }
  return canonicaliseScalar(at, <i32>((end - at) >> 3)) || changed;
}

function canonicaliseBlock(at: usize): bool {
  const low = v128.or(odd(v128.load(at)), odd(v128.load(at, 16)));
  const high = v128.or(odd(v128.load(at, 32)), odd(v128.load(at, 48)));
  return v128.any_true(v128.or(low, high)) && canonicaliseScalar(at, 8);
}

/** `canonicalise`, one value after the other. */
export function canonicaliseScalar(at: usize, count: i32): bool {
  let changed = false;
  for (const end = at + (<usize>count << 3); at < end; at += 8) {
    const bits = load<u64>(at);
    const x = load<f64>(at);
    // −0 + 0 is +0 when rounding to nearest, which WebAssembly always does; every other number stays what it is.
    if (x == x) store<f64>(at, x + 0.0);
    else store<u64>(at, CANONICAL_NAN);
    if (x != x || bits == NEGATIVE_ZERO) changed = true;
  }
  return changed;
}

/** 0x863f: the top sixteen bits, shifted by one so that the sign is gone, of the greatest number below 2^51. */
const TOP_SMALL: v128 = i16x8(-1, -1, -1, -31169, -1, -1, -1, -31169);

/** `count` whole numbers (|x| < 2^53) at `at` become i64, in place. */
export function toInt64(at: usize, count: i32): void {
  const shifter = f64x2.splat(SHIFTER);
  const end = at + (<usize>count << 3);
  for (; at + BLOCK <= end; at += BLOCK) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    const low = widest(i64x2.shl(a, 1), i64x2.shl(b, 1));
    const high = widest(i64x2.shl(c, 1), i64x2.shl(d, 1));
    if (v128.any_true(i16x8.sub_sat_u(widest(low, high), TOP_SMALL))) {
      toInt64Scalar(at, 8);
      continue;
    }
    v128.store(at, i64x2.sub(f64x2.add(a, shifter), shifter));
    v128.store(at, i64x2.sub(f64x2.add(b, shifter), shifter), 16);
    v128.store(at, i64x2.sub(f64x2.add(c, shifter), shifter), 32);
    v128.store(at, i64x2.sub(f64x2.add(d, shifter), shifter), 48);
  }
  toInt64Scalar(at, <i32>((end - at) >> 3));
}

/** `toInt64`, one value after the other, by the conversion that the machine has. */
export function toInt64Scalar(at: usize, count: i32): void {
  for (const end = at + (<usize>count << 3); at < end; at += 8) store<i64>(at, <i64>load<f64>(at));
}
