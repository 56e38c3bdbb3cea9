/**
 * How urgent a piece of work is while several may want it: as urgent as whoever of them is most. A job's window that a
 * request comes to wait for must not stand behind other requests' windows for ever.
 */

import type { Priority } from "./ports.ts";

/** From the most urgent on. */
export const PRIORITIES: readonly Priority[] = ["live", "dryrun", "backfill"];

export class Urgency {
  #priority: Priority;
  readonly #heard = new Set<() => void>();

  constructor(priority: Priority) {
    this.#priority = priority;
  }

  get priority(): Priority {
    return this.#priority;
  }

  /** Somebody wants it who is more urgent, perhaps. */
  raise(priority: Priority): void {
    if (PRIORITIES.indexOf(priority) >= PRIORITIES.indexOf(this.#priority)) return;
    this.#priority = priority;
    for (const hear of [...this.#heard]) hear();
  }

  /** Calls `hear` each time it is raised, until the returned function is called. */
  onRaise(hear: () => void): () => void {
    this.#heard.add(hear);
    return () => void this.#heard.delete(hear);
  }
}
