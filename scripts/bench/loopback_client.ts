/**
 * An HTTP client that costs next to nothing, so that what is measured is the server: one kept connection, bodies
 * counted and thrown away, chunked or of known length.
 */

/** One answer, and when it came. Times in milliseconds from the moment of asking. */
export interface Timed {
  status: number;
  headers: string;
  bodyBytes: number;
  /** When the first byte of the body was here. */
  firstByteMs: number;
  allMs: number;
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const HEAD_END = encoder.encode("\r\n\r\n");

/** One connection to a loopback server. Not for requests side by side. */
export class LoopbackClient {
  readonly #url: URL;
  readonly #buffer = new Uint8Array(1 << 20);
  #connection: Deno.TcpConn | null = null;

  constructor(url: string) {
    this.#url = new URL(url);
  }

  /** Asks and takes the whole answer in. `pace` is called after each piece, for readers that take their time. */
  async get(
    path: string,
    o: { accept?: string; pace?: (bytes: number) => Promise<void> } = {},
  ): Promise<Timed> {
    const connection = this.#connection ??= await Deno.connect({
      hostname: this.#url.hostname,
      port: Number(this.#url.port),
    });
    const request = encoder.encode(
      `GET ${path} HTTP/1.1\r\nhost: ${this.#url.host}\r\naccept: ${o.accept ?? "*/*"}\r\n\r\n`,
    );
    const begunMs = performance.now();
    await connection.write(request);
    const head = await this.#head(connection);
    const body = head.length === null ? new ChunkedBody() : new CountedBody(head.length);
    let firstByteMs = head.rest.length > 0 ? performance.now() - begunMs : NaN;
    body.take(head.rest);
    while (!body.done) {
      const read = await connection.read(this.#buffer);
      if (read === null) throw new Error(`the connection ended after ${body.bytes} bytes of ${path}`);
      if (Number.isNaN(firstByteMs)) firstByteMs = performance.now() - begunMs;
      body.take(this.#buffer.subarray(0, read));
      if (o.pace !== undefined) await o.pace(read);
    }
    const allMs = performance.now() - begunMs;
    return { status: head.status, headers: head.text, bodyBytes: body.bytes, firstByteMs, allMs };
  }

  close(): void {
    this.#connection?.close();
    this.#connection = null;
  }

  async #head(connection: Deno.TcpConn) {
    let filled = 0;
    while (true) {
      const read = await connection.read(this.#buffer.subarray(filled));
      if (read === null) throw new Error("the connection ended before the headers");
      filled += read;
      const end = indexOf(this.#buffer.subarray(0, filled), HEAD_END);
      if (end < 0) continue;
      const text = decoder.decode(this.#buffer.subarray(0, end));
      const length = /\r\ncontent-length: (\d+)/i.exec(text);
      return {
        text,
        status: Number(text.slice(9, 12)),
        length: length === null ? null : Number(length[1]),
        rest: this.#buffer.subarray(end + HEAD_END.length, filled),
      };
    }
  }
}

/** A body whose length was told. */
class CountedBody {
  bytes = 0;
  readonly #length: number;

  constructor(length: number) {
    this.#length = length;
  }

  get done(): boolean {
    return this.bytes >= this.#length;
  }

  take(part: Uint8Array): void {
    this.bytes += part.length;
  }
}

/** A chunked body (RFC 9112 §7.1), without trailers: sizes are read, data is skipped. */
class ChunkedBody {
  bytes = 0;
  done = false;
  /** Bytes of the running chunk still to come, with its line end. */
  #left = 0;
  #size = "";
  #ended = false;

  take(part: Uint8Array): void {
    for (let at = 0; at < part.length;) {
      if (this.#left > 0) {
        const skipped = Math.min(this.#left, part.length - at);
        this.#left -= skipped;
        at += skipped;
        continue;
      }
      const byte = part[at++];
      if (byte === 13) continue;
      if (byte !== 10) this.#size += String.fromCharCode(byte);
      else if (this.#size !== "") this.#begin(parseInt(this.#size, 16));
      else if (this.#ended) this.done = true;
    }
  }

  #begin(size: number): void {
    this.#size = "";
    this.bytes += size;
    this.#ended = size === 0;
    this.#left = size === 0 ? 0 : size + 2;
  }
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array): number {
  outer: for (let i = 0; i + wanted.length <= bytes.length; i++) {
    for (let j = 0; j < wanted.length; j++) if (bytes[i + j] !== wanted[j]) continue outer;
    return i;
  }
  return -1;
}
