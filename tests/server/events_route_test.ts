import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { ServiceEvent } from "../../src/core/service.ts";
import { turn } from "../fake_clock.ts";
import { NODE, SMALL_NODE } from "./fake_service.ts";
import { type Bench, makeBench, problemOf } from "./harness.ts";

const gap = (bars: number, node_id = NODE): ServiceEvent => ({
  type: "gap",
  node_id,
  start: 0,
  end: 60 * bars,
  bars,
  reason: "absent_at_source",
});
const snapshot = (seq: number, node_id = NODE): ServiceEvent => ({
  type: "snapshot",
  node_id,
  seq,
  as_of: "2026-01-01T00:00:00.000Z",
  dataset_fingerprint: `sfp1:${"0".repeat(64)}`,
  operation: "publish",
});

interface Sent {
  id?: string;
  event?: string;
  data?: Record<string, unknown>;
  comment?: string;
}

/** Reads a stream event by event, as a browser would. */
class Listener {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #buffer = "";
  #decoder = new TextDecoder();

  constructor(response: Response) {
    strictEqual(response.status, 200);
    strictEqual(response.headers.get("content-type"), "text/event-stream");
    this.#reader = response.body!.getReader();
  }

  /** The next block, or null at the end. */
  async next(): Promise<Sent | null> {
    while (!this.#buffer.includes("\n\n")) {
      const { done, value } = await this.#reader.read();
      if (done) return null;
      this.#buffer += this.#decoder.decode(value, { stream: true });
    }
    const end = this.#buffer.indexOf("\n\n");
    const block = this.#buffer.slice(0, end);
    this.#buffer = this.#buffer.slice(end + 2);
    const sent: Sent = {};
    for (const line of block.split("\n")) {
      if (line.startsWith("id: ")) sent.id = line.slice(4);
      else if (line.startsWith("event: ")) sent.event = line.slice(7);
      else if (line.startsWith("data: ")) sent.data = JSON.parse(line.slice(6));
      else if (line.startsWith(":")) sent.comment = line.slice(1).trim();
    }
    return sent;
  }

  stop(): Promise<void> {
    return this.#reader.cancel();
  }
}

async function listen(bench: Bench, query = "", headers: Record<string, string> = {}): Promise<Listener> {
  const listener = new Listener(await bench.get(`/v1/events${query}`, { headers }));
  ok((await listener.next())?.comment?.includes("seamless"));
  return listener;
}

Deno.test("events arrive in order, each with its id, its type and its body", async () => {
  const bench = makeBench();
  const listener = await listen(bench);
  bench.service.emit(gap(3));
  bench.service.emit(snapshot(1));
  const first = (await listener.next())!;
  strictEqual(first.event, "gap");
  deepStrictEqual(first.data, {
    node_id: NODE,
    start: 0,
    end: 180,
    bars: 3,
    reason: "absent_at_source",
  });
  const second = (await listener.next())!;
  strictEqual(second.event, "snapshot");
  ok(first.id!.endsWith("-1") && second.id!.endsWith("-2"));
  await listener.stop();
});

Deno.test("types= and node_id= choose what is heard", async () => {
  const bench = makeBench();
  const gaps = await listen(bench, "?types=gap,backfill");
  const small = await listen(bench, `?node_id=${SMALL_NODE}&world_id=default`);
  for (const event of [snapshot(1), gap(1), snapshot(2, SMALL_NODE), gap(2, SMALL_NODE)]) {
    bench.service.emit(event);
  }
  deepStrictEqual([(await gaps.next())?.data?.bars, (await gaps.next())?.data?.bars], [1, 2]);
  deepStrictEqual([(await small.next())?.event, (await small.next())?.event], ["snapshot", "gap"]);
  await Promise.all([gaps.stop(), small.stop()]);
});

Deno.test("a client that comes back with Last-Event-ID misses nothing that is kept", async () => {
  const bench = makeBench();
  const first = await listen(bench, "?types=gap");
  bench.service.emit(gap(1));
  const { id } = (await first.next())!;
  await first.stop();
  bench.service.emit(snapshot(1));
  bench.service.emit(gap(2));
  bench.service.emit(gap(3));
  const again = await listen(bench, "?types=gap", { "last-event-id": id! });
  deepStrictEqual([(await again.next())?.data?.bars, (await again.next())?.data?.bars], [2, 3]);
  await again.stop();
});

Deno.test("a Last-Event-ID that is gone, of another run, or made up gets reset first", async () => {
  const bench = makeBench();
  const first = await listen(bench);
  bench.service.emit(gap(1));
  const { id } = (await first.next())!;
  await first.stop();
  const run = id!.split("-")[0];
  for (let i = 0; i < 1_100; i++) bench.service.emit(gap(i));
  for (const header of [id!, `${run}-0`, `${run}-99999`, "other-3", "3", "x".repeat(500)]) {
    const listener = await listen(bench, "", { "last-event-id": header });
    const reset = (await listener.next())!;
    strictEqual(reset.event, "reset", header);
    strictEqual(reset.id, undefined);
    bench.service.emit(gap(7));
    strictEqual((await listener.next())?.data?.bars, 7);
    await listener.stop();
  }
});

Deno.test("a client that reads too slowly loses events and is told so; the service keeps a bounded queue", async () => {
  const bench = makeBench();
  const listener = await listen(bench, "?types=gap");
  const waiting = listener.next();
  bench.service.emit(gap(1));
  strictEqual((await waiting)?.data?.bars, 1);
  for (let i = 0; i < 5_000; i++) bench.service.emit(gap(i));
  const reset = (await listener.next())!;
  strictEqual(reset.event, "reset");
  const rest: unknown[] = [];
  while (rest.at(-1) !== 4_999) rest.push((await listener.next())?.data?.bars);
  ok(rest.length <= 2_048, `${rest.length} kept`);
  deepStrictEqual(rest, Array.from({ length: rest.length }, (_, i) => 5_000 - rest.length + i));
  await listener.stop();
});

Deno.test("a quiet stream says every 15 seconds that it is alive", async () => {
  const bench = makeBench();
  const listener = await listen(bench);
  for (let i = 0; i < 3; i++) {
    const beat = listener.next();
    await bench.clock.advance(15_000);
    strictEqual((await beat)?.comment, "alive");
  }
  await listener.stop();
});

Deno.test("a stream that is left is forgotten, also by the clock", async () => {
  const bench = makeBench();
  const listener = await listen(bench);
  const waiting = listener.next();
  await turn();
  await listener.stop();
  strictEqual(await waiting, null);
  await turn();
  strictEqual(bench.clock.sleeping, 0);
  const leaving = new AbortController();
  const other = new Listener(await bench.get("/v1/events", { signal: leaving.signal }));
  await other.next();
  const rest = other.next();
  leaving.abort();
  strictEqual(await rest, null);
});

Deno.test("closing the app ends every stream and stops listening to the service", async () => {
  const bench = makeBench();
  const listeners = [await listen(bench), await listen(bench)];
  strictEqual(bench.service.listeners, 1);
  bench.app.close();
  for (const listener of listeners) strictEqual(await listener.next(), null);
  strictEqual(bench.service.listeners, 0);
});

Deno.test("event streams do not take the places of requests, and are bounded themselves", async () => {
  const bench = makeBench({ config: { maxConcurrentRequests: 1 } });
  const listeners: Listener[] = [];
  for (let i = 0; i < 256; i++) listeners.push(await listen(bench));
  strictEqual((await bench.get("/v1/nodes")).status, 200);
  await problemOf(await bench.get("/v1/events"), "OVERLOADED");
  await listeners[0].stop();
  const another = await listen(bench);
  await Promise.all([...listeners.slice(1), another].map((listener) => listener.stop()));
});
