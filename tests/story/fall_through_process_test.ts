/** The program after its hot store was deleted: what was published answers, over HTTP and from the command line. */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { openArrowBars } from "../../src/client/arrow_reader.ts";
import type { Metadata } from "../../src/core/metadata.ts";
import { listening } from "../program_process.ts";
import { inFolder, type ProcessWorld } from "./process_world.ts";

const NODE = "ohlcv:binance:BTC/USDT:1m";
const [START, END] = [Date.UTC(2024, 0, 1) / 1000, Date.UTC(2024, 0, 2) / 1000];
const DAY = ["--start", "2024-01-01", "--end", "2024-01-02"];
/** The market opens at noon: half of the day is a gap that has a reason. */
const FOLDER = {
  now: "2024-01-22T00:00:00Z",
  markets: [{ symbol: "BTC/USDT", listedMs: Date.UTC(2024, 0, 1, 12) }],
};

/** Runs a service over the folder; its URL is given to `act`. */
async function serving<T>(world: ProcessWorld, act: (url: string) => Promise<T>): Promise<T> {
  const { url, stop } = await listening(world.spawn("serve", "--port", "0", "-q"));
  try {
    return await act(url);
  } finally {
    await stop();
  }
}

/** The day over HTTP: the bytes of its Arrow batches, those of its CSV, and what it says of itself. */
async function dayFrom(url: string): Promise<{ batches: Uint8Array[]; csv: string; metadata: Metadata }> {
  const query = `${url}/v1/bars?node_id=${encodeURIComponent(NODE)}&start=${START}&end=${END}`;
  const arrow = await openArrowBars((await fetch(`${query}&format=arrow`)).body!);
  const batches: Uint8Array[] = [];
  for await (const { bytes } of arrow.slices) batches.push(bytes);
  const csv = await (await fetch(`${query}&format=csv`)).text();
  return { batches, csv, metadata: JSON.parse(arrow.metadataText) };
}

/** What an answer says but for times, and where its rows came from. */
function lasting({ sla: _sla, sources: _sources, staleness_seconds: _age, ...told }: Metadata) {
  return told;
}

async function forget({ folder }: ProcessWorld): Promise<void> {
  for (const suffix of ["", "-wal", "-shm"]) {
    await Deno.remove(`${folder}/data/bars.db${suffix}`).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}

Deno.test("without its hot store the program answers what it answered before, and asks the venue nothing", () =>
  inFolder(FOLDER, async (world) => {
    const { run, exchange } = world;
    const filled = await run("fill", NODE, ...DAY, "--json");
    strictEqual(filled.code, 0, filled.err);
    const before = await serving(world, dayFrom);
    await forget(world);
    const calls = exchange.calls.length;

    const after = await serving(world, dayFrom);
    deepStrictEqual(after.batches, before.batches);
    strictEqual(after.csv, before.csv);
    deepStrictEqual(lasting(after.metadata), lasting(before.metadata));
    strictEqual(after.metadata.fingerprint_scope, "snapshot");
    deepStrictEqual(after.metadata.sources, { cache: 0, snapshot: 720, storage: 0, backfill: 0, live: 0 });
    deepStrictEqual(after.metadata.gaps.map(({ bars, reason }) => [bars, reason]), [[720, "not_listed"]]);

    await forget(world);
    const got = await run("get", NODE, ...DAY, "--json", "--strategy", "FAIL_FAST");
    strictEqual(got.code, 0, got.err);
    deepStrictEqual(JSON.parse(got.out).metadata.sources.snapshot, 720);
    const [coverage, filledAgain, plan, published, verified] = [
      await run("coverage", NODE, "--json"),
      await run("fill", NODE, ...DAY, "--json"),
      await run("plan", NODE, ...DAY, "--json"),
      await run("publish", NODE, "--json"),
      await run("verify", NODE, "--hot", "--json"),
    ];
    for (const { code, err } of [coverage, filledAgain, plan, published, verified]) strictEqual(code, 0, err);
    deepStrictEqual(JSON.parse(coverage.out).covered, [[START, END]]);
    strictEqual(JSON.parse(filledAgain.out).windows.total, 0);
    strictEqual(JSON.parse(plan.out).windows, 0);
    const { published: fresh, unchanged: [same] } = JSON.parse(published.out);
    deepStrictEqual([fresh, same.dataset_fingerprint], [[], before.metadata.dataset_fingerprint]);
    strictEqual(JSON.parse(verified.out).ok, true);
    strictEqual(exchange.calls.length, calls, "no call of any kind");

    // A part of the day stored again: the rest is still the snapshot's.
    const part = ["--start", "2024-01-01T10:00:00Z", "--end", "2024-01-01T15:00:00Z"];
    strictEqual((await run("fill", NODE, ...part, "--refetch")).code, 0);
    const mixed = await serving(world, dayFrom);
    deepStrictEqual(mixed.batches, before.batches);
    deepStrictEqual(lasting(mixed.metadata), lasting(before.metadata));
    deepStrictEqual(mixed.metadata.sources, { cache: 0, snapshot: 540, storage: 180, backfill: 0, live: 0 });
  }));

/** The only segment file of the node. */
async function segmentOf({ folder }: ProcessWorld): Promise<string> {
  const node = `${folder}/data/artifacts/ohlcv/exchange=binance/symbol=BTC%2FUSDT/timeframe=1m`;
  const [{ name }] = await Array.fromAsync(Deno.readDir(`${node}/segments`));
  return `${node}/segments/${name}`;
}

Deno.test("publish writes a segment file again that is gone, where the rows are stored; without them they are fetched", () =>
  inFolder(FOLDER, async (world) => {
    const { run, exchange } = world;
    strictEqual((await run("fill", NODE, ...DAY)).code, 0);
    const before = await serving(world, dayFrom);
    const file = await segmentOf(world);
    const bytes = await Deno.readFile(file);
    await Deno.remove(file);
    strictEqual((await run("verify", NODE)).code, 4);
    const published = await run("publish", NODE, ...DAY, "--json");
    strictEqual(published.code, 0, published.err);
    strictEqual(JSON.parse(published.out).unchanged.length, 1);
    deepStrictEqual(await Deno.readFile(file), bytes);
    strictEqual((await run("verify", NODE)).code, 0);

    // Damaged, and the hot store is gone too: the venue is all that is left.
    bytes[bytes.length >> 1] ^= 1;
    await Deno.writeFile(file, bytes);
    await forget(world);
    const failed = await run("get", NODE, ...DAY, "--strategy", "FAIL_FAST", "--json");
    deepStrictEqual([
      failed.code,
      JSON.parse(failed.err.split("\n").findLast((line) => line.startsWith("{"))!).code,
    ], [
      3,
      "COVERAGE_INCOMPLETE",
    ]);
    match(failed.err, /seamless\.artifact\.unreadable/);
    const calls = exchange.calls.length;
    const after = await serving(world, dayFrom);
    deepStrictEqual(after.batches, before.batches);
    deepStrictEqual(after.metadata.answer_fingerprint, before.metadata.answer_fingerprint);
    ok(exchange.calls.length > calls);
    // The rows are stored again: with the damaged file out of the way, it is written as it was.
    await Deno.remove(file);
    strictEqual((await run("publish", NODE, ...DAY)).code, 0);
    strictEqual((await run("verify", NODE, "--hot")).code, 0);
  }));
