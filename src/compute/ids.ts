/**
 * The order of trade ids (spec §2): ids of ASCII digits alone compare as numbers (equal numbers by bytes) and come
 * before all others; the others compare by their UTF-8 bytes.
 */

const ZERO = 48;
const NINE = 57;

function isDigits(id: string): boolean {
  for (let i = 0; i < id.length; i++) {
    const unit = id.charCodeAt(i);
    if (unit < ZERO || unit > NINE) return false;
  }
  return id.length > 0;
}

/** Negative, zero or positive, as `a` comes before, is, or comes after `b`. */
export function compareIds(a: string, b: string): number {
  const aDigits = isDigits(a);
  if (aDigits !== isDigits(b)) return aDigits ? -1 : 1;
  return aDigits ? compareNumbers(a, b) || compareBytes(a, b) : compareBytes(a, b);
}

function compareNumbers(a: string, b: string): number {
  // Most ids count up and have no leading zeros: of equal length they compare as they stand.
  if (a.length === b.length) return a < b ? -1 : a > b ? 1 : 0;
  const x = a.replace(/^0+/, "");
  const y = b.replace(/^0+/, "");
  if (x.length !== y.length) return x.length - y.length;
  return x < y ? -1 : x > y ? 1 : 0;
}

/** The order of UTF-8 bytes is that of code points; UTF-16 differs from it where surrogates meet U+E000 and above. */
function compareBytes(a: string, b: string): number {
  const common = Math.min(a.length, b.length);
  for (let i = 0; i < common; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
