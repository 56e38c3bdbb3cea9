/**
 * Which kinds of markets to ask a venue for. Several venues keep spot and contracts on different hosts, with
 * different budgets and different ideas of who may come in: whoever wants spot bars should not fail over futures.
 */

import type { CcxtClient } from "./ccxt_client.ts";

/** `spot` alone, or `all` kinds but options. */
export type MarketScope = "spot" | "all";

/** The kinds that can be chosen at a venue, as ccxt lists them; null where ccxt loads all in one, or the user chose. */
export class ScopedTypes {
  readonly #client: CcxtClient;
  readonly #types: string[] | null;

  constructor(client: CcxtClient, { isChosen }: { isChosen: boolean }) {
    this.#client = client;
    const types = isChosen ? undefined : optionsOf(client)?.types;
    this.#types = Array.isArray(types) && types.includes("spot") ? types : null;
  }

  /** The smallest scope that holds a symbol: contracts name their settlement after a colon. */
  scopeOf(symbol: string): MarketScope {
    return this.#types === null || symbol.includes(":") ? "all" : "spot";
  }

  /** Tells ccxt what to load. Options are thousands of markets and need a symbol that is one. */
  choose(scope: MarketScope, symbol: string): void {
    if (this.#types === null) return;
    const isOption = /-[CP]$/.test(symbol);
    const types = scope === "spot" ? ["spot"] : this.#types.filter((type) => type !== "option" || isOption);
    Object.assign(optionsOf(this.#client)!, { types });
  }
}

function optionsOf(client: CcxtClient): Record<string, unknown> | null {
  const options = client.options.fetchMarkets;
  return options !== null && typeof options === "object" ? options as Record<string, unknown> : null;
}
