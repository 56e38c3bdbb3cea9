/** Chunks that were read lately, up to so many bytes; the one used longest ago goes first. */

import type { StoredChunk } from "../../core/ports.ts";

interface Entry {
  revision: number;
  chunk: StoredChunk;
}

export class ChunkCache {
  readonly #maxBytes: number;
  /** In the order of use. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get sizeBytes(): number {
    return this.#bytes;
  }

  /** The chunk as it was written under exactly this revision of its node. */
  get(key: string, revision: number): StoredChunk | null {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.revision !== revision) return null;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.chunk;
  }

  put(key: string, entry: Entry): void {
    this.#drop(key);
    this.#entries.set(key, entry);
    this.#bytes += entry.chunk.bytes.length;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.chunk.bytes.length;
  }
}
