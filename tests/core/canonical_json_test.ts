import assert from "node:assert/strict";
import { canonicalBytes, canonicalJson } from "../../src/core/canonical_json.ts";

Deno.test("canonicalJson() writes RFC 8785's own example", () => {
  const input = {
    numbers: [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    string: "€$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    literals: [null, true, false],
  };
  assert.equal(
    canonicalJson(input),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
});

Deno.test("canonicalJson() sorts keys by UTF-16 code units, as RFC 8785 section 3.2.3 shows", () => {
  const input = {
    "\u20ac": "Euro Sign",
    "\r": "Carriage Return",
    "\ufb33": "Hebrew Letter Dalet With Dagesh",
    "1": "One",
    "\ud83d\ude00": "Emoji: Grinning Face",
    "\u0080": "Control",
    "\u00f6": "Latin Small Letter O With Diaeresis",
  };
  const values = Object.values(JSON.parse(canonicalJson(input)));
  const order = canonicalJson(input).match(/:"[^"]+"/g)!.map((text) => text.slice(2, -1));
  assert.equal(values.length, 7);
  assert.deepEqual(order, [
    "Carriage Return",
    "One",
    "Control",
    "Latin Small Letter O With Diaeresis",
    "Euro Sign",
    "Emoji: Grinning Face",
    "Hebrew Letter Dalet With Dagesh",
  ]);
});

Deno.test("canonicalJson() writes numbers the one way that reads back", () => {
  const texts: [number, string][] = [
    [0, "0"],
    [-0, "0"],
    [5e-324, "5e-324"],
    [1.7976931348623157e308, "1.7976931348623157e+308"],
    [9007199254740992, "9007199254740992"],
    [295147905179352830000, "295147905179352830000"],
    [1e21, "1e+21"],
    [1e-7, "1e-7"],
    [0.000001, "0.000001"],
  ];
  for (const [value, text] of texts) assert.equal(canonicalJson(value), text);
});

Deno.test("canonicalJson() refuses what has no canonical text", () => {
  for (
    const value of [
      NaN,
      Infinity,
      -Infinity,
      undefined,
      () => 1,
      1n,
      Symbol("x"),
      new Date(0),
      "\ud800",
    ]
  ) {
    assert.throws(() => canonicalJson(value), TypeError);
    assert.throws(() => canonicalJson({ inside: [value] }), TypeError);
  }
  assert.throws(() => canonicalJson({ "\udc00": 1 }), TypeError);
});

Deno.test("canonicalBytes() is the text as UTF-8", () => {
  assert.deepEqual(canonicalBytes({ ö: "€" }), new TextEncoder().encode('{"ö":"€"}'));
});
