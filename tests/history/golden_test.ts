import { strictEqual } from "node:assert/strict";
import { createHash } from "node:crypto";
import { type Compute, load } from "../../src/compute/mod.ts";
import { goldenHolds } from "../../src/history/golden.ts";

const compute = await load();
const sha256 = (bytes: Uint8Array) => Uint8Array.from(createHash("sha256").update(bytes).digest());

Deno.test("goldenHolds() where the core and the host agree, on the very example of the fingerprint page", () => {
  strictEqual(goldenHolds(compute, sha256), true);
  let claimed = "";
  const listening: Compute = {
    ...compute,
    fingerprint: (frame, claims) => {
      const told = compute.fingerprint(frame, claims);
      claimed = told.fingerprint;
      return told;
    },
  };
  strictEqual(goldenHolds(listening, sha256), true);
  strictEqual(claimed, "sfp1:9e388ade2e846d907e52d0ad35b62a99818f6fcb1bbda16db056e15b1d61635d");
});

Deno.test("goldenHolds() not where the host hashes otherwise, nor where the core does", () => {
  const flipped = (bytes: Uint8Array) => sha256(bytes).map((byte, at) => at === 31 ? byte ^ 1 : byte);
  strictEqual(goldenHolds(compute, flipped), false);
  const wrong: Compute = {
    ...compute,
    fingerprint: (frame, claims) => ({
      ...compute.fingerprint(frame, claims),
      fingerprint: `sfp1:${"0".repeat(64)}`,
    }),
  };
  strictEqual(goldenHolds(wrong, sha256), false);
});
