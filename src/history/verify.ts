/**
 * Proves what is published, or names what is wrong with it (spec §8): the chain of the log, whole files, pages, every
 * chunk, the root, what the lists claim, and signatures. It trusts nothing and reads everything; memory stays flat.
 */

import type { Compute } from "../compute/types.ts";
import { toHex } from "../compute/sha256.ts";
import { canonicalBytes } from "../core/canonical_json.ts";
import { HistoryError, isArtifactFault, throwIfCancelled } from "../core/errors.ts";
import { parseAsOfMs } from "../core/instant.ts";
import { logKey, nodeFolder } from "../core/manifest.ts";
import type { Manifest } from "../core/manifest.ts";
import { parseManifest } from "../core/manifest_parse.ts";
import type { ArtifactStore, SegmentProver } from "../core/ports.ts";
import type { VerifyProgress, VerifyReport } from "../core/service.ts";
import { ROW_BYTES } from "../core/stored_chunk.ts";
import { signatureChecker } from "./manifest_signature.ts";
import type { SignatureChecker } from "./manifest_signature.ts";
import type { Snapshots } from "./snapshots.ts";
import { SnapshotChecker } from "./verify_snapshot.ts";

/** What verification needs. */
export interface VerifyParts {
  artifacts: ArtifactStore;
  /** Made for one verification, and closed after it. */
  prover: () => SegmentProver;
  compute: Pick<Compute, "sha256" | "fingerprintOfChunks" | "mergeRanges">;
  /** Resolves `as_of` and `fingerprint`. */
  snapshots: Snapshots;
  settings: { partition?: string };
}

/** What to verify: whole logs, or the one snapshot of each node that `asOfMs` or `fingerprint` selects. */
export interface VerifyQuestion {
  nodeIds: readonly string[];
  asOfMs?: number;
  fingerprint?: string;
  /** A public key as SPKI PEM: then signatures are checked too. */
  keyPem?: string;
  signal?: AbortSignal;
  /** Called as files are proven. */
  onProgress?: (done: VerifyProgress) => void;
}

const LOG_ENTRY = /\/log\/(\d{12})\.json$/;

/**
 * Verifies published nodes. `NODE_UNKNOWN` for a node without a log; what does not hold is in the report's
 * `failures`, of kind `log manifest page segment chunk root coverage signature`, never an error.
 */
export async function verifyPublished(question: VerifyQuestion, parts: VerifyParts): Promise<VerifyReport> {
  const checked = { manifests: 0, segments: 0, chunks: 0, signatures: 0 };
  const report: VerifyReport = { ok: true, checked, failures: [] };
  const checker = question.keyPem === undefined ? null : await signatureChecker(question.keyPem);
  const prover = parts.prover();
  const tell = progressTo(question.onProgress);
  try {
    for (const nodeId of question.nodeIds) {
      const content = new SnapshotChecker({ ...parts, prover, tell }, report, question.signal);
      await new LogVerifier(nodeId, question, { parts, checker, report, content }).run();
    }
  } finally {
    prover.close();
  }
  report.ok = report.failures.length === 0;
  return report;
}

/** Adds up what is proven. */
function progressTo(listener: VerifyQuestion["onProgress"]): (rows: number) => void {
  const done = { segments: 0, bytes: 0 };
  return (rows) => {
    done.segments++;
    done.bytes += rows * ROW_BYTES;
    listener?.({ ...done });
  };
}

class LogVerifier {
  readonly #nodeId: string;
  readonly #question: VerifyQuestion;
  readonly #parts: VerifyParts;
  readonly #checker: SignatureChecker | null;
  readonly #report: VerifyReport;
  readonly #content: SnapshotChecker;
  readonly #folder: string;
  /** Manifests that carry no good signature and that no later one with a good signature vouches for yet. */
  #unsigned: string[] = [];

  constructor(
    nodeId: string,
    question: VerifyQuestion,
    o: {
      parts: VerifyParts;
      checker: SignatureChecker | null;
      report: VerifyReport;
      content: SnapshotChecker;
    },
  ) {
    this.#nodeId = nodeId;
    this.#question = question;
    this.#parts = o.parts;
    this.#checker = o.checker;
    this.#report = o.report;
    this.#content = o.content;
    this.#folder = nodeFolder(nodeId, o.parts.settings.partition);
  }

  async run(): Promise<void> {
    const newest = await this.#newestSeq();
    const selected = await this.#selected();
    let before: { sha256: string; asOfMs: number } | null = null;
    for (let seq = 1; seq <= newest; seq++) {
      throwIfCancelled(this.#question.signal, `Verifying ${this.#nodeId}`);
      const entry = await this.#entry(seq);
      if (entry === null) {
        before = null;
        this.#unsigned = [];
        continue;
      }
      this.#checkLink(entry.manifest, before, seq);
      if (entry.manifest !== null) {
        await this.#checkSignature(entry.manifest, entry.uri);
        if (selected === "all" || selected === seq) await this.#content.check(entry.manifest, entry.uri);
      }
      before = {
        sha256: entry.sha256,
        asOfMs: entry.manifest === null ? -Infinity : parseAsOfMs(entry.manifest.as_of),
      };
    }
    for (const uri of this.#unsigned) {
      this.#fail("signature", uri, `one by key ${this.#checker!.keyId}`, "none");
    }
  }

  /** By listing, because a search would stop at a hole and never see what lies behind it. */
  async #newestSeq(): Promise<number> {
    let newest = 0;
    for await (const key of this.#parts.artifacts.list(`${this.#folder}/log/`)) {
      const seq = Number(LOG_ENTRY.exec(key)?.[1] ?? 0);
      if (seq > 0 && key === logKey(this.#folder, seq)) newest = Math.max(newest, seq);
    }
    if (newest > 0) return newest;
    throw new HistoryError("NODE_UNKNOWN", `Cannot verify ${this.#nodeId}: nothing of it is published`, {
      hint: "Check the node id; `seamless publish` publishes what is stored",
    });
  }

  /** Which snapshots are read whole. Where the log itself is broken the walk names the fault, so none is chosen. */
  async #selected(): Promise<"all" | number> {
    const { asOfMs, fingerprint, signal } = this.#question;
    if (asOfMs === undefined && fingerprint === undefined) return "all";
    const { snapshots } = this.#parts;
    try {
      const snapshot = fingerprint === undefined
        ? await snapshots.resolveAsOf(this.#nodeId, asOfMs!)
        : await snapshots.byFingerprint(this.#nodeId, fingerprint, signal);
      return snapshot.seq;
    } catch (error) {
      if (isArtifactFault(error)) return 0;
      throw error;
    }
  }

  async #entry(seq: number): Promise<{ uri: string; sha256: string; manifest: Manifest | null } | null> {
    const uri = logKey(this.#folder, seq);
    const bytes = await this.#parts.artifacts.get(uri);
    if (bytes === null) {
      this.#fail("log", uri, "a manifest", "nothing");
      return null;
    }
    this.#report.checked.manifests++;
    const sha256 = toHex(this.#parts.compute.sha256(bytes));
    try {
      const manifest = parseManifest(bytes, { uri, seq, nodeId: this.#nodeId });
      if (!sameBytes(canonicalBytes(manifest), bytes)) {
        this.#fail("manifest", uri, "RFC 8785 bytes", "other bytes for the same JSON");
      }
      return { uri, sha256, manifest };
    } catch (error) {
      if (!(error instanceof HistoryError) || error.code !== "VERIFY_FAILED") throw error;
      this.#fail("manifest", uri, "a manifest", error.message);
      return { uri, sha256, manifest: null };
    }
  }

  #checkLink(
    manifest: Manifest | null,
    before: { sha256: string; asOfMs: number } | null,
    seq: number,
  ): void {
    if (manifest === null || (before === null && seq > 1)) return;
    const uri = logKey(this.#folder, seq);
    const previous = before?.sha256 ?? null;
    if (manifest.previous !== previous) {
      this.#fail("log", uri, `previous ${previous}`, `previous ${manifest.previous}`);
      this.#unsigned = [];
    }
    if (before !== null && !(parseAsOfMs(manifest.as_of) > before.asOfMs)) {
      this.#fail("log", uri, `an as_of after ${new Date(before.asOfMs).toISOString()}`, manifest.as_of);
    }
  }

  /** `previous` chains every manifest to the next: a good signature vouches for all before it. */
  async #checkSignature(manifest: Manifest, uri: string): Promise<void> {
    if (this.#checker === null) return;
    if (manifest.signature === undefined) {
      this.#unsigned.push(uri);
      return;
    }
    this.#report.checked.signatures++;
    if (await this.#checker.check(manifest)) this.#unsigned = [];
    else {
      const { key_id, value } = manifest.signature;
      this.#fail("signature", uri, `one by key ${this.#checker.keyId}`, `${value} by key ${key_id}`);
    }
  }

  #fail(kind: string, where: string, expected: string, found: string): void {
    this.#report.failures.push({ kind, where, expected, found });
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
