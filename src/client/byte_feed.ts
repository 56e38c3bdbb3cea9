/** Takes bytes by number out of a stream that comes in pieces of any length. */

/** A stream that is read so many bytes at a time. */
export class ByteFeed {
  readonly #source: AsyncIterator<Uint8Array>;
  #piece: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#source = pieces[Symbol.asyncIterator]();
  }

  /** The next `size` bytes in memory of their own, on an 8-byte border; null when the stream ends before. */
  async take(size: number): Promise<Uint8Array | null> {
    const parts: Uint8Array[] = [];
    // What is announced is only believed once it has come: memory grows with the bytes, not with the number.
    for (let left = size; left > 0;) {
      if (this.#at === this.#piece.length && !await this.#next()) return null;
      const part = this.#piece.subarray(this.#at, this.#at + left);
      this.#at += part.length;
      left -= part.length;
      parts.push(part);
    }
    const bytes = new Uint8Array(size);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  /** Lets go of the stream. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  async #next(): Promise<boolean> {
    const next = await this.#source.next();
    if (next.done) return false;
    this.#piece = next.value;
    this.#at = 0;
    return true;
  }
}
