/**
 * The first ask of a node goes alone (spec §14, §16): what the venue refuses once, it would refuse for every window,
 * so the others wait for the first one's answer and share a refusal instead of meeting it one by one.
 */

import { BoundedMap } from "../core/bounded_map.ts";
import { HistoryError } from "../core/errors.ts";
import { NODE_STATE_MAX } from "../core/limits.ts";
import type { Urgency } from "../core/urgency.ts";
import { raceSignal } from "./single_flight.ts";

/** Refusals that one more window would only meet again. */
const REFUSALS: ReadonlySet<string> = new Set([
  "EXCHANGE_REFUSED",
  "EXCHANGE_UNKNOWN",
  "SYMBOL_UNKNOWN",
  "BAD_TIMEFRAME",
]);

/** Whether every further ask of the node would be refused as well. */
export function isRefusal(error: unknown): boolean {
  return error instanceof HistoryError && REFUSALS.has(error.code);
}

export class Scout {
  /** Nodes that were answered in this process. */
  readonly #known = new BoundedMap<string, true>(NODE_STATE_MAX);
  /** First asks under way; each resolves with the refusal it met, or null. */
  readonly #ahead = new Map<string, { back: Promise<HistoryError | null>; urgency: Urgency | undefined }>();

  /** Runs `ask` alone if it is the node's first, else after the first has come back. Rejects as the first one where that was refused. */
  async follow<T>(nodeId: string, signal: AbortSignal, ask: () => Promise<T>, urgency?: Urgency): Promise<T> {
    if (this.#known.get(nodeId)) return await ask();
    const ahead = this.#ahead.get(nodeId);
    if (ahead === undefined) return await this.#first(nodeId, ask, urgency);
    // Who waits for the first makes it as urgent as they are.
    const hurry = () => urgency && ahead.urgency?.raise(urgency.priority);
    hurry();
    const deaf = urgency?.onRaise(hurry);
    const refused = await raceSignal(ahead.back, signal).finally(deaf);
    if (refused !== null) throw refused;
    return await ask();
  }

  async #first<T>(nodeId: string, ask: () => Promise<T>, urgency: Urgency | undefined): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<HistoryError | null>();
    this.#ahead.set(nodeId, { back: promise, urgency });
    let refused: HistoryError | null = null;
    try {
      const answer = await ask();
      this.#known.set(nodeId, true);
      return answer;
    } catch (error) {
      if (isRefusal(error)) refused = error as HistoryError;
      throw error;
    } finally {
      this.#ahead.delete(nodeId);
      resolve(refused);
    }
  }
}
