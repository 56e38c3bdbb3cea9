import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { createHash } from "node:crypto";
import { startServer } from "../../src/server/serve.ts";
import { AS_OFS, FIRST, NODE } from "./fake_service.ts";
import { type Bench, makeBench, problemOf } from "./harness.ts";

const digest = (key: string) => createHash("sha256").update(key).digest("hex");
const READER = "reader-key-1";
const OPERATOR = "operator-key-2";
const apiKeys = [
  { name: "reader", sha256: digest(READER), role: "read" as const },
  { name: "operator", sha256: digest(OPERATOR), role: "operate" as const },
];
const as = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });
const SPEC = { nodes: [NODE], start: FIRST };
const DAY = `/v1/bars?node_id=${NODE}&start=${FIRST}&end=${FIRST + 600}`;

/** Every listed and unlisted route once, as `METHOD path`. */
const EVERYTHING = [
  ["GET", DAY],
  ["GET", `/v1/coverage?node_id=${NODE}`],
  ["GET", `/v1/nodes`],
  ["GET", "/v1/events"],
  ["GET", "/artifacts/a.json"],
  ["GET", "/openapi.json"],
  ["GET", "/"],
  ["GET", "/metrics"],
  ["GET", "/nothing"],
  ["PUT", "/v1/bars"],
  ["OPTIONS", "/v1/bars"],
  ["HEAD", DAY],
  ["DELETE", "/v1/backfills/x"],
  ["POST", "/v1/backfills"],
] as const;

Deno.test("with keys, only healthz and readyz are open", async () => {
  const { get } = makeBench({ config: { apiKeys } });
  for (const [method, path] of EVERYTHING) {
    const response = await get(path, { method });
    strictEqual(response.status, 401, `${method} ${path}`);
    ok(response.headers.get("www-authenticate")!.startsWith("Bearer"));
    if (method !== "HEAD") await problemOf(response, "UNAUTHENTICATED");
  }
  strictEqual((await get("/healthz")).status, 200);
  strictEqual((await get("/readyz")).status, 200);
});

Deno.test("a wrong, malformed or empty key is refused", async () => {
  const { get } = makeBench({ config: { apiKeys } });
  for (
    const authorization of [
      "Bearer wrong",
      `Bearer ${READER}x`,
      `Bearer ${digest(READER)}`,
      "Bearer",
      "Bearer  ",
      `Basic ${READER}`,
      READER,
      `Bearer ${READER} ${OPERATOR}`,
    ]
  ) {
    await problemOf(await get(DAY, { headers: { authorization } }), "UNAUTHENTICATED");
  }
  strictEqual((await get(DAY, { headers: { authorization: `bearer   ${READER}` } })).status, 200);
});

Deno.test("read may look, plan and validate; the rest needs operate", async () => {
  const { get, post } = makeBench({ config: { apiKeys } });
  const reader = as(READER);
  strictEqual((await get(DAY, reader)).status, 200);
  strictEqual((await post("/v1/plan", SPEC, reader)).status, 200);
  strictEqual((await post("/v1/validate", { requests: [{}] }, reader)).status, 200);
  await problemOf(await post("/v1/backfills", SPEC, reader), "FORBIDDEN");
  await problemOf(await get("/v1/backfills/x", { method: "DELETE", ...reader }), "FORBIDDEN");
  await problemOf(await post("/v1/sessions", {}, reader), "FORBIDDEN");
  await problemOf(await post("/v1/leases/claim", {}, reader), "FORBIDDEN");
  strictEqual((await post("/v1/backfills", SPEC, as(OPERATOR))).status, 202);
  await problemOf(await get("/nothing", reader), "NOT_FOUND");
});

Deno.test("behind keys, pinned answers are private to caches", async () => {
  const { get } = makeBench({ config: { apiKeys } });
  const response = await get(`${DAY}&as_of=${AS_OFS[0]}`, as(READER));
  strictEqual(response.headers.get("cache-control"), "private, max-age=31536000, immutable");
});

Deno.test("without keys, a request for another host is refused: its name may have been rebound to this machine", async () => {
  const { get } = makeBench();
  const hosts = async (bench: Bench, names: string[]) => {
    const statuses = [];
    for (const host of names) statuses.push((await bench.get("/healthz", { headers: { host } })).status);
    return statuses;
  };
  const response = await get(DAY, { headers: { host: "evil.example:8420" } });
  await problemOf(response, "FORBIDDEN");
  const own = ["127.0.0.1", "127.0.0.1:8420", "localhost:1", "LOCALHOST", "[::1]:8420", "seamless.localhost"];
  deepStrictEqual(await hosts(makeBench(), own), own.map(() => 200));
  const foreign = ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "10.0.0.1"];
  deepStrictEqual(await hosts(makeBench(), foreign), foreign.map(() => 403));
  deepStrictEqual(await hosts(makeBench({ config: { apiKeys } }), ["seamless.example"]), [200]);
});

Deno.test("the service refuses to listen off loopback without keys", async () => {
  for (const hostname of ["0.0.0.0", "::", "192.168.1.5", "seamless.example"]) {
    const { app } = makeBench({ config: { hostname } });
    throws(() => startServer(app), (error: { code: string }) => error.code === "CONFIG_INVALID");
  }
  const { app } = makeBench({ config: { hostname: "0.0.0.0", apiKeys } });
  const server = startServer(app);
  const port = new URL(server.url).port;
  const response = await fetch(`http://127.0.0.1:${port}/v1/nodes`, as(READER));
  strictEqual(response.status, 200);
  await response.body?.cancel();
  await server.shutdown();
});
