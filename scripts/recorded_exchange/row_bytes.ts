/**
 * Writes rows as JSON bytes, digit by digit. Turning doubles into strings is what a page costs most; prices of
 * two and volumes of five digits, which make up nearly every page, are whole numbers in disguise.
 */

import { decimal } from "./market.ts";

const ZERO = 48;
const POINT = 46;
/** Room for any number written here; checked once a row. */
const SLACK_BYTES = 1_024;

/** A growing buffer of text. One is kept and reused, as only one page is written at a time. */
export class RowBytes {
  #bytes = new Uint8Array(1 << 18);
  #length = 0;

  /** Starts anew. */
  clear(): void {
    this.#length = 0;
  }

  /** What was written so far, in a buffer of its own. */
  taken(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** Makes sure that one more row fits. */
  reserve(): void {
    if (this.#length + SLACK_BYTES <= this.#bytes.length) return;
    const wider = new Uint8Array(this.#bytes.length * 2);
    wider.set(this.#bytes);
    this.#bytes = wider;
  }

  /** Plain ASCII text. */
  text(text: string): void {
    const bytes = this.#bytes;
    let at = this.#length;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.#length = at;
  }

  /** A whole number, as they come: times and counts. */
  whole(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) return this.text(String(value));
    if (value < 1_000_000_000) return this.#digits(value, digitsOf(value));
    const high = Math.floor(value / 1_000_000);
    this.whole(high);
    this.#digits(value - high * 1_000_000, 6);
  }

  /** A decimal that parses back to the same double, or `null`; `quote` puts it in quotes. */
  decimal(value: number | null, quote: boolean): void {
    if (value === null) return this.text("null");
    if (quote) this.text('"');
    if (!this.#isShort(value)) this.text(decimal(value));
    if (quote) this.text('"');
  }

  #isShort(value: number): boolean {
    if (!(value >= 0 && value < 1_000_000_000)) return false;
    const hundredths = Math.round(value * 100);
    const lots = Math.round(value * 100_000);
    const isPrice = hundredths / 100 === value;
    if (!isPrice && lots / 100_000 !== value) return false;
    const whole = Math.floor(value);
    this.#digits(whole, digitsOf(whole));
    this.#bytes[this.#length++] = POINT;
    if (isPrice) this.#digits(hundredths - whole * 100, 2);
    else this.#digits(lots - whole * 100_000, 5);
    return true;
  }

  /** Writes so many digits of a number below 2^31, with leading zeros. */
  #digits(value: number, count: number): void {
    const bytes = this.#bytes;
    const start = this.#length;
    let rest = value | 0;
    for (let at = start + count - 1; at >= start; at--) {
      const tens = (rest / 10) | 0;
      bytes[at] = ZERO + rest - tens * 10;
      rest = tens;
    }
    this.#length = start + count;
  }
}

function digitsOf(value: number): number {
  let count = 1;
  for (let limit = 10; value >= limit; limit *= 10) count++;
  return count;
}
