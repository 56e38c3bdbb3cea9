/** What every bar store must do, whatever it is made of: one suite, in the parts that its neighbours hold. */

import { LEDGER_CHECKS } from "./bar_store_ledger.ts";
import { MODEL_CHECKS } from "./bar_store_model.ts";
import { NODE_CHECKS } from "./bar_store_nodes.ts";
import { REVISION_CHECKS } from "./bar_store_revisions.ts";
import { ROW_CHECKS } from "./bar_store_rows.ts";
import type { BarStoreUnderTest } from "./bar_store_samples.ts";
import { STATE_CHECKS } from "./bar_store_states.ts";
import { WRITE_CHECKS } from "./bar_store_writes.ts";
import { holdTo } from "./promises.ts";

const GROUPS = [
  NODE_CHECKS,
  ROW_CHECKS,
  STATE_CHECKS,
  WRITE_CHECKS,
  REVISION_CHECKS,
  LEDGER_CHECKS,
  MODEL_CHECKS,
];

/** Registers one test per promise of the port. `make` gives a store that holds the node of the samples, and nothing else. */
export function barStoreContract(name: string, make: () => Promise<BarStoreUnderTest>): void {
  for (const promises of GROUPS) holdTo(name, { promises, make });
}
