/** What happens while the service runs, told to whoever listens. A listener that throws is a bug of the listener. */

import type { ServiceEvent } from "../core/service.ts";

export type NumberedEvent = ServiceEvent & { id: number };

/** Hands events to listeners in the order they happened, numbered from 1. */
export class EventHub {
  readonly #listeners = new Set<(event: NumberedEvent) => void>();
  #last = 0;

  /** How many listen. */
  get listeners(): number {
    return this.#listeners.size;
  }

  emit(event: ServiceEvent): void {
    const numbered = { ...event, id: ++this.#last };
    for (const listener of [...this.#listeners]) listener(numbered);
  }

  /** Listens from now on; the answer ends it. */
  listen(listener: (event: NumberedEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
