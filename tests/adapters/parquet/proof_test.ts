/** Files proven in threads and in the thread that asks: the same proofs, of good files and of bad ones. */

import assert from "node:assert/strict";
import { createSegmentProver, proverHere } from "../../../src/adapters/parquet/proof_threads.ts";
import { HistoryError } from "../../../src/core/errors.ts";
import type { ByteSource, SegmentProof, SegmentProver } from "../../../src/core/ports.ts";
import { barsOf, chunksOfBars, codec, compute, MINUTE, START } from "../../history/holdings.ts";
import { sourceOf } from "../../contract/segment_codec.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const CHUNK = 4096 * 60;

/** A file of three chunks, and what a manifest would say of them. */
async function sample(salt = 0) {
  const chunks = [...chunksOfBars(barsOf([START, START + 3 * CHUNK], { salt }))];
  const bytes = await codec.encode(chunks);
  return { bytes, chunks, wanted: chunks.map(({ k }) => k) };
}

async function withProver<T>(make: () => SegmentProver, work: (prover: SegmentProver) => Promise<T>) {
  const prover = make();
  try {
    return await work(prover);
  } finally {
    prover.close();
  }
}

const PROVERS = {
  "in threads": () => createSegmentProver(compute),
  "in this thread": () => proverHere(compute),
};

for (const [where, make] of Object.entries(PROVERS)) {
  Deno.test(
    { ...strict, name: `${where}: the proof of a good file says its hash and each chunk's digest` },
    async () => {
      const { bytes, chunks, wanted } = await sample();
      const file = { source: sourceOf(bytes), wanted, grid: MINUTE };
      const proof = await withProver(make, (prover) => prover.prove(file));
      assert.equal(proof.sha256, compute.sha256(bytes).toHex());
      assert.deepEqual(proof.chunks, chunks.map(({ k, rows, digest }) => ({ k, rows, digest })));
    },
  );

  Deno.test({
    ...strict,
    name: `${where}: what the store throws passes through, and the next file is proven`,
  }, async () => {
    const { bytes, wanted } = await sample();
    const gone = new HistoryError("ARTIFACT_MISSING", "gone", { hint: "look" });
    const broken: ByteSource = { sizeBytes: bytes.length, read: () => Promise.reject(gone) };
    await withProver(make, async (prover) => {
      await assert.rejects(prover.prove({ source: broken, wanted, grid: MINUTE }), gone);
      assert.equal((await prover.prove({ source: sourceOf(bytes), wanted, grid: MINUTE })).chunks.length, 3);
    });
  });
}

Deno.test(
  { ...strict, name: "threads and this thread prove alike, whatever is wrong with the file" },
  async () => {
    const { bytes, wanted } = await sample();
    const bad: Record<string, Uint8Array> = {
      empty: new Uint8Array(0),
      cut: bytes.slice(0, -9),
      text: bytes.slice(0, 3),
    };
    for (let i = 0; i < 40; i++) {
      const at = Math.floor(i * bytes.length / 40);
      bad[`byte ${at}`] = bytes.slice();
      bad[`byte ${at}`][at] ^= 1 << (i % 8);
    }
    const proofsOf = (make: () => SegmentProver) =>
      withProver(make, (prover) =>
        Promise.all(
          Object.values(bad).map((file) =>
            prover.prove({ source: sourceOf(file), wanted: [...wanted, 9e9], grid: MINUTE })
          ),
        ));
    const [threads, here] = [
      await proofsOf(PROVERS["in threads"]),
      await proofsOf(PROVERS["in this thread"]),
    ];
    assert.deepEqual(threads, here);
    const isWhole = (proof: SegmentProof) => proof.chunks.every((chunk) => "digest" in chunk);
    assert.equal(threads.some(isWhole), false, "no file has chunk 9e9");
    assert.equal(new Set(threads.map(({ sha256 }) => sha256)).size, Object.keys(bad).length);
  },
);

Deno.test(
  { ...strict, name: "more files than threads are all proven, each with its own proof" },
  async () => {
    const files = await Promise.all(Array.from({ length: 9 }, (_, salt) => sample(salt)));
    const proofs = await withProver(
      PROVERS["in threads"],
      (prover) =>
        Promise.all(
          files.map(({ bytes, wanted }) => prover.prove({ source: sourceOf(bytes), wanted, grid: MINUTE })),
        ),
    );
    for (const [i, { chunks }] of files.entries()) {
      assert.deepEqual(proofs[i].chunks, chunks.map(({ k, rows, digest }) => ({ k, rows, digest })));
    }
  },
);

Deno.test(
  { ...strict, name: "a prover that is closed gives up what is under way and takes nothing more" },
  async () => {
    const { bytes, wanted } = await sample();
    const prover = PROVERS["in threads"]();
    const file = () => ({ source: sourceOf(bytes.slice()), wanted, grid: MINUTE });
    const underWay = Promise.allSettled(Array.from({ length: 6 }, () => prover.prove(file())));
    await prover.prove(file());
    const late = prover.prove(file());
    const settled = Promise.allSettled([late]);
    prover.close();
    const why = (result: PromiseSettledResult<SegmentProof>) =>
      result.status === "fulfilled" ? "proven" : (result.reason as HistoryError).code;
    assert.deepEqual((await settled).map(why), ["CANCELLED"]);
    for (const result of await underWay) assert.ok(["proven", "CANCELLED"].includes(why(result)));
    await assert.rejects(prover.prove(file()), { code: "CANCELLED" });
  },
);
