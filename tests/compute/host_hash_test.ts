/** The host's own SHA-256 in place of the core's: the same digests, from the same bytes. */
import { deepStrictEqual, ok, throws } from "node:assert/strict";
import { createHash } from "node:crypto";
import { type HostHash, load } from "../../src/compute/mod.ts";
import { randomBars, randomGrid, randomSlot, randomTrades } from "./suite/inputs.ts";
import { Dice } from "./suite/random.ts";
import { compareIds } from "./twin/conform.ts";

const CLAIMS = { nodeId: "ohlcv:x:A/B:1m", range: [0, 600] as const, conformanceVersion: "v2" };

const hostHash: HostHash = (parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

Deno.test("a core that hashes with the host gives the digests of one that hashes alone", async () => {
  let calls = 0;
  const counted: HostHash = (parts) => {
    calls++;
    return hostHash(parts);
  };
  const [alone, hosted] = [await load(), await load(undefined, { hostHash: counted })];
  for (let seed = 1; seed <= 500; seed++) {
    const dice = new Dice(seed);
    const grid = randomGrid(dice);
    const frame = dice.chance(0.5)
      ? randomBars(dice, grid, { around: randomSlot(dice, grid), rows: dice.whole(0, 300), oddness: 0.1 })
      : randomTrades(dice, { startMs: 0, rows: dice.whole(0, 30), oddness: 0.1, compareIds });
    const claims = { ...CLAIMS, grid };
    deepStrictEqual(hosted.fingerprint(frame, claims), alone.fingerprint(frame, claims), `seed ${seed}`);
  }
  ok(calls > 500, "the host's hash was used");
});

Deno.test("a host's hash that gives no digest is refused", async () => {
  const compute = await load(undefined, { hostHash: () => new Uint8Array(20) });
  const grid = { step: 60 };
  const frame = randomBars(new Dice(1), grid, { around: 0, rows: 3, oddness: 0 });
  throws(() => compute.fingerprint(frame, { ...CLAIMS, grid }), TypeError);
});
