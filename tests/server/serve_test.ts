import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { tableFromIPC } from "apache-arrow";
import { systemClock } from "../../src/adapters/system.ts";
import { createApp } from "../../src/server/app.ts";
import { startServer } from "../../src/server/serve.ts";
import { SeededDice, turn } from "../fake_clock.ts";
import { FakeService, FIRST, NODE } from "./fake_service.ts";
import { DEFAULTS, makeBench } from "./harness.ts";

const DAY = `/v1/bars?node_id=${NODE}&start=${FIRST}&end=${FIRST + 86_400}`;

async function takenIn(response: Response): Promise<Response> {
  await response.bytes();
  return response;
}

/** Waits until something holds, letting I/O run; fails after many turns. */
async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 20_000 && !holds(); i++) await turn();
  ok(holds(), "it never came to hold");
}

Deno.test("a real socket: bars, errors, HEAD, 304 and artifacts with their lengths", async () => {
  const bench = makeBench({ rows: 60_000 });
  bench.service.artifacts.set("big.bin", new Uint8Array(3_000_000).fill(9));
  const server = startServer(bench.app);
  const whole = await fetch(
    `${server.url}/v1/bars?node_id=${NODE}&start=${FIRST}&end=${FIRST + 3_600_000}&format=arrow`,
  );
  strictEqual(tableFromIPC(await whole.bytes()).numRows, 60_000);
  const missing = await fetch(`${server.url}/nothing`);
  strictEqual(missing.status, 404);
  strictEqual((await missing.json()).code, "NOT_FOUND");
  const head = await fetch(server.url + DAY, { method: "HEAD" });
  strictEqual(head.status, 200);
  const artifact = await fetch(`${server.url}/artifacts/big.bin`);
  strictEqual(artifact.headers.get("content-length"), "3000000");
  strictEqual((await artifact.bytes()).length, 3_000_000);
  const part = await fetch(`${server.url}/artifacts/big.bin`, { headers: { range: "bytes=-5" } });
  strictEqual(part.status, 206);
  deepStrictEqual(await part.bytes(), new Uint8Array(5).fill(9));
  await server.shutdown();
});

Deno.test("a host that is not this machine is refused at a real socket, however it is written", async () => {
  const server = startServer(makeBench().app);
  const { port } = new URL(server.url);
  const statusOf = async (head: string) => {
    const socket = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
    await socket.write(new TextEncoder().encode(`${head}\r\nconnection: close\r\n\r\n`));
    const status = (await new Response(socket.readable).text()).slice(9, 12);
    return Number(status);
  };
  for (const host of ["127.0.0.1", `127.0.0.1:${port}`, "LOCALHOST:1", "[::1]"]) {
    strictEqual(await statusOf(`GET /healthz HTTP/1.1\r\nhost: ${host}`), 200, host);
  }
  for (
    const host of [
      "evil.example",
      "evil.example:80",
      "127.0.0.1.evil.example",
      "localhost@evil.example",
      "evil.example?",
    ]
  ) {
    strictEqual(await statusOf(`GET /healthz HTTP/1.1\r\nhost: ${host}`), 403, host);
  }
  strictEqual(await statusOf("GET http://evil.example/healthz HTTP/1.1\r\nhost: 127.0.0.1"), 403);
  strictEqual(await statusOf("GET /healthz HTTP/1.0"), 200);
  await server.shutdown();
});

Deno.test("HEAD states no length but the one that GET has", async () => {
  const bench = makeBench();
  bench.service.artifacts.set("a.bin", new Uint8Array(77));
  const server = startServer(bench.app);
  for (
    const path of [
      "/healthz",
      "/openapi.json",
      `/v1/coverage?node_id=${NODE}`,
      "/artifacts/a.bin",
      "/nothing",
      DAY,
      `${DAY}&format=arrow`,
    ]
  ) {
    const whole = await fetch(server.url + path);
    const { length } = await whole.bytes();
    const head = await fetch(server.url + path, { method: "HEAD" });
    strictEqual(head.status, whole.status, path);
    strictEqual((await head.bytes()).length, 0, path);
    const stated = head.headers.get("content-length");
    ok(stated === null || stated === String(length), `${path}: HEAD says ${stated}, GET sends ${length}`);
    if (!path.startsWith("/v1/bars")) strictEqual(stated, String(length), path);
  }
  await server.shutdown();
});

Deno.test("paths are taken as they are sent: dots lead nowhere, and what is no request is answered as none", async () => {
  const server = startServer(makeBench().app);
  const port = Number(new URL(server.url).port);
  const statusOf = async (target: string) => {
    const socket = await Deno.connect({ hostname: "127.0.0.1", port });
    await socket.write(
      new TextEncoder().encode(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`),
    );
    const text = await new Response(socket.readable).text();
    return Number(text.split(" ")[1]);
  };
  strictEqual(await statusOf("/healthz"), 200);
  strictEqual(await statusOf("/artifacts/../../../etc/passwd"), 400);
  strictEqual(await statusOf("/artifacts/%2e%2e/%2e%2e/etc/passwd"), 400);
  strictEqual(await statusOf("/artifacts/a/..%2f..%2fb"), 400);
  strictEqual(await statusOf("/v1/../healthz"), 404);
  strictEqual(await statusOf("//healthz"), 404);
  strictEqual(await statusOf("/healthz?x"), 400);
  strictEqual(await statusOf("/healthz?"), 200);
  strictEqual(await statusOf(`/v1/bars?node_id=%ff`), 400);
  await server.shutdown();
});

Deno.test("a client that leaves cancels what the service does for it", async () => {
  const bench = makeBench();
  let open = () => {};
  bench.service.gate = new Promise((resolve) => open = resolve);
  const server = startServer(bench.app);
  const leaving = new AbortController();
  const asked = fetch(server.url + DAY, { signal: leaving.signal });
  await until(() => bench.service.asked.length === 1);
  const { signal } = bench.service.asked[0].context!;
  strictEqual(signal!.aborted, false);
  const released = new Promise((resolve) => signal!.addEventListener("abort", resolve, { once: true }));
  leaving.abort();
  await rejects(asked);
  await released;
  open();
  await server.shutdown();
});

Deno.test("what does not end within 20 seconds of a stop is given up", async () => {
  const bench = makeBench({ rows: 60_000 });
  const server = startServer(bench.app);
  const path = `/v1/bars?node_id=${NODE}&start=${FIRST}&end=${FIRST + 3_600_000}&format=arrow`;
  const stalled = (await fetch(server.url + path)).body!.getReader();
  await stalled.read();
  bench.service.bars = (_request, context) =>
    new Promise((_, reject) => {
      const { signal } = context!;
      signal!.addEventListener("abort", () => reject(signal!.reason), { once: true });
      bench.service.asked.push({ request: { nodeId: "waiting" } });
    });
  const waiting = fetch(server.url + DAY);
  await until(() => bench.service.asked.length === 2);
  const stopped = server.shutdown();
  await bench.clock.advance(20_000);
  const response = await waiting;
  strictEqual(response.status, 499);
  strictEqual((await response.json()).code, "CANCELLED");
  await stopped;
  await stalled.cancel().catch(() => {/* It was cut off already. */});
});

/** Opens a POST whose body never comes whole. */
async function halfSent(url: string): Promise<Deno.Conn> {
  const socket = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) });
  const head = "POST /v1/plan HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
  await socket.write(new TextEncoder().encode(`${head}Content-Length: 100\r\n\r\n{"nodes"`));
  return socket;
}

Deno.test("a client that stops sending its body loses its place after the timeout", async () => {
  const bench = makeBench({ config: { maxConcurrentRequests: 1 } });
  const server = startServer(bench.app);
  const stuck = await halfSent(server.url);
  await until(() => bench.clock.sleeping === 1);
  strictEqual((await fetch(server.url + DAY).then(takenIn)).status, 429);
  await bench.clock.advance(DEFAULTS.writeTimeoutMs);
  const told = new Uint8Array(20);
  await stuck.read(told);
  strictEqual(new TextDecoder().decode(told).slice(0, 12), "HTTP/1.1 400");
  stuck.close();
  strictEqual((await fetch(server.url + DAY).then(takenIn)).status, 200);
  await server.shutdown();
});

Deno.test("a client that leaves while it sends is no fault of the service", async () => {
  const bench = makeBench();
  const server = startServer(bench.app);
  const leaving = await halfSent(server.url);
  await until(() => bench.clock.sleeping === 1);
  leaving.close();
  await until(() => bench.clock.sleeping === 0);
  await until(() => bench.logged.some(({ event }) => event === "seamless.http.request"));
  deepStrictEqual(bench.logged.filter(({ level }) => level === "error"), []);
  await server.shutdown();
});

Deno.test("a signal of an answered request does not fire", async () => {
  const bench = makeBench();
  const server = startServer(bench.app);
  await (await fetch(server.url + DAY)).bytes();
  strictEqual(bench.service.asked[0].context!.signal!.aborted, false);
  await server.shutdown();
});

Deno.test("a stop ends event streams first and lets requests under way finish", async () => {
  const bench = makeBench();
  let open = () => {};
  bench.service.gate = new Promise((resolve) => open = resolve);
  const server = startServer(bench.app);
  const events = await fetch(`${server.url}/v1/events`);
  const slow = fetch(server.url + DAY);
  await until(() => bench.service.asked.length === 1);
  const stopped = server.shutdown();
  ok((await events.text()).includes("seamless events"));
  open();
  strictEqual((await (await slow).json()).rows.length, 1440);
  await stopped;
  await rejects(fetch(`${server.url}/healthz`));
  strictEqual(bench.clock.sleeping, 0);
});

Deno.test("an address that is taken is CONFIG_INVALID with a way out", async () => {
  const first = startServer(makeBench().app);
  const { app } = makeBench({ config: { port: Number(new URL(first.url).port) } });
  let code = "";
  try {
    await startServer(app).shutdown();
  } catch (error) {
    ({ code } = error as { code: string });
  }
  strictEqual(code, "CONFIG_INVALID");
  await first.shutdown();
});

Deno.test("memory stays flat while a long answer is read slowly", async () => {
  const service = new FakeService(systemClock, { rows: 1_000_000 });
  const app = createApp({
    service,
    config: DEFAULTS,
    clock: systemClock,
    dice: new SeededDice(1),
    log: { emit() {} },
    version: "0.1.0",
  });
  const server = startServer(app);
  const path = `/v1/bars?node_id=${NODE}&start=${FIRST}&end=${FIRST + 60_000_000}&format=arrow`;
  const response = await fetch(server.url + path);
  const reader = response.body!.getReader();
  await reader.read();
  for (let i = 0; i < 200; i++) await turn();
  // Sockets buffer a few megabytes at most; the answer has 48.
  ok(service.slicesMade < 120, `${service.slicesMade} of 245 slices were made for a reader that waits`);
  let bytes = 0;
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) bytes += piece.value.length;
  ok(bytes > 47_000_000);
  await server.shutdown();
});
