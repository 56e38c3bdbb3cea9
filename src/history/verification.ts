/**
 * `verify` (surface §6): published snapshots, and with `hot` the stored chunks too, also of nodes of which nothing is
 * published yet.
 */

import type { Compute } from "../compute/mod.ts";
import { HistoryError } from "../core/errors.ts";
import { MAX_PAGE_ROWS } from "../core/limits.ts";
import type { BarStore } from "../core/ports.ts";
import type { VerifyReport } from "../core/service.ts";
import { decodeRows } from "../core/stored_chunk.ts";
import { hasLog, type PublishedLog, publishedLogs } from "./published_logs.ts";
import { type VerifyParts, verifyPublished, type VerifyQuestion } from "./verify.ts";

export interface VerificationParts {
  /** Null where nothing is published. */
  verifying: VerifyParts | null;
  store: BarStore;
  compute: Compute;
}

/** Beyond every bar, and within what grids can count. */
const EVER = 1e11;

/**
 * Verifies the nodes of the question, or all that are published; with `hot` those that are stored too. `NODE_UNKNOWN`
 * for a node of which there is nothing to verify, `DOMAIN_DISABLED` where nothing is published and `hot` is not asked.
 */
export async function verify(
  question: VerifyQuestion & { hot?: boolean },
  parts: VerificationParts,
): Promise<VerifyReport> {
  const { hot = false, signal } = question;
  if (parts.verifying === null && !hot) throw nothingPublished("verify");
  const logs = question.nodeIds.length > 0 || parts.verifying === null
    ? []
    : await publishedLogs(parts.verifying.artifacts, parts.verifying.settings.partition);
  const named = [...question.nodeIds, ...logs.flatMap((log) => log.nodeId ?? [])];
  const stored = hot && question.nodeIds.length === 0 ? await storedNodes(parts.store) : [];
  const nodeIds = [...new Set([...named, ...stored])];
  const unpublished = hot ? await storedAlone(nodeIds, question, parts) : [];
  const published = nodeIds.filter((nodeId) => !unpublished.includes(nodeId));
  const report: VerifyReport = parts.verifying === null
    ? { ok: true, checked: { manifests: 0, segments: 0, chunks: 0, signatures: 0 }, failures: [] }
    : await verifyPublished({ ...question, nodeIds: published }, parts.verifying);
  for (const log of logs) if (log.nodeId === null) noteUnreadable(log, report);
  if (hot) { for (const nodeId of nodeIds) await verifyHot(nodeId, report, { ...parts, signal }); }
  report.ok = report.failures.length === 0;
  return unpublished.length === 0 ? report : { ...report, unpublished };
}

/** Every node of the hot store. */
async function storedNodes(store: BarStore): Promise<string[]> {
  const all: string[] = [];
  for (;;) {
    const page = await store.nodes({ after: all.at(-1), limit: MAX_PAGE_ROWS });
    all.push(...page.map(({ nodeId }) => nodeId));
    if (page.length < MAX_PAGE_ROWS) return all;
  }
}

/** Nodes that are stored and of which nothing is published. Where one snapshot is asked for, there must be one. */
async function storedAlone(
  nodeIds: string[],
  { asOfMs, fingerprint }: VerifyQuestion,
  { verifying, store }: VerificationParts,
): Promise<string[]> {
  if (asOfMs !== undefined || fingerprint !== undefined) return [];
  const alone: string[] = [];
  for (const nodeId of nodeIds) {
    if (verifying !== null && await hasLog(nodeId, verifying.artifacts, verifying.settings.partition)) {
      continue;
    }
    if (await store.state(nodeId) !== null) alone.push(nodeId);
    else if (verifying === null) throw nothingStored(nodeId);
  }
  return alone;
}

/** A log in which no manifest can be read: what it holds cannot be proven, and must not pass for nothing. */
function noteUnreadable({ firstKey }: PublishedLog, report: VerifyReport): void {
  report.checked.manifests++;
  const expected = "a manifest that names the node of its folder";
  report.failures.push({ kind: "manifest", where: firstKey, expected, found: "none in this log" });
}

/** Every stored chunk against its own digest. */
async function verifyHot(
  nodeId: string,
  report: VerifyReport,
  parts: Pick<VerificationParts, "store" | "compute"> & { signal?: AbortSignal },
): Promise<void> {
  const state = await parts.store.state(nodeId);
  if (state === null) return;
  const { grid } = state.node;
  for await (const chunk of parts.store.read(nodeId, [-EVER, EVER], { signal: parts.signal, once: true })) {
    report.checked.chunks++;
    const rows = decodeRows(chunk.bytes);
    if (parts.compute.verifyChunk(rows, chunk, grid)) continue;
    const [found] = parts.compute.chunksOf(rows, grid);
    const where = `hot store: ${nodeId} chunk ${chunk.k}`;
    report.failures.push({ kind: "chunk", where, expected: chunk.digest, found: found?.digest ?? "no rows" });
  }
}

function nothingStored(nodeId: string): HistoryError {
  return new HistoryError("NODE_UNKNOWN", `Cannot verify ${nodeId}: nothing of it is stored`, {
    hint: "Check the node id; `seamless fill` fetches it",
  });
}

/** What needs artifacts is refused where there are none. */
export function nothingPublished(act: string): HistoryError {
  return new HistoryError("DOMAIN_DISABLED", `Cannot ${act}: publication is switched off`, {
    hint: "Set seamless.artifact.enabled and seamless.artifact.publish_fingerprint to true",
  });
}
