/** Publishers as processes on one folder: killed at any moment, or racing each other. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { proverHere } from "../../src/adapters/parquet/proof_threads.ts";
import { createFilesystemArtifacts } from "../../src/adapters/artifact_store/filesystem.ts";
import { systemClock, systemDice } from "../../src/adapters/system.ts";
import { decodeRows } from "../../src/core/stored_chunk.ts";
import { createSnapshots } from "../../src/history/snapshots.ts";
import { verifyPublished } from "../../src/history/verify.ts";
import type { SeededDice } from "../fake_clock.ts";
import { killRounds, KILLS } from "../kills.ts";
import { codec, compute, NODE } from "./holdings.ts";
import { heldAfter, stepsIn } from "./publisher_process.ts";
import { rowsOf } from "./publisher_fixture.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const PROCESS = fileURLToPath(new URL("./publisher_process.ts", import.meta.url));
/** A publication of the child takes some 40 ms, the first one more: kills fall everywhere in the first few. */
const LONGEST_LIFE_MS = 400;

interface Running {
  child: Deno.ChildProcess;
  /** Resolves once the process is about to publish. */
  ready: Promise<void>;
  /** The snapshots that it said to have committed, as `seq sha256`; resolves when it is gone. */
  said: Promise<string[]>;
}

function start(root: string, o: { first: number; stride: number; count: number }): Running {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      "--allow-read",
      `--allow-write=${root}`,
      PROCESS,
      root,
      ...[o.first, o.stride, o.count].map(String),
    ],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  return { child, ready, said: collect(child.stdout, resolve) };
}

/** Whole lines alone count: what a killed process was still writing was never said. */
async function collect(output: ReadableStream<Uint8Array>, ready: () => void): Promise<string[]> {
  let text = "";
  for await (
    const piece of output.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
  ) {
    text += piece;
    if (text.includes("\n")) ready();
  }
  ready();
  return text.split("\n").slice(1, -1);
}

function readersOf(root: string) {
  const artifacts = createFilesystemArtifacts({ root, clock: systemClock, dice: systemDice });
  const parts = { artifacts, codec, compute, clock: systemClock, settings: { asOfSettleSec: 30 } };
  const snapshots = createSnapshots(parts);
  const verify = () =>
    verifyPublished({ nodeIds: [NODE] }, {
      ...parts,
      prover: () => proverHere(compute),
      snapshots,
      settings: {},
    });
  return { snapshots, verify };
}

async function withRoot(body: (root: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "seamless_publish_" });
  try {
    await body(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** The rows that a publication claims. */
async function rowsHeld(publication: ReturnType<typeof heldAfter>) {
  const chunks = publication.readChunks([-Infinity, Infinity]);
  return await Array.fromAsync(chunks, ({ bytes }) => decodeRows(bytes.slice()));
}

/** One log that is published to until it was killed so often; then it is read from its first manifest to its last row. */
async function killPublishers(root: string, kills: number, dice: SeededDice): Promise<void> {
  const said: string[] = [];
  for (let kill = 0; kill < kills; kill++) {
    const running = start(root, { first: 0, stride: 1, count: 0 });
    await running.ready;
    await systemClock.sleep(dice.random() * LONGEST_LIFE_MS);
    running.child.kill("SIGKILL");
    await running.child.status;
    said.push(...await running.said);
    await checkHead(root, said.slice(-20));
  }
  const { snapshots, verify } = readersOf(root);
  const report = await verify();
  assert.deepEqual(report.failures, []);
  const head = (await snapshots.head(NODE))!;
  assert.ok(said.length > 3 && head.seq >= said.length, `${said.length} said, ${head.seq} there`);
  const steps = stepsIn(head.manifest.row_count);
  const frames = await rowsHeld(heldAfter(steps, { first: 0, stride: 1 }));
  const rows = await rowsOf(snapshots, head.manifest);
  assert.deepEqual(rows.ts, new Float64Array(frames.flatMap((frame) => [...frame.ts])));
}

/** What a killed process said is there, and the newest snapshot can be read whole. */
async function checkHead(root: string, said: string[]): Promise<void> {
  const { snapshots } = readersOf(root);
  for (const line of said) {
    const [seq, sha256] = line.split(" ");
    assert.equal((await snapshots.at(NODE, Number(seq)))?.manifestSha256, sha256, "what was said is there");
  }
  const head = await snapshots.head(NODE);
  if (head === null) return;
  await snapshots.lists(head.manifest);
  await rowsOf(snapshots, head.manifest);
}

Deno.test({
  ...strict,
  name: `kill -9 at ${KILLS} random moments of publication leaves a readable log each time`,
  fn: () => killRounds(20_240_101, (kills, dice) => withRoot((root) => killPublishers(root, kills, dice))),
});

Deno.test({
  ...strict,
  name: "two processes that publish at once write one log with the bars of both",
  fn: () =>
    withRoot(async (root) => {
      const count = 12;
      const sides = [{ first: 0, stride: 2 }, { first: 1, stride: 2 }];
      const running = sides.map((side) => start(root, { ...side, count }));
      const outcomes = await Promise.all(running.map(async ({ child, said }) => ({
        status: await child.status,
        said: await said,
      })));
      assert.deepEqual(outcomes.map(({ status }) => status.code), [0, 0]);
      const { snapshots, verify } = readersOf(root);
      const report = await verify();
      assert.deepEqual(report.failures, []);
      assert.equal(report.checked.manifests, 2 * count);
      const committed = outcomes.flatMap(({ said }) => said.map((line) => Number(line.split(" ")[0])));
      assert.deepEqual(committed.sort((a, b) => a - b), Array.from({ length: 2 * count }, (_, i) => i + 1));
      const head = (await snapshots.head(NODE))!;
      const frames = (await Promise.all(sides.map((side) => rowsHeld(heldAfter(count, side))))).flat();
      const times = frames.flatMap((frame) => [...frame.ts]).sort((a, b) => a - b);
      assert.deepEqual((await rowsOf(snapshots, head.manifest)).ts, new Float64Array(times));
    }),
});
