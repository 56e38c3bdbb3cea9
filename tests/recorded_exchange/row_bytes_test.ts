import { equal } from "node:assert/strict";
import { decimal } from "../../scripts/recorded_exchange/market.ts";
import { RowBytes } from "../../scripts/recorded_exchange/row_bytes.ts";
import { mix } from "../../scripts/recorded_exchange/generator.ts";

const ODD = [
  0,
  -0,
  0.1,
  0.07,
  0.29,
  1.005,
  99.995,
  999_999_999.99,
  1e9,
  1e15,
  1e21,
  1.5e-7,
  5e-324,
  0.1 + 0.2,
  -3.25,
];

function written(value: number): string {
  const bytes = new RowBytes();
  bytes.decimal(value, false);
  return new TextDecoder().decode(bytes.taken());
}

Deno.test("every number is written so that it parses back to the same double, without an exponent", () => {
  const random = Array.from({ length: 20_000 }, (_, index) => {
    const value = mix(1, index) / 10 ** (mix(2, index) % 14);
    return index % 3 === 0
      ? Math.round(value * 1e5) / 1e5
      : index % 3 === 1
      ? Math.round(value * 100) / 100
      : value;
  });
  for (const value of [...ODD, ...random]) {
    for (const text of [written(value), decimal(value)]) {
      equal(Number(text) + 0, value + 0, text);
      equal(/^-?\d+(\.\d+)?$/.test(text), true, text);
    }
  }
});

Deno.test("whole numbers are written as they are, of any size", () => {
  for (
    const value of [0, 7, 10, 999_999_999, 1_000_000_000, 1_706_745_600_000, 253_402_300_799_999, -5, 2 ** 60]
  ) {
    const bytes = new RowBytes();
    bytes.whole(value);
    equal(new TextDecoder().decode(bytes.taken()), String(value));
  }
});

Deno.test("the buffer grows, keeps what was written, and begins anew when it is cleared", () => {
  const bytes = new RowBytes();
  for (let row = 0; row < 20_000; row++) {
    bytes.reserve();
    bytes.text("abcdefghijklmnopqrstuvwxyz");
  }
  equal(bytes.taken().length, 520_000);
  equal(new TextDecoder().decode(bytes.taken().subarray(519_974)), "abcdefghijklmnopqrstuvwxyz");
  bytes.clear();
  equal(bytes.taken().length, 0);
});
