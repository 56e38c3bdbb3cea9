/** A hot store that can lose all that it holds, or what is older than an instant, as retention will drop it. */

import { MemoryBarStore } from "../../src/adapters/bar_store/memory.ts";
import { barsBetween, concatBars, emptyBars } from "../../src/core/bar_frame.ts";
import type { BarStore, NodeState, WindowWrite } from "../../src/core/ports.ts";
import { decodeRows } from "../../src/core/stored_chunk.ts";

export class LosableBars {
  #current: BarStore = new MemoryBarStore({ generationOf: () => 0 });
  /** The store as a service sees it. */
  readonly store: BarStore;

  constructor() {
    this.store = new Proxy(this.#current, {
      get: (_target, name) => {
        const value = Reflect.get(this.#current, name);
        return typeof value === "function" ? value.bind(this.#current) : value;
      },
    });
  }

  /** Everything before `from` is gone, rows and ledger; `Infinity`: all of it. */
  async lose(nodeId: string, from: number): Promise<void> {
    const before = this.#current;
    const state = await before.state(nodeId);
    const after = new MemoryBarStore({ generationOf: () => 0 });
    if (state !== null && from < Infinity) {
      await after.ensureNode(state.node);
      await after.commit(await keptOf(before, state, from));
    }
    this.#current = after;
  }
}

/** What is left of a node from an instant on, as one write. */
async function keptOf(store: BarStore, state: NodeState, from: number): Promise<WindowWrite> {
  const chunks = await Array.fromAsync(store.read(state.node.nodeId, [from, 1e11]));
  const rows = concatBars([emptyBars(), ...chunks.map(({ bytes }) => decodeRows(bytes))]);
  return {
    nodeId: state.node.nodeId,
    window: [from, 1e11],
    final: barsBetween(rows, from, 1e11),
    provisional: barsBetween(state.provisional, from, 1e11),
    answered: [],
    observedAtMs: 0,
    seenAtMs: 0,
    source: "ccxt:binance",
    cause: "refetch",
    replySha256: null,
    ledger: state.ledger.filter((row) => row.end > from)
      .map((row) => ({ ...row, start: Math.max(row.start, from) })),
    findings: state.findings.filter(({ ts }) => ts >= from),
    conflicts: [],
    quarantine: [],
    fence: null,
  };
}
