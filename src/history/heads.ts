/**
 * The newest snapshot of each node, as live answers need it thousands of times a second: looked up anew when this
 * process published, and else at most ten times a second, in case that another process did.
 */

import { HEAD_FRESH_MS, NODE_STATE_MAX } from "../core/limits.ts";
import type { Snapshot } from "../core/manifest.ts";
import type { Clock } from "../core/ports.ts";
import type { Snapshots } from "./snapshots.ts";

interface Look {
  head: Promise<Snapshot | null>;
  lookedMs: number;
  /** What the look came to, as soon as it did. */
  found?: Snapshot | null;
}

export class Heads {
  readonly #snapshots: Snapshots;
  readonly #clock: Clock;
  readonly #known = new Map<string, Look>();

  constructor(parts: { snapshots: Snapshots; clock: Clock }) {
    this.#snapshots = parts.snapshots;
    this.#clock = parts.clock;
  }

  /** The newest snapshot of a node, or null. */
  newest(nodeId: string): Promise<Snapshot | null> {
    const known = this.#known.get(nodeId);
    const nowMs = this.#clock.monotonicMs();
    if (known !== undefined && nowMs - known.lookedMs < HEAD_FRESH_MS) return known.head;
    const head = this.#snapshots.head(nodeId);
    const look: Look = { head, lookedMs: nowMs };
    head.then((found) => look.found = found, () => this.#known.delete(nodeId));
    if (this.#known.size >= NODE_STATE_MAX) this.#known.clear();
    this.#known.set(nodeId, look);
    return head;
  }

  /** The same where it is known at once; `undefined` when it has to be looked up. */
  peek(nodeId: string): Snapshot | null | undefined {
    const known = this.#known.get(nodeId);
    const isFresh = known !== undefined && this.#clock.monotonicMs() - known.lookedMs < HEAD_FRESH_MS;
    return isFresh ? known.found : undefined;
  }

  /** Something was published: the next question looks again. */
  forget(nodeId: string): void {
    this.#known.delete(nodeId);
  }
}
