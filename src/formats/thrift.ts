/** Writes Thrift's compact protocol, as far as Parquet's headers and footers need it. */

/** A field's value. `i32` is also what enumerations are written as. */
export type ThriftValue =
  | { i16: number }
  | { i32: number }
  | { i64: number }
  | { binary: Uint8Array }
  | { text: string }
  | { struct: ThriftStruct }
  | { list: ThriftValue[] };

/** Fields by their id, ascending. */
export type ThriftStruct = [id: number, value: ThriftValue][];

const encoder = new TextEncoder();

/** The bytes of one struct. */
export function encodeThrift(struct: ThriftStruct): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  writeStruct(bytes, struct);
  return Uint8Array.from(bytes);
}

function writeStruct(bytes: number[], struct: ThriftStruct): void {
  let last = 0;
  for (const [id, value] of struct) {
    // Ids ascend by less than 16 in all structs of Parquet, so the short form always fits.
    bytes.push(((id - last) << 4) | typeOf(value));
    last = id;
    writeValue(bytes, value);
  }
  bytes.push(0);
}

function writeValue(bytes: number[], value: ThriftValue): void {
  if ("i16" in value) writeZigzag(bytes, value.i16);
  else if ("i32" in value) writeZigzag(bytes, value.i32);
  else if ("i64" in value) writeZigzag(bytes, value.i64);
  else if ("binary" in value) writeBinary(bytes, value.binary);
  else if ("text" in value) writeBinary(bytes, encoder.encode(value.text));
  else if ("struct" in value) writeStruct(bytes, value.struct);
  else writeList(bytes, value.list);
}

/** All elements of a list are of the type of the first; an empty one is written as one of structs. */
function writeList(bytes: number[], list: ThriftValue[]): void {
  const type = list.length > 0 ? typeOf(list[0]) : 12;
  if (list.length < 15) bytes.push((list.length << 4) | type);
  else {
    bytes.push(0xf0 | type);
    writeVarint(bytes, BigInt(list.length));
  }
  for (const value of list) writeValue(bytes, value);
}

function writeBinary(bytes: number[], binary: Uint8Array): void {
  writeVarint(bytes, BigInt(binary.length));
  for (const byte of binary) bytes.push(byte);
}

function writeZigzag(bytes: number[], value: number): void {
  const wide = BigInt(value);
  writeVarint(bytes, wide < 0n ? -2n * wide - 1n : 2n * wide);
}

function writeVarint(bytes: number[], value: bigint): void {
  let rest = value;
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
}

function typeOf(value: ThriftValue): number {
  if ("i16" in value) return 4;
  if ("i32" in value) return 5;
  if ("i64" in value) return 6;
  if ("binary" in value || "text" in value) return 8;
  if ("list" in value) return 9;
  return 12;
}
