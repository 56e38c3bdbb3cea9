import assert from "node:assert/strict";
import { proverHere } from "../../src/adapters/parquet/proof_threads.ts";
import { createMemoryArtifacts } from "../../src/adapters/artifact_store/memory.ts";
import { canonicalBytes } from "../../src/core/canonical_json.ts";
import { cancelled, HistoryError } from "../../src/core/errors.ts";
import { LIST_NAMES, logKey, nodeFolder } from "../../src/core/manifest.ts";
import type { Manifest } from "../../src/core/manifest.ts";
import type { ArtifactStore, SegmentProver } from "../../src/core/ports.ts";
import type { VerifyReport } from "../../src/core/service.ts";
import { manifestSigner } from "../../src/history/manifest_signature.ts";
import { createSnapshots } from "../../src/history/snapshots.ts";
import { publishedLogs } from "../../src/history/published_logs.ts";
import { verifyPublished } from "../../src/history/verify.ts";
import type { VerifyQuestion } from "../../src/history/verify.ts";
import { FakeClock } from "../fake_clock.ts";
import { barsOf, codec, compute, holding, NODE, START } from "./holdings.ts";
import { keyPair } from "./keys.ts";
import { objectsOf, publishing, T0 } from "./publisher_fixture.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const CHUNK = 4096 * 60;
const FOLDER = nodeFolder(NODE);
const LATER = T0 + 3_600_000;

function verify(
  artifacts: ArtifactStore,
  o: Partial<VerifyQuestion> = {},
  prover = () => proverHere(compute),
): Promise<VerifyReport> {
  const clock = new FakeClock(LATER);
  const snapshots = createSnapshots({ artifacts, codec, compute, clock, settings: { asOfSettleSec: 30 } });
  return verifyPublished({ nodeIds: [NODE], ...o }, {
    artifacts,
    prover,
    compute,
    snapshots,
    settings: {},
  });
}

/** A copy of a store in which some objects are other ones, or gone (null). */
async function tampered(
  artifacts: ArtifactStore,
  changes: Record<string, Uint8Array | null>,
): Promise<ArtifactStore> {
  const copy = createMemoryArtifacts();
  for (const key of await objectsOf(artifacts)) {
    const bytes = key in changes ? changes[key] : await artifacts.get(key);
    if (bytes !== null) await copy.putIfAbsent(key, bytes);
  }
  for (const [key, bytes] of Object.entries(changes)) if (bytes !== null) await copy.putIfAbsent(key, bytes);
  return copy;
}

/** Three snapshots: a publication with pages, more rows, and a revision. */
async function published(signedFrom = Infinity) {
  const keys = await keyPair();
  const artifacts = createMemoryArtifacts();
  const skip = (ts: number) => ts % 180 === 0;
  const holdings = [
    holding(barsOf([START, START + 2 * CHUNK], { skip })),
    holding(barsOf([START, START + 3 * CHUNK], { skip })),
    holding(barsOf([START, START + 3 * CHUNK], { skip, salt: 1 })),
  ];
  const manifests: Manifest[] = [];
  for (const [i, what] of holdings.entries()) {
    const signer = i + 1 >= signedFrom ? await manifestSigner(keys.signing) : undefined;
    const { publisher } = publishing({ artifacts, clock: new FakeClock(T0 + i * 60_000), parts: { signer } });
    manifests.push((await publisher.publish(what)).entry.manifest);
  }
  return { artifacts, manifests, keys };
}

const kinds = (report: VerifyReport) => report.failures.map(({ kind }) => kind);

Deno.test({
  ...strict,
  name: "verifyPublished() counts what it checked and finds nothing wrong with what is right",
}, async () => {
  const { artifacts, manifests } = await published();
  const report = await verify(artifacts);
  assert.deepEqual(report.failures, []);
  assert.equal(report.ok, true);
  const files = new Set(manifests.flatMap(({ segments }) => segments.map(({ uri }) => uri)));
  assert.deepEqual(report.checked, { manifests: 3, segments: files.size, chunks: 2 + 1 + 3, signatures: 0 });
});

Deno.test({
  ...strict,
  name: "as_of and fingerprint choose the snapshot that is read whole; the chain is always followed",
}, async () => {
  const { artifacts, manifests } = await published();
  const chosen = await verify(artifacts, { asOfMs: T0 + 1000 });
  assert.deepEqual(chosen.checked, { manifests: 3, segments: 2, chunks: 2, signatures: 0 });
  const byName = await verify(artifacts, { fingerprint: manifests[1].dataset_fingerprint });
  assert.deepEqual(byName.checked, { manifests: 3, segments: 3, chunks: 3, signatures: 0 });
  await assert.rejects(verify(artifacts, { asOfMs: T0 - 1 }), (error) => {
    return error instanceof HistoryError && error.code === "SNAPSHOT_UNKNOWN";
  });
});

Deno.test({
  ...strict,
  name: "a flipped byte anywhere in a segment is found, and the chunk named where it lies in one",
}, async () => {
  const { artifacts, manifests } = await published();
  const [segment] = manifests[0].segments;
  const good = (await artifacts.get(segment.uri))!;
  for (const at of [0, 10, 2000, Math.floor(good.length / 2), good.length - 200, good.length - 1]) {
    const bad = good.slice();
    bad[at] ^= 0x40;
    const report = await verify(await tampered(artifacts, { [segment.uri]: bad }));
    assert.equal(report.ok, false, `byte ${at}`);
    const named = report.failures.find(({ kind }) => kind === "segment")!;
    assert.deepEqual([named.where, named.expected], [segment.uri, segment.file_sha256]);
    assert.notEqual(named.found, segment.file_sha256);
    assert.ok(report.failures.every(({ where }) => where.startsWith(segment.uri)));
  }
});

Deno.test({
  ...strict,
  name: "rows that are not the manifest's are found though the file is what its name says",
}, async () => {
  const { artifacts, manifests } = await published();
  const [first] = manifests[0].segments;
  const other = (await artifacts.get(manifests[2].segments[0].uri))!;
  const sha256 = compute.sha256(other).toHex();
  const uri = `${FOLDER}/segments/${sha256}.parquet`;
  const segments = [
    { ...first, uri, file_sha256: sha256, bytes: other.length },
    ...manifests[0].segments.slice(1),
  ];
  const forged = canonicalBytes({ ...manifests[0], segments });
  const report = await verify(await tampered(artifacts, { [logKey(FOLDER, 1)]: forged }));
  const chunk = report.failures.find(({ kind }) => kind === "chunk")!;
  assert.equal(chunk.where, `${uri} chunk ${manifests[0].chunks[0].k}`);
  assert.deepEqual([chunk.expected, chunk.found], [
    manifests[0].chunks[0].digest,
    manifests[2].chunks[0].digest,
  ]);
  assert.ok(kinds(report).includes("log"), "the next manifest names another one before it");
});

Deno.test({ ...strict, name: "missing files are found: segment, page, manifest" }, async () => {
  const { artifacts, manifests } = await published();
  const lost = manifests[1].segments[2].uri;
  assert.deepEqual(
    (await verify(await tampered(artifacts, { [lost]: null }))).failures,
    [{ kind: "segment", where: lost, expected: `${manifests[1].segments[2].bytes} bytes`, found: "nothing" }],
  );
  const page = manifests[0].pages.covered[0].uri;
  const withoutPage = await verify(await tampered(artifacts, { [page]: null }));
  assert.ok(withoutPage.failures.length === 1 && withoutPage.failures[0].where === page);
  const hole = await verify(await tampered(artifacts, { [logKey(FOLDER, 2)]: null }));
  assert.deepEqual(hole.failures.map(({ kind, where, found }) => [kind, where, found]), [
    ["log", logKey(FOLDER, 2), "nothing"],
  ]);
  assert.equal(hole.checked.manifests, 2);
});

Deno.test({ ...strict, name: "a changed page is found" }, async () => {
  const { artifacts, manifests } = await published();
  const { uri, sha256 } = manifests[0].pages.covered[0];
  const bad = (await artifacts.get(uri))!;
  bad[7] ^= 1;
  const report = await verify(await tampered(artifacts, { [uri]: bad }));
  assert.deepEqual(report.failures.map(({ kind, where, expected }) => [kind, where, expected]), [
    ["page", uri, sha256],
  ]);
});

Deno.test(
  { ...strict, name: "what a lost or changed page leaves known is checked all the same" },
  async () => {
    const { artifacts, manifests } = await published();
    const segment = manifests[0].segments[0].uri;
    const bad = (await artifacts.get(segment))!;
    bad[bad.length >> 1] ^= 1;
    for (const list of LIST_NAMES) {
      for (const { uri } of manifests[0].pages[list]) {
        const report = await verify(await tampered(artifacts, { [uri]: null, [segment]: bad }));
        const named = new Set(report.failures.map(({ kind, where }) => `${kind} ${where}`));
        assert.ok(named.has(`page ${uri}`) && named.has(`segment ${segment}`), uri);
      }
    }
  },
);

Deno.test({ ...strict, name: "history cannot be rewritten unseen" }, async () => {
  const { artifacts, manifests } = await published();
  const rewrites: [Record<string, unknown>, string][] = [
    [{ dataset_fingerprint: `sfp1:${"0".repeat(64)}` }, "root"],
    [{ row_count: 1 }, "coverage"],
    [{ range: [START - 60, START + 2 * CHUNK] }, "root"],
    [{ publication_watermark: 0 }, "coverage"],
    [{ chunks: manifests[0].chunks.slice(1) }, "root"],
    [{ covered: [] }, "coverage"],
    [{ producer: { ...manifests[0].producer, worker: "somebody else" } }, "log"],
    [{ as_of: "2030-01-01T00:00:00.000Z" }, "log"],
  ];
  for (const [change, kind] of rewrites) {
    const forged = canonicalBytes({ ...manifests[0], ...change });
    const report = await verify(await tampered(artifacts, { [logKey(FOLDER, 1)]: forged }));
    assert.ok(kinds(report).includes(kind), `${JSON.stringify(change).slice(0, 60)}: ${kinds(report)}`);
    assert.ok(kinds(report).includes("log"), "whatever changed, the chain breaks");
  }
});

Deno.test({
  ...strict,
  name: "a manifest that is no manifest, or not canonical, is found and the walk goes on",
}, async () => {
  const { artifacts, manifests } = await published();
  const spaced = new TextEncoder().encode(JSON.stringify(manifests[2], null, 1));
  const loose = await verify(await tampered(artifacts, { [logKey(FOLDER, 3)]: spaced }));
  assert.deepEqual(kinds(loose), ["manifest"]);
  const junk = await verify(
    await tampered(artifacts, { [logKey(FOLDER, 2)]: new TextEncoder().encode("{}") }),
  );
  assert.deepEqual([...new Set(kinds(junk))], ["manifest", "log"]);
  assert.equal(junk.checked.manifests, 3);
});

Deno.test({ ...strict, name: "a broken log is reported also when a snapshot is chosen" }, async () => {
  const { artifacts, manifests } = await published();
  const junk = await tampered(artifacts, { [logKey(FOLDER, 2)]: new TextEncoder().encode("{}") });
  const report = await verify(junk, { asOfMs: T0 + 90_000 });
  assert.equal(report.ok, false);
  assert.equal(manifests.length, 3);
});

Deno.test({ ...strict, name: "signatures are checked where a key is given" }, async () => {
  const { artifacts, manifests, keys } = await published(1);
  const good = await verify(artifacts, { keyPem: keys.verifying });
  assert.deepEqual([good.ok, good.checked.signatures], [true, 3]);
  assert.equal((await verify(artifacts)).checked.signatures, 0);
  const stranger = await verify(artifacts, { keyPem: (await keyPair()).verifying });
  assert.deepEqual(kinds(stranger), ["signature", "signature", "signature"]);
  const { signature, ...unsigned } = manifests[2];
  assert.ok(signature);
  const stripped = await tampered(artifacts, { [logKey(FOLDER, 3)]: canonicalBytes(unsigned) });
  const report = await verify(stripped, { keyPem: keys.verifying });
  assert.deepEqual(report.failures.map(({ kind, where }) => [kind, where]), [[
    "signature",
    logKey(FOLDER, 3),
  ]]);
});

Deno.test({ ...strict, name: "a good signature vouches for the unsigned manifests before it" }, async () => {
  const { artifacts, manifests, keys } = await published(3);
  assert.deepEqual((await verify(artifacts, { keyPem: keys.verifying })).failures, []);
  const forged = canonicalBytes({ ...manifests[0], producer: { ...manifests[0].producer, worker: "x" } });
  const report = await verify(await tampered(artifacts, { [logKey(FOLDER, 1)]: forged }), {
    keyPem: keys.verifying,
  });
  assert.equal(report.ok, false);
});

Deno.test({ ...strict, name: "a node that was never published is unknown" }, async () => {
  await assert.rejects(verify(createMemoryArtifacts()), (error) => {
    return error instanceof HistoryError && error.code === "NODE_UNKNOWN";
  });
});

Deno.test({ ...strict, name: "publishedLogs() names every node that has a log" }, async () => {
  const { artifacts, publisher } = publishing();
  for (const nodeId of ["ohlcv:kraken:A/B:1m", 'ohlcv:kraken:A"\\B:1m']) {
    await publisher.publish(holding(barsOf([START, START + 600]), { nodeId }));
    await publisher.publish(holding(barsOf([START, START + 1200]), { nodeId }));
  }
  const found = (await publishedLogs(artifacts)).map(({ nodeId }) => nodeId);
  assert.deepEqual(found.sort(), ['ohlcv:kraken:A"\\B:1m', "ohlcv:kraken:A/B:1m"]);
});

Deno.test({
  ...strict,
  name: "publishedLogs() finds a log by any manifest that can be read, and tells one without any",
}, async () => {
  const { artifacts } = await published();
  const first = logKey(FOLDER, 1);
  const damaged = new TextEncoder().encode("{}");
  for (const gone of [null, damaged, new Uint8Array(0)]) {
    const [log] = await publishedLogs(await tampered(artifacts, { [first]: gone }));
    assert.equal(log.nodeId, NODE);
  }
  const elsewhere = new TextEncoder().encode('{"node_id":"ohlcv:kraken:A/B:1m"}');
  const nonsense = new TextEncoder().encode('{"node_id":"\\x"}');
  for (const bytes of [damaged, elsewhere, nonsense]) {
    const all = Object.fromEntries([1, 2, 3].map((seq) => [logKey(FOLDER, seq), bytes]));
    const [log] = await publishedLogs(await tampered(artifacts, all));
    assert.deepEqual(log, { nodeId: null, firstKey: first });
  }
});

Deno.test({
  ...strict,
  name: "a signal that fires between two files ends verifying, and nothing fails unheard",
}, async () => {
  const { artifacts, manifests } = await published();
  const stop = new AbortController();
  const here = proverHere(compute);
  let files = 0;
  /** Two files at once; the first ends by the signal, the second a turn later. */
  const prover: SegmentProver = {
    ...here,
    width: 2,
    async prove(file) {
      if (++files === 1) stop.abort(cancelled("The test"));
      else await new Promise((resolve) => setTimeout(resolve, 0));
      return await here.prove(file);
    },
  };
  const unheard: unknown[] = [];
  const listen = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    unheard.push(event.reason);
  };
  addEventListener("unhandledrejection", listen);
  try {
    const fingerprint = manifests[1].dataset_fingerprint;
    await assert.rejects(verify(artifacts, { fingerprint, signal: stop.signal }, () => prover), {
      code: "CANCELLED",
    });
  } finally {
    removeEventListener("unhandledrejection", listen);
  }
  assert.deepEqual([files, unheard], [2, []]);
});

Deno.test({ ...strict, name: "verifying stops when its signal fires" }, async () => {
  const { artifacts } = await published();
  await assert.rejects(verify(artifacts, { signal: AbortSignal.abort() }), (error) => {
    return error instanceof HistoryError && error.code === "CANCELLED";
  });
});
