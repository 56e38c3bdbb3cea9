/** `POST /v1/validate`: what would be refused, told without asking. */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { AS_OFS, FIRST, NODE } from "./fake_service.ts";
import { makeBench, problemOf } from "./harness.ts";

Deno.test("validate judges a request as it would be asked: under which context, of how many slots, by which cursor", async () => {
  const { post, get, service } = makeBench({ config: { requireContext: true, maxRangeBars: 2_000_000 } });
  const asked = { node_id: NODE, start: FIRST, end: FIRST + 600, execution_domain: "live" };
  const page = await (await get(`/v1/bars?${new URLSearchParams({ ...asked, limit: "3" } as never)}`)).json();
  const response = await post("/v1/validate", {
    requests: [
      asked,
      { ...asked, limit: 5 },
      { ...asked, cursor: page.next },
      { cursor: page.next },
      { ...asked, cursor: "made-up" },
      { ...asked, end: FIRST + 1200, cursor: page.next },
    ],
  });
  const { problems } = await response.json();
  deepStrictEqual(problems.map(({ index, code }: { index: number; code: string }) => `${index} ${code}`), [
    "4 CURSOR_INVALID",
    "5 CURSOR_INVALID",
  ]);
  deepStrictEqual(service.validated.slice(0, 4).map(({ context }) => context), [
    { requireContext: true, maxSlots: 1_000_000 },
    { requireContext: true, maxSlots: 2_000_000 },
    { requireContext: true, maxSlots: 2_000_000 },
    { requireContext: true, maxSlots: 2_000_000 },
  ]);
  deepStrictEqual(service.validated[3].request.start, FIRST);
});

Deno.test("validate names each bad request by its index, and asks nothing", async () => {
  const { post, service } = makeBench();
  const good = { node_id: NODE, start: FIRST, end: "2023-03-25", limit: 5, format: "csv", as_of: AS_OFS[0] };
  const response = await post("/v1/validate", {
    requests: [
      good,
      { ...good, start: "soon" },
      { ...good, nod_id: "x" },
      { node_id: NODE, last: "10" },
      7,
      { exchange: "binance", symbol: "NO/SUCH", timeframe: "1m", last: 5 },
      { ...good, limit: 0 },
      { ...good, format: "xml" },
      { node_id: ["x"], last: 5 },
    ],
  });
  strictEqual(response.status, 200);
  const { ok: fine, problems } = await response.json();
  strictEqual(fine, false);
  const codes = problems.map(({ index, code }: { index: number; code: string }) => `${index} ${code}`);
  strictEqual(
    codes.join(),
    "1 BAD_TIME,2 BAD_REQUEST,4 BAD_REQUEST,5 SYMBOL_UNKNOWN,6 BAD_REQUEST,7 BAD_REQUEST,8 BAD_REQUEST",
  );
  for (const problem of problems) ok(problem.detail && problem.hint);
  strictEqual(service.asked.length, 0);
  const all = await (await post("/v1/validate", { requests: [good] })).json();
  strictEqual(all.ok, true);
  for (
    const body of [{}, { requests: [] }, { requests: {} }, { request: [good] }, {
      requests: Array(1001).fill(good),
    }]
  ) {
    await problemOf(await post("/v1/validate", body), "BAD_REQUEST");
  }
});
