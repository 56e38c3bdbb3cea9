import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { makeBench, problemOf } from "./harness.ts";

const KEY = "ohlcv/exchange=binance/symbol=BTC%2FUSDT/timeframe=1m/segments/abc.parquet";
const PATH = "/artifacts/ohlcv/exchange=binance/symbol=BTC%252FUSDT/timeframe=1m/segments/abc.parquet";
const BYTES = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

function bench() {
  const made = makeBench();
  made.service.artifacts.set(KEY, BYTES);
  made.service.artifacts.set("log/1.json", new TextEncoder().encode("{}"));
  made.service.artifacts.set("pages/x.bin", new Uint8Array(0));
  return made;
}

Deno.test("an artifact is served whole under its key, immutable, with its type and length", async () => {
  const { get } = bench();
  const response = await get(PATH);
  strictEqual(response.status, 200);
  deepStrictEqual(await response.bytes(), BYTES);
  strictEqual(response.headers.get("content-type"), "application/vnd.apache.parquet");
  strictEqual(response.headers.get("content-length"), "1000");
  strictEqual(response.headers.get("accept-ranges"), "bytes");
  strictEqual(response.headers.get("cache-control"), "public, max-age=31536000, immutable");
  strictEqual((await get("/artifacts/log/1.json")).headers.get("content-type"), "application/json");
  const empty = await get("/artifacts/pages/x.bin");
  strictEqual(empty.headers.get("content-type"), "application/octet-stream");
  strictEqual((await empty.bytes()).length, 0);
  await problemOf(
    await get("/artifacts/ohlcv/exchange=binance/symbol=BTC%2FUSDT/timeframe=1m/segments/abc.parquet"),
    "BAD_REQUEST",
  );
});

Deno.test("an ETag answers 304, HEAD has the headers alone", async () => {
  const { get } = bench();
  const head = await get(PATH, { method: "HEAD" });
  strictEqual(await head.text(), "");
  strictEqual(head.headers.get("content-length"), "1000");
  const etag = head.headers.get("etag")!;
  const again = await get(PATH, { headers: { "if-none-match": etag } });
  strictEqual(again.status, 304);
  strictEqual(again.headers.get("content-length"), null);
  ok(etag !== (await get("/artifacts/log/1.json")).headers.get("etag"));
});

Deno.test("Range gives parts: first, middle, open-ended, from the end, cut at the end", async () => {
  const { get } = bench();
  const cases: [string, number, number][] = [
    ["bytes=0-0", 0, 1],
    ["bytes=10-19", 10, 20],
    ["bytes=990-", 990, 1000],
    ["bytes=-8", 992, 1000],
    ["bytes=-5000", 0, 1000],
    ["bytes=995-5000", 995, 1000],
  ];
  for (const [range, start, end] of cases) {
    const response = await get(PATH, { headers: { range } });
    strictEqual(response.status, 206, range);
    strictEqual(response.headers.get("content-range"), `bytes ${start}-${end - 1}/1000`);
    strictEqual(response.headers.get("content-length"), String(end - start));
    deepStrictEqual(await response.bytes(), BYTES.slice(start, end));
  }
});

Deno.test("a range beyond the end is 416 with the size, what is no range is ignored", async () => {
  const { get } = bench();
  for (const range of ["bytes=1000-", "bytes=5000-6000", "bytes=-0"]) {
    const response = await get(PATH, { headers: { range } });
    strictEqual(response.headers.get("content-range"), "bytes */1000");
    await problemOf(response, "RANGE_NOT_SATISFIABLE");
    strictEqual(response.status, 416);
  }
  for (const range of ["bytes=", "bytes=-", "bytes=9-3", "rows=0-5", "bytes=0-1,5-6", "x"]) {
    const response = await get(PATH, { headers: { range } });
    strictEqual(response.status, 200, range);
    strictEqual((await response.bytes()).length, 1000);
  }
  await problemOf(
    await get("/artifacts/pages/x.bin", { headers: { range: "bytes=0-" } }),
    "RANGE_NOT_SATISFIABLE",
  );
});

Deno.test("If-Range gives the part only while the ETag is right", async () => {
  const { get } = bench();
  const etag = (await get(PATH, { method: "HEAD" })).headers.get("etag")!;
  const right = await get(PATH, { headers: { range: "bytes=0-9", "if-range": etag } });
  strictEqual(right.status, 206);
  const wrong = await get(PATH, { headers: { range: "bytes=0-9", "if-range": '"other"' } });
  strictEqual(wrong.status, 200);
});

Deno.test("a large artifact is read and sent piece by piece", async () => {
  const { get, service } = bench();
  const large = new Uint8Array(5 * 1024 * 1024 + 17).fill(7);
  service.artifacts.set("big.bin", large);
  const reads: number[] = [];
  const original = service.artifact.bind(service);
  service.artifact = (key, range) => {
    reads.push(range!.end - range!.start);
    return original(key, range);
  };
  const response = await get("/artifacts/big.bin");
  ok(reads.length <= 2);
  deepStrictEqual(await response.bytes(), large);
  deepStrictEqual(reads, [...Array(5).fill(1024 * 1024), 17]);
});
