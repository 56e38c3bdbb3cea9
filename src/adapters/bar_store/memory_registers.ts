/** The `as_of` last given, and the catalog of published snapshots, in memory. */

import type { AsOfRegister, SnapshotEntry, SnapshotIndex } from "../../core/ports.ts";

export class MemoryAsOfRegister implements AsOfRegister {
  readonly #given = new Map<string, number>();
  #mark = 0;

  advance(world: string, nodeId: string, asOfMs: number): Promise<number> {
    return Promise.try(() => {
      const key = keyOf(world, nodeId);
      const highest = Math.max(this.#given.get(key) ?? asOfMs, asOfMs);
      this.#given.set(key, highest);
      this.#mark++;
      return highest;
    });
  }

  last(world: string, nodeId: string): Promise<number | null> {
    return Promise.try(() => this.#given.get(keyOf(world, nodeId)) ?? null);
  }

  mark(): number {
    return this.#mark;
  }
}

/** World ids and node ids are free text: as JSON no two pairs are one key. */
function keyOf(world: string, nodeId: string): string {
  return JSON.stringify([world, nodeId]);
}

export class MemorySnapshotIndex implements SnapshotIndex {
  readonly #entries = new Map<string, Map<number, SnapshotEntry>>();

  record(entry: SnapshotEntry): Promise<void> {
    return Promise.try(() => {
      const entries = this.#entries.get(entry.nodeId) ?? new Map<number, SnapshotEntry>();
      entries.set(entry.seq, { ...entry });
      this.#entries.set(entry.nodeId, entries);
    });
  }

  newest(nodeId: string): Promise<SnapshotEntry | null> {
    return Promise.try(() => {
      const entries = this.#entries.get(nodeId);
      return entries === undefined ? null : { ...entries.get(Math.max(...entries.keys()))! };
    });
  }

  count(nodeId: string): Promise<number> {
    return Promise.try(() => this.#entries.get(nodeId)?.size ?? 0);
  }
}
