/** Reads tables of FlatBuffers, as far as Arrow's message headers need it. What leads out of the buffer is a `RangeError`. */

/** A table; absent fields read as zero, absent references are a `RangeError`. */
export class FlatTable {
  readonly #view: DataView;
  readonly #at: number;

  constructor(view: DataView, at: number) {
    this.#view = view;
    this.#at = at;
  }

  /** The table at the root of a buffer. */
  static rootOf(view: DataView): FlatTable {
    return new FlatTable(view, view.getUint32(0, true));
  }

  has(slot: number): boolean {
    return this.#field(slot) !== null;
  }

  uint8(slot: number): number {
    const at = this.#field(slot);
    return at === null ? 0 : this.#view.getUint8(at);
  }

  int16(slot: number): number {
    const at = this.#field(slot);
    return at === null ? 0 : this.#view.getInt16(at, true);
  }

  int32(slot: number): number {
    const at = this.#field(slot);
    return at === null ? 0 : this.#view.getInt32(at, true);
  }

  /** A length or a count: never negative, never beyond what a number holds. */
  int64(slot: number): number {
    const at = this.#field(slot);
    return at === null ? 0 : this.#int64At(at);
  }

  text(slot: number): string {
    const at = this.#target(slot);
    const size = this.#view.getUint32(at, true);
    const bytes = new Uint8Array(this.#view.buffer, this.#view.byteOffset + at + 4, size);
    return new TextDecoder().decode(bytes);
  }

  table(slot: number): FlatTable {
    return new FlatTable(this.#view, this.#target(slot));
  }

  tables(slot: number): FlatTable[] {
    if (!this.has(slot)) return [];
    const items = this.#items(this.#target(slot), 4);
    return items.map((item) => new FlatTable(this.#view, item + this.#view.getUint32(item, true)));
  }

  /** Structs of two 64-bit integers. */
  structs(slot: number): { first: number; second: number }[] {
    const items = this.#items(this.#target(slot), 16);
    return items.map((item) => ({ first: this.#int64At(item), second: this.#int64At(item + 8) }));
  }

  #items(vector: number, size: number): number[] {
    const count = this.#view.getUint32(vector, true);
    if (vector + 4 + count * size > this.#view.byteLength) throw new RangeError("A vector leaves its buffer");
    return Array.from({ length: count }, (_, i) => vector + 4 + i * size);
  }

  #int64At(at: number): number {
    const value = Number(this.#view.getBigInt64(at, true));
    if (value < 0 || !Number.isSafeInteger(value)) throw new RangeError("A length is no length");
    return value;
  }

  #target(slot: number): number {
    const at = this.#field(slot);
    if (at === null) throw new RangeError("A part of a message is missing");
    return at + this.#view.getUint32(at, true);
  }

  #field(slot: number): number | null {
    const vtable = this.#at - this.#view.getInt32(this.#at, true);
    if (4 + 2 * slot >= this.#view.getUint16(vtable, true)) return null;
    const offset = this.#view.getUint16(vtable + 4 + 2 * slot, true);
    return offset === 0 ? null : this.#at + offset;
  }
}
