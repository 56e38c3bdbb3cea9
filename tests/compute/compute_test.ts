/** The compute core in Deno: shared vectors, hostile arguments, SHA-256, proofs, and every function against its twin. */
import { load } from "../../src/compute/mod.ts";
import { suiteCases } from "./suite/mod.ts";
import { VECTOR_FILES } from "./suite/vectors.ts";
import { sharedVectors } from "./shared.ts";

const vectors = sharedVectors(VECTOR_FILES);
const seed = Number(Deno.env.get("SEAMLESS_TEST_SEED") ?? 1);
const compute = await load();

if (vectors === null) {
  Deno.test({
    name: "the shared vectors hold (SKIPPED: ../shared/vectors is not there)",
    ignore: true,
    fn() {},
  });
}
for (const { name, run } of suiteCases({ vectors: vectors ?? {}, seed, splitLongest: 1100 })) {
  Deno.test({ name, sanitizeOps: true, sanitizeResources: true, fn: () => run(compute) });
}
