/** The core against its slow twins, in Deno. `SEAMLESS_TEST_SEED` chooses other inputs. */
import { load } from "../../src/compute/mod.ts";
import { agreementCases } from "./suite/agreement.ts";

const INPUTS = 10_000;
const seed = Number(Deno.env.get("SEAMLESS_TEST_SEED") ?? 1);
const compute = await load();

for (const { name, run } of agreementCases(INPUTS, seed)) {
  Deno.test({ name, sanitizeOps: true, sanitizeResources: true, fn: () => run(compute) });
}
