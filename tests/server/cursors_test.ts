import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { tableFromIPC } from "apache-arrow";
import { AS_OFS, FIRST, NODE, SMALL_NODE } from "./fake_service.ts";
import { type Bench, makeBench, ORIGIN, problemOf } from "./harness.ts";

const HOUR = `/v1/bars?node_id=${NODE}&start=${FIRST}&end=${FIRST + 3600}`;

/** Follows `Link: rel="next"` to the end. */
async function allPages(bench: Bench, first: string, most = 20) {
  const bodies = [];
  let path: string | null = first;
  while (path !== null && bodies.length < most) {
    const response = await bench.get(path);
    strictEqual(response.status, 200);
    const body = await response.json();
    bodies.push(body);
    const link = response.headers.get("link");
    strictEqual(link === null, body.next === null);
    path = link === null ? null : /^<([^>]+)>; rel="next"$/.exec(link)![1];
  }
  return bodies;
}

Deno.test("pages of bars cover the answer once, and each describes the whole", async () => {
  const bench = makeBench();
  const whole = await (await bench.get(HOUR)).json();
  for (const limit of [1, 7, 59, 60, 61]) {
    const pages = await allPages(bench, `${HOUR}&limit=${limit}`, 60);
    deepStrictEqual(pages.flatMap(({ rows }) => rows), whole.rows, String(limit));
    for (const { metadata, rows } of pages) {
      deepStrictEqual({ ...metadata, rows: 60 }, { ...whole.metadata, rows: 60 });
      strictEqual(metadata.rows, rows.length);
    }
  }
});

Deno.test("every page says what page one said of the range that was asked for", async () => {
  const bench = makeBench();
  const now = Math.floor(bench.clock.nowMs() / 60_000) * 60;
  const pages = await allPages(
    bench,
    `/v1/bars?node_id=${NODE}&start=${FIRST}&end=${now + 3_600}&limit=4`,
    3,
  );
  deepStrictEqual(pages.map(({ metadata }) => metadata.requested_range), Array(3).fill([FIRST, now + 3_600]));
});

Deno.test("JSON gives 10,000 rows a page without being asked, the other formats give all", async () => {
  const bench = makeBench();
  const path = `/v1/bars?node_id=${NODE}&start=${FIRST}&end=${FIRST + 60 * 25_000}`;
  const pages = await allPages(bench, path);
  deepStrictEqual(pages.map(({ rows }) => rows.length), [10_000, 10_000, 5_000]);
  const arrow = await bench.get(`${path}&format=arrow`);
  strictEqual(arrow.headers.get("link"), null);
  strictEqual(tableFromIPC(await arrow.bytes()).numRows, 25_000);
});

Deno.test("a cursor works alone, beside its query, and from page to page in another format and size", async () => {
  const bench = makeBench();
  const { next } = await (await bench.get(`${HOUR}&limit=10`)).json();
  const alone = await (await bench.get(`/v1/bars?cursor=${next}`)).json();
  deepStrictEqual(
    alone.rows.map((row: number[]) => row[0]),
    Array.from({ length: 10 }, (_, i) => FIRST + 600 + 60 * i),
  );
  const fewer = await (await bench.get(`/v1/bars?cursor=${next}&limit=3`)).json();
  deepStrictEqual(fewer.rows, alone.rows.slice(0, 3));
  const table = tableFromIPC(await (await bench.get(`${HOUR}&cursor=${next}&format=arrow&limit=50`)).bytes());
  strictEqual(table.numRows, 50);
  strictEqual(JSON.parse(table.schema.metadata.get("seamless")!).rows, 50);
});

Deno.test("the effective range is that of page one, whatever the clock says later", async () => {
  const bench = makeBench();
  bench.clock.setWall((FIRST + 600) * 1000);
  const first = await (await bench.get(`/v1/bars?node_id=${NODE}&last=10&limit=4`)).json();
  bench.clock.setWall((FIRST + 900) * 1000);
  const second = await (await bench.get(`/v1/bars?cursor=${first.next}&limit=9`)).json();
  deepStrictEqual(second.rows.map((row: number[]) => row[0] - FIRST), [240, 300, 360, 420, 480, 540]);
  deepStrictEqual(second.metadata.requested_range, first.metadata.requested_range);
  deepStrictEqual(second.metadata.effective_range, first.metadata.effective_range);
});

Deno.test("a cursor expires after 15 minutes, and when a row that is still to come changes", async () => {
  const bench = makeBench();
  const { next } = await (await bench.get(`${HOUR}&limit=10`)).json();
  bench.service.series.get(NODE)!.close[9] += 1;
  strictEqual((await bench.get(`/v1/bars?cursor=${next}`)).status, 200);
  bench.service.series.get(NODE)!.close[10] += 1;
  await problemOf(await bench.get(`/v1/bars?cursor=${next}`), "CURSOR_EXPIRED");
  bench.service.series.get(NODE)!.close[10] -= 1;
  await bench.clock.advance(15 * 60_000 - 1);
  const body = await (await bench.get(`/v1/bars?cursor=${next}&limit=5`)).json();
  await bench.clock.advance(1);
  const problem = await problemOf(await bench.get(`/v1/bars?cursor=${next}`), "CURSOR_EXPIRED");
  strictEqual(problem.status, 410);
  strictEqual((await bench.get(`/v1/bars?cursor=${body.next}`)).status, 200);
});

Deno.test("a cursor of gaps expires when a gap that is still to come changes, not for one that was delivered", async () => {
  const bench = makeBench();
  const path = `/v1/gaps?node_id=${NODE}&start=${FIRST}&end=${FIRST + 36_000}&limit=20`;
  const { next, gaps } = await (await bench.get(path)).json();
  bench.service.arrived.add(gaps[19].start);
  const rest = await (await bench.get(`/v1/gaps?cursor=${next}&limit=100`)).json();
  deepStrictEqual([rest.gaps.length, rest.next], [40, null]);
  bench.service.arrived.add(rest.gaps[39].start);
  await problemOf(await bench.get(`/v1/gaps?cursor=${next}`), "CURSOR_EXPIRED");
});

Deno.test("a pinned cursor is the same in every process and does not age", async () => {
  const path = `${HOUR}&as_of=${AS_OFS[0]}&limit=10`;
  const [one, two] = [makeBench(), makeBench({ seed: 99 })];
  const first = await (await one.get(path)).json();
  deepStrictEqual(first, await (await two.get(path)).json());
  await two.clock.advance(86_400_000);
  const rest = await (await two.get(`/v1/bars?cursor=${first.next}&limit=50`)).json();
  strictEqual(rest.rows.length, 50);
  deepStrictEqual({ ...rest.metadata, rows: 10 }, first.metadata);
});

Deno.test("what was not issued here, or belongs elsewhere, is CURSOR_INVALID", async () => {
  const bench = makeBench();
  const { next } = await (await bench.get(`${HOUR}&limit=10`)).json();
  const [body, signature] = next.split(".");
  const forged = JSON.parse(atob(body.replaceAll("-", "+").replaceAll("_", "/")));
  const encode = (value: unknown) =>
    btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  forged.at.from += 60;
  const pinned = { ...forged, until: null };
  const other = await (await makeBench({ seed: 99 }).get(`${HOUR}&limit=10`)).json();
  const gaps =
    await (await bench.get(`/v1/gaps?node_id=${NODE}&start=${FIRST}&end=${FIRST + 36_000}&limit=2`)).json();
  for (
    const cursor of [
      "x",
      ".",
      "a.b",
      "%00.%00",
      "null.x",
      `${body}.`,
      `${body}.${signature.slice(1)}`,
      `${body}x.${signature}`,
      `${encode(forged)}.${signature}`,
      `${encode(pinned)}.${signature}`,
      `${encode([])}.${signature}`,
      `${next}.${next}`,
      "A".repeat(20_000),
      other.next,
      gaps.next,
    ]
  ) {
    const problem = await problemOf(await bench.get(`/v1/bars?cursor=${cursor}`), "CURSOR_INVALID");
    strictEqual(problem.status, 400);
  }
  await problemOf(await bench.get(`/v1/bars?node_id=${SMALL_NODE}&cursor=${next}`), "CURSOR_INVALID");
  await problemOf(await bench.get(`${HOUR}&max_lag=3&cursor=${next}`), "CURSOR_INVALID");
  await problemOf(await bench.get(`/v1/bars?cursor=`), "BAD_REQUEST");
});

Deno.test("a cursor of a pinned read cannot be turned on a live one", async () => {
  const bench = makeBench();
  const { next } = await (await bench.get(`${HOUR}&as_of=${AS_OFS[0]}&limit=10`)).json();
  const [body] = next.split(".");
  const sealed = JSON.parse(atob(body.replaceAll("-", "+").replaceAll("_", "/")));
  delete sealed.query.as_of;
  const text = btoa(JSON.stringify(sealed)).replaceAll("=", "");
  // Whoever knows the source can sign a pinned cursor; it must not lift the 15 minutes of live ones.
  const key = await crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode("seamless.cursor.pinned.v1"),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text)));
  const forged = `${text}.${mac.slice(0, 16).toBase64({ alphabet: "base64url", omitPadding: true })}`;
  await problemOf(await bench.get(`/v1/bars?cursor=${forged}`), "CURSOR_INVALID");
});

Deno.test("listings come page by page: gaps, nodes, snapshots", async () => {
  const bench = makeBench();
  const gaps = await allPages(
    bench,
    `/v1/gaps?node_id=${NODE}&start=${FIRST}&end=${FIRST + 36_000}&limit=25`,
  );
  deepStrictEqual(gaps.map((page) => page.gaps.length), [25, 25, 10]);
  deepStrictEqual(new Set(gaps.map((page) => page.gaps_total)), new Set([60]));
  const starts = gaps.flatMap((page) => page.gaps.map((gap: { start: number }) => gap.start));
  deepStrictEqual(starts, Array.from({ length: 60 }, (_, i) => FIRST + 600 * i));
  const nodes = await allPages(bench, "/v1/nodes?limit=1");
  deepStrictEqual(nodes.map((page) => page.nodes[0].node_id), [NODE, SMALL_NODE]);
  const snapshots = await allPages(bench, `/v1/snapshots?node_id=${NODE}&limit=1`);
  deepStrictEqual(snapshots.map((page) => page.snapshots[0].seq), [2, 1]);
});

Deno.test("later pages of gaps keep the end that page one took from the clock", async () => {
  const bench = makeBench();
  bench.clock.setWall((FIRST + 3_630) * 1000);
  const first = await (await bench.get(`/v1/gaps?node_id=${NODE}&start=${FIRST}&limit=4`)).json();
  strictEqual(first.gaps_total, 6);
  bench.clock.setWall((FIRST + 4_230) * 1000);
  const second = await (await bench.get(`/v1/gaps?cursor=${first.next}`)).json();
  strictEqual(second.gaps_total, 6);
  strictEqual(second.gaps.length, 2);
});

Deno.test("Link leads back to the same route with the whole query", async () => {
  const bench = makeBench();
  const link = (await bench.get(`${HOUR}&limit=10&format=csv`)).headers.get("link")!;
  const url = new URL(/<(.+)>/.exec(link)![1], ORIGIN);
  strictEqual(url.pathname, "/v1/bars");
  strictEqual(url.searchParams.get("format"), "csv");
  ok(url.searchParams.get("cursor")!.length > 50);
  const second = await (await bench.get(url.pathname + url.search)).text();
  strictEqual(second.split("\n")[1].split(",")[0], String(FIRST + 600));
});
