/** Every case of the shared vectors, in Deno. */
import { load } from "../../src/compute/mod.ts";
import { VECTOR_FILES, vectorCases, type Vectors } from "./suite/vectors.ts";
import { sharedVectors } from "./shared.ts";

const vectors = sharedVectors(VECTOR_FILES);
const compute = await load();

Deno.test({
  name: vectors === null
    ? "the shared vectors hold (SKIPPED: ../shared/vectors is not there)"
    : "the shared vectors hold",
  ignore: vectors === null,
  sanitizeOps: true,
  sanitizeResources: true,
  async fn(t) {
    for (const { name, run } of vectorCases(vectors as Vectors)) await t.step(name, () => run(compute));
  },
});
