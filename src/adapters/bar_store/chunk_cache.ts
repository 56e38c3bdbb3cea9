/** Chunks that were read lately, up to so many bytes; the one used longest ago goes first. */

import { BoundedMap } from "../../core/bounded_map.ts";
import type { SharedBound } from "../../core/bounded_map.ts";
import type { StoredChunk } from "../../core/ports.ts";

interface Entry {
  revision: number;
  chunk: StoredChunk;
}

export class ChunkCache {
  readonly #entries: BoundedMap<string, Entry>;

  /** `bound`: in bytes. */
  constructor(bound: number | SharedBound) {
    this.#entries = new BoundedMap(bound);
  }

  get sizeBytes(): number {
    return this.#entries.weight;
  }

  /** The chunk as it was written under exactly this revision of its node. */
  get(key: string, revision: number): StoredChunk | null {
    const entry = this.#entries.get(key);
    return entry?.revision === revision ? entry.chunk : null;
  }

  put(key: string, entry: Entry): void {
    this.#entries.set(key, entry, entry.chunk.bytes.length);
  }
}
