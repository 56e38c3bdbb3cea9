/**
 * Hands the events of the service to everybody who listens over HTTP. The newest ones are kept in a ring, so that a
 * client that comes back with `Last-Event-ID` misses nothing; what is gone is said with `reset`.
 */

import { SSE_KEPT_EVENTS, SSE_QUEUE_MAX } from "../core/limits.ts";
import type { HistoryService, ServiceEvent } from "../core/service.ts";

/** Every type that an event can have. */
export const EVENT_TYPES = ["bar", "snapshot", "verdict", "gap", "backfill", "revision", "reset"] as const;

/** An event as it is kept: its place in the sequence, and what it says. */
export type NumberedEvent = ServiceEvent & { id: number };

/** What one listener wants to hear. */
export interface Interest {
  /** Null: all. */
  types: ReadonlySet<string> | null;
  nodeId: string | null;
}

/** Something to be sent: an event, or that events were lost. */
export type Delivery = { event: NumberedEvent } | { reset: string };

/** One listener's queue; bounded, and emptied into one `reset` when it overflows. */
export class Subscription {
  readonly interest: Interest;
  #queue: Delivery[] = [];
  #wake: (() => void) | null = null;
  #closed = false;

  constructor(interest: Interest) {
    this.interest = interest;
  }

  get closed(): boolean {
    return this.#closed;
  }

  push(delivery: Delivery): void {
    if (this.#queue.length >= SSE_QUEUE_MAX) this.#queue = [{ reset: "too slow: events were dropped" }];
    this.#queue.push(delivery);
    this.#wake?.();
  }

  /** All that waits, at once; resolves empty when `signal` fires or the hub closes. */
  async take(signal: AbortSignal): Promise<Delivery[]> {
    if (this.#queue.length === 0 && !this.#closed && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
      this.#wake = null;
    }
    const taken = this.#queue;
    this.#queue = [];
    return taken;
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
  }
}

/** The ring of kept events, and everybody who listens. */
export class EventHub {
  /** Tells apart the sequences of two runs of the service: each begins at its own 1. */
  readonly #run: string;
  readonly #kept: NumberedEvent[] = [];
  readonly #listeners = new Set<Subscription>();
  readonly #stop: () => void;
  #lastId = 0;
  #dropped = false;

  constructor(service: HistoryService, run: string) {
    this.#run = run;
    this.#stop = service.events((event) => this.#hear(event));
  }

  /** The id under which an event is sent. */
  idOf(event: NumberedEvent): string {
    return `${this.#run}-${event.id}`;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Listens from now on, or from after `lastEventId` on when that is still known. */
  subscribe(interest: Interest, lastEventId: string | null): Subscription {
    const subscription = new Subscription(interest);
    if (lastEventId !== null) this.#replay(subscription, lastEventId);
    this.#listeners.add(subscription);
    return subscription;
  }

  unsubscribe(subscription: Subscription): void {
    subscription.close();
    this.#listeners.delete(subscription);
  }

  /** Ends every stream. */
  close(): void {
    this.#stop();
    for (const subscription of [...this.#listeners]) this.unsubscribe(subscription);
  }

  #hear(event: NumberedEvent): void {
    this.#lastId = event.id;
    this.#kept.push(event);
    if (this.#kept.length > SSE_KEPT_EVENTS) {
      this.#kept.shift();
      this.#dropped = true;
    }
    for (const subscription of this.#listeners) {
      if (isWanted(event, subscription.interest)) subscription.push({ event });
    }
  }

  #replay(subscription: Subscription, lastEventId: string): void {
    const after = this.#numberOf(lastEventId);
    const oldest = this.#kept[0]?.id ?? this.#lastId + 1;
    const lost = after === null || after > this.#lastId || (this.#dropped && after < oldest - 1);
    if (lost) {
      subscription.push({ reset: `events after ${lastEventId.slice(0, 80)} are not known here` });
      return;
    }
    for (const event of this.#kept) {
      if (event.id > after && isWanted(event, subscription.interest)) subscription.push({ event });
    }
  }

  #numberOf(lastEventId: string): number | null {
    const [run, number, ...more] = lastEventId.split("-");
    return run === this.#run && more.length === 0 && /^\d{1,15}$/.test(number ?? "") ? Number(number) : null;
  }
}

function isWanted(event: ServiceEvent, { types, nodeId }: Interest): boolean {
  return (types === null || types.has(event.type)) && (nodeId === null || event.node_id === nodeId);
}
