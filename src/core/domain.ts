/** Execution domains and their aliases (spec §11). */

import { HistoryError } from "./errors.ts";
import type { ExecutionDomain } from "./metadata.ts";

const ALIASES: Record<ExecutionDomain, string[]> = {
  backtest: ["backtest", "backtesting", "compute", "computeonly", "offline", "validate"],
  dryrun: ["dryrun", "paper", "papertrade", "sim", "simulation"],
  live: ["live", "prod", "production"],
};

/** The domain that a text names, ignoring case, `-`, `_` and space; `UNKNOWN_DOMAIN` for any other. */
export function parseDomain(text: string): ExecutionDomain {
  const plain = text.toLowerCase().replace(/[-_ ]/g, "");
  for (const [domain, names] of Object.entries(ALIASES)) {
    if (names.includes(plain)) return domain as ExecutionDomain;
  }
  throw new HistoryError(
    "UNKNOWN_DOMAIN",
    `Cannot serve execution domain ${JSON.stringify(text.slice(0, 60))}: it is none`,
    {
      hint: "Use backtest, dryrun or live (or an alias: backtesting, offline, paper, sim, prod, …)",
    },
  );
}
