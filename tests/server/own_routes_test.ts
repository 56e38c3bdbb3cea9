import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { ROUTES } from "../../src/server/routes.ts";
import { FIRST, NODE } from "./fake_service.ts";
import { makeBench, problemOf } from "./harness.ts";

Deno.test("healthz says ok, readyz says what works, with 503 when something does not", async () => {
  const { get, service } = makeBench();
  deepStrictEqual(await (await get("/healthz")).json(), { status: "ok" });
  const ready = await get("/readyz");
  strictEqual(ready.status, 200);
  deepStrictEqual(await ready.json(), { ready: true, checks: service.checks });
  service.checks = [{ name: "artifacts", ok: false, message: "not writable", hint: "chmod" }];
  const not = await get("/readyz");
  strictEqual(not.status, 503);
  deepStrictEqual(await not.json(), {
    ready: false,
    checks: [{ name: "artifacts", ok: false, message: "not writable" }],
  });
});

Deno.test("the root is a page for people and JSON for programs", async () => {
  const { get } = makeBench();
  const page = await get("/", { headers: { accept: "text/html,*/*" } });
  ok(page.headers.get("content-type")!.startsWith("text/html"));
  ok((await page.text()).includes("/openapi.json"));
  const body = await (await get("/")).json();
  strictEqual(body.name, "seamless");
  strictEqual(body.version, "0.1.0");
});

Deno.test("every answer carries its request id, errors too, and no two are the same", async () => {
  const { get } = makeBench();
  const ids = new Set<string>();
  for (const path of ["/healthz", "/nothing", `/v1/bars?node_id=x`, "/v1/nodes"]) {
    ids.add((await get(path)).headers.get("seamless-request-id")!);
  }
  strictEqual(ids.size, 4);
  for (const id of ids) strictEqual(/^[0-9a-f]{32}$/.test(id), true);
});

Deno.test("a fault of the service is a 500 that tells nothing and is logged whole", async () => {
  const { get, service, logged } = makeBench();
  service.failure = new TypeError("secret path /home/x and key abc");
  const response = await get(`/v1/bars?node_id=${NODE}&last=5`);
  const problem = await problemOf(response, "INTERNAL");
  ok(!JSON.stringify(problem).includes("secret"));
  const [entry] = logged.filter(({ event }) => event === "seamless.http.fault");
  ok(String(entry.fields.error).includes("secret path"));
  ok(problem.detail.includes(String(entry.fields.request_id)));
});

Deno.test("healthz answers while all places are taken, others are told to come back", async () => {
  const { get, service } = makeBench({ config: { maxConcurrentRequests: 2 } });
  let open = () => {};
  service.gate = new Promise((resolve) => open = resolve);
  const path = `/v1/bars?node_id=${NODE}&start=${FIRST}&end=${FIRST + 600}`;
  const waiting = [get(path), get(path)];
  const refused = await get(path);
  strictEqual(refused.status, 429);
  strictEqual(refused.headers.get("retry-after"), "1");
  const problem = await problemOf(refused, "OVERLOADED");
  strictEqual(problem.retry_after, 1);
  strictEqual((await get("/healthz")).status, 200);
  open();
  deepStrictEqual((await Promise.all(waiting)).map(({ status }) => status), [200, 200]);
  strictEqual((await get(path)).status, 200);
});

Deno.test("a job is started, reported and cancelled", async () => {
  const { get, post } = makeBench();
  const started = await post("/v1/backfills", { nodes: [NODE], start: "2023-03-24", end: FIRST + 86_400 });
  strictEqual(started.status, 202);
  const job = await started.json();
  deepStrictEqual(Object.keys(job), ["id", "state", "created_at"]);
  const location = started.headers.get("location")!;
  strictEqual(location, `/v1/backfills/${job.id}`);
  strictEqual((await (await get(location)).json()).completion_ratio, 0.25);
  for (let i = 0; i < 2; i++) {
    const cancelled = await get(location, { method: "DELETE" });
    strictEqual(cancelled.status, 200);
    strictEqual((await cancelled.json()).state, "cancelled");
  }
  const odd = await post("/v1/backfills", { nodes: [NODE], start: null, idempotency_key: "a/b ?" });
  const there = odd.headers.get("location")!;
  strictEqual(there, "/v1/backfills/a%2Fb%20%3F");
  strictEqual((await (await get(there)).json()).id, "a/b ?");
});

Deno.test("coverage, condition and plan pass the service's report on", async () => {
  const { get, post, service } = makeBench();
  const range = [FIRST, FIRST + 86_400] as const;
  const coverage = await get(`/v1/coverage?node_id=${NODE}&start=${range[0]}&end=${range[1]}`);
  deepStrictEqual(await coverage.json(), await service.coverage(NODE, { range }));
  deepStrictEqual(await (await get(`/v1/coverage?node_id=${NODE}`)).json(), await service.coverage(NODE));
  const condition = await get(`/v1/condition?node_id=${NODE}&start=${range[0]}&end=${range[1]}`);
  deepStrictEqual(await condition.json(), await service.condition(NODE, range));
  const plan = await post("/v1/plan", { nodes: [NODE], start: null, end: null });
  deepStrictEqual(await plan.json(), await service.plan({ nodes: [NODE], start: null, end: null }));
});

Deno.test("openapi.json documents each built route and none that is not", async () => {
  const { get } = makeBench();
  const document = await (await get("/openapi.json")).json();
  strictEqual(document.openapi, "3.1.0");
  const listed = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`)
  );
  const built = ROUTES.filter(({ unlisted }) => !unlisted).map(({ method, path }) =>
    `${method} ${path.replace("*", "{key}")}`
  );
  deepStrictEqual(listed.sort(), [...new Set(built)].sort());
  const text = JSON.stringify(document);
  for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
    ok(document.components.schemas[name], name);
  }
  const ids = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods as Record<string, { operationId: string }>).map(({ operationId }) => operationId)
  );
  strictEqual(new Set(ids).size, ids.length);
});
