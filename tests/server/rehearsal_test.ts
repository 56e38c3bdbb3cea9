/** What is made ready before an answer is due is what would have been made then, or it is not sent. */

import { ok, strictEqual } from "node:assert/strict";
import { FIRST, NODE } from "./fake_service.ts";
import { makeBench } from "./harness.ts";

const RANGE = `/v1/bars?node_id=${NODE}&start=${FIRST}&end=${FIRST + 60 * 12_000}`;

for (const query of ["&limit=10", "", "&limit=12000", "&limit=10&format=csv", "&format=arrow"]) {
  Deno.test(`an answer made ready in advance is the same to the byte: ${query || "a page of 10,000 rows"}`, async () => {
    const plain = makeBench();
    const made = await plain.get(RANGE + query);
    const wanted = await made.text();

    const bench = makeBench();
    bench.service.beforeDue = (answer) => answer;
    const response = await bench.get(RANGE + query);
    strictEqual(await response.text(), wanted);
    strictEqual(response.headers.get("link"), made.headers.get("link"));
  });
}

Deno.test("rows that were made ready are not made again", async () => {
  const bench = makeBench();
  let looks = 0;
  bench.service.beforeDue = (answer) => {
    const { slices } = answer;
    answer.slices = (o) => {
      looks++;
      return slices(o);
    };
    return answer;
  };
  const body = await (await bench.get(`${RANGE}&limit=100`)).json();
  strictEqual(body.rows.length, 100);
  strictEqual(looks, 1);
});

Deno.test("where the rows have changed since, what was made ready is not sent", async () => {
  const bench = makeBench();
  const plain = await (await bench.get(`${RANGE}&limit=100`)).text();
  bench.service.beforeDue = (answer) => ({
    ...answer,
    content: {},
    slices: () => answer.slices({ fromTs: FIRST + 600 }),
  });
  const wanted = JSON.parse(plain);
  const told = await (await bench.get(`${RANGE}&limit=100`)).json();
  strictEqual(JSON.stringify(told.rows), JSON.stringify(wanted.rows));
  const second = await (await bench.get(`/v1/bars?cursor=${told.next}`)).json();
  strictEqual(second.rows[0][0], FIRST + 6_000);
});

Deno.test("a page that is still being made when its answer comes is given up", async () => {
  const bench = makeBench();
  let rehearsing: Promise<void> | undefined;
  const bars = bench.service.bars.bind(bench.service);
  bench.service.bars = async (request, context) => {
    const answer = await bars(request, context);
    rehearsing = context?.rehearse?.(answer);
    return answer;
  };
  const body = await (await bench.get(RANGE)).json();
  ok(rehearsing !== undefined);
  await rehearsing;
  strictEqual(body.rows.length, 10_000);
});
