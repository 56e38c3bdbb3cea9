/** The compute core in Deno: shared vectors, hostile arguments, SHA-256, proofs, and every function against its twin. */
import { load } from "../../src/compute/mod.ts";
import { suiteCases } from "./suite/mod.ts";
import { VECTOR_FILES } from "./suite/vectors.ts";
import { CASES, SEED } from "./cases.ts";
import { sharedVectors } from "./shared.ts";

const vectors = sharedVectors(VECTOR_FILES);
const compute = await load();

if (vectors === null) {
  Deno.test({
    name: "the shared vectors hold (SKIPPED: ../shared/vectors is not there)",
    ignore: true,
    fn() {},
  });
}
const suite = suiteCases({ vectors: vectors ?? {}, seed: SEED, splitLongest: 1100, inputs: CASES });
for (const { name, run } of suite) {
  Deno.test({ name, sanitizeOps: true, sanitizeResources: true, fn: () => run(compute) });
}
