/** The demo's client of the service: plain HTTP, as any program would ask. */

/** A range in epoch seconds. */
export interface Range {
  start: number;
  end: number;
}

/** A live answer: fingerprint of its dataset, `as_of`, coverage in short, and the rows. */
export interface LiveAnswer {
  fingerprint: string;
  asOf: string;
  coverage: string;
  csv: Uint8Array;
}

/** The running service at a URL. Every method throws when it answers with anything but success. */
export class Service {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async get<T>(path: string): Promise<T> {
    return await (await this.#ask(path)).json() as T;
  }

  async post<T>(path: string, body: unknown): Promise<T> {
    const headers = { "content-type": "application/json" };
    const response = await this.#ask(path, { method: "POST", headers, body: JSON.stringify(body) });
    return await response.json() as T;
  }

  /** The live answer over a range: its rows as CSV, and what its headers say of it. */
  async live(nodeId: string, range: Range): Promise<LiveAnswer> {
    const asked = { node_id: nodeId, start: range.start, end: range.end, execution_domain: "live" };
    const response = await this.#ask(barsPath({ ...asked, format: "csv" }));
    const header = (name: string) => response.headers.get(name) ?? "none";
    return {
      fingerprint: header("seamless-fingerprint"),
      asOf: header("seamless-as-of"),
      coverage: header("seamless-coverage"),
      csv: await response.bytes(),
    };
  }

  /** A backtest's answer as its bytes. */
  async backtest(nodeId: string, range: Range, o: { asOf: string; format: string }): Promise<Uint8Array> {
    const asked = { node_id: nodeId, start: range.start, end: range.end, execution_domain: "backtest" };
    return await this.#bytes(barsPath({ ...asked, as_of: o.asOf, format: o.format }));
  }

  async #bytes(path: string): Promise<Uint8Array> {
    return (await this.#ask(path)).bytes();
  }

  async #ask(path: string, init?: RequestInit): Promise<Response> {
    const response = await fetch(`${this.#url}${path}`, init);
    if (response.ok) return response;
    throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  }
}

function barsPath(query: Record<string, string | number>): string {
  const text = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  return `/v1/bars?${text}`;
}

/** SHA-256 as its first 16 hex digits: enough to compare by eye. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(bytes)));
  return Array.from(digest.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
