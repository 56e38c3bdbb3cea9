/**
 * Writes FlatBuffers, as far as Arrow's message headers need them: tables, texts, vectors of tables and vectors of
 * 64-bit structs. Objects are laid out parents first, so every offset points forward, as the format demands.
 */

/** A scalar field of a table, or a reference to another object; `null`: the field is absent (its default). */
export type FlatField =
  | null
  | { u8: number }
  | { i16: number }
  | { i32: number }
  | { i64: number }
  | { ref: FlatObject };

/** An object: a table by its fields in slot order, a text, a vector of tables, or a vector of structs of i64. */
export type FlatObject =
  | { table: FlatField[] }
  | { text: string }
  | { vector: FlatObject[] }
  | { structs: number[]; perStruct: number };

const encoder = new TextEncoder();

/** The bytes of a buffer whose root is `root`, padded to a multiple of 8. */
export function encodeFlatBuffer(root: FlatObject): Uint8Array<ArrayBuffer> {
  const writer = new FlatWriter();
  writer.reference(writer.reserve(4, 4), root);
  return writer.finish();
}

/**
 * A buffer that differs from one to the next in nothing but its last text, made ready once: the given function
 * completes it. The text of `root` that is written last (the last leaf, depth first) is the one that is replaced.
 */
export function prepareFlatBuffer(root: FlatObject): (text: string) => Uint8Array<ArrayBuffer> {
  const writer = new FlatWriter();
  writer.reference(writer.reserve(4, 4), root);
  const head = writer.beforeLastText();
  return (text) => {
    const utf8 = encoder.encode(text);
    const bytes = new Uint8Array(Math.ceil((head.length + 4 + utf8.length + 1) / 8) * 8);
    bytes.set(head);
    new DataView(bytes.buffer).setUint32(head.length, utf8.length, true);
    bytes.set(utf8, head.length + 4);
    return bytes;
  };
}

/** Grows as needed; unwritten bytes are zero. */
class FlatWriter {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  #lastText = 0;

  /** All bytes up to the text that was written last; nothing may follow it. */
  beforeLastText(): Uint8Array {
    const size = this.#view.getUint32(this.#lastText, true);
    if (this.#lastText + 4 + size + 1 !== this.#length) throw new Error("The last object is no text");
    return this.#bytes.slice(0, this.#lastText);
  }

  finish(): Uint8Array<ArrayBuffer> {
    this.#pad(8);
    return this.#bytes.slice(0, this.#length);
  }

  /** Takes `size` bytes at the next multiple of `alignment` and gives their position. */
  reserve(size: number, alignment: number): number {
    this.#pad(alignment);
    const at = this.#length;
    this.#length += size;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#length);
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }

  /** Writes `object` at the end and points the four bytes at `from` to it. */
  reference(from: number, object: FlatObject): void {
    const at = this.#write(object);
    this.#view.setUint32(from, at - from, true);
  }

  #pad(alignment: number): void {
    const rest = this.#length % alignment;
    if (rest > 0) {
      this.#length += alignment - rest;
    }
  }

  #write(object: FlatObject): number {
    if ("table" in object) return this.#table(object.table);
    if ("text" in object) return this.#text(object.text);
    if ("vector" in object) return this.#vector(object.vector);
    return this.#structs(object.structs, object.perStruct);
  }

  #table(fields: FlatField[]): number {
    const vtable = this.reserve(4 + 2 * fields.length, 2);
    const offsets: number[] = [];
    let size = 4;
    for (const field of fields) {
      const width = widthOf(field);
      if (width > 0) size = Math.ceil(size / width) * width;
      offsets.push(width > 0 ? size : 0);
      size += width;
    }
    const table = this.reserve(size, 8);
    this.#view.setUint16(vtable, 4 + 2 * fields.length, true);
    this.#view.setUint16(vtable + 2, size, true);
    this.#view.setInt32(table, table - vtable, true);
    fields.forEach((_, slot) => this.#view.setUint16(vtable + 4 + 2 * slot, offsets[slot], true));
    fields.forEach((field, slot) => this.#field(table + offsets[slot], field));
    return table;
  }

  #field(at: number, field: FlatField): void {
    if (field === null) return;
    if ("u8" in field) this.#view.setUint8(at, field.u8);
    else if ("i16" in field) this.#view.setInt16(at, field.i16, true);
    else if ("i32" in field) this.#view.setInt32(at, field.i32, true);
    else if ("i64" in field) this.#int64(at, field.i64);
    else this.reference(at, field.ref);
  }

  /** Texts are counted in bytes and end in a zero that is not counted. */
  #text(text: string): number {
    const utf8 = encoder.encode(text);
    const at = this.reserve(4 + utf8.length + 1, 4);
    this.#view.setUint32(at, utf8.length, true);
    this.#bytes.set(utf8, at + 4);
    this.#lastText = at;
    return at;
  }

  #vector(objects: FlatObject[]): number {
    const at = this.reserve(4 + 4 * objects.length, 4);
    this.#view.setUint32(at, objects.length, true);
    objects.forEach((object, i) => this.reference(at + 4 + 4 * i, object));
    return at;
  }

  /** The structs themselves start on an 8-byte border, right after their count. */
  #structs(numbers: number[], perStruct: number): number {
    this.#pad(8);
    const at = this.reserve(8 + 8 * numbers.length, 8) + 4;
    this.#view.setUint32(at, numbers.length / perStruct, true);
    numbers.forEach((value, i) => this.#int64(at + 4 + 8 * i, value));
    return at;
  }

  #int64(at: number, value: number): void {
    this.#view.setBigInt64(at, BigInt(value), true);
  }
}

function widthOf(field: FlatField): number {
  if (field === null) return 0;
  if ("u8" in field) return 1;
  if ("i16" in field) return 2;
  if ("i64" in field) return 8;
  return 4;
}
