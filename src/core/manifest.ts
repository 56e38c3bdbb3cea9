/**
 * Manifests: what one snapshot of a node says of itself (spec §8), and under which keys everything of a node lies.
 *
 * A manifest is RFC 8785 JSON under `…/log/{seq}.json`. Of its four lists (chunks, covered, gaps, findings) it holds
 * the newest entries; older ones stand in immutable pages that later manifests go on naming.
 */

import type { GapReason } from "./gap_reason.ts";
import type { JsonValue } from "./canonical_json.ts";
import { encodePart, parseNodeId } from "./node_id.ts";
import type { gridRecord } from "./timeframe.ts";
import type { TimeRange } from "./time_range.ts";

export const MANIFEST_VERSION = 1;
/** The rules by which `dataset_fingerprint` was made. */
export const FINGERPRINT_VERSION = "sfp1";
/** Where a node's folder lies, unless the configuration says otherwise. */
export const PARTITION_TEMPLATE = "exchange={exchange}/symbol={symbol}/timeframe={timeframe}";

/** Why a snapshot was made: rows came, rows changed, only what is known of gaps changed, files were joined. */
export type Operation = "publish" | "revise" | "coverage" | "compact";

/** One immutable Parquet file. `range`: from its first row to the end of its last; `uri` is relative to the root. */
export interface SegmentRecord {
  range: TimeRange;
  rows: number;
  bytes: number;
  uri: string;
  file_sha256: string;
}

/** One SFP-1 chunk. */
export interface ChunkRecord {
  k: number;
  rows: number;
  digest: string;
}

/** Slots without a bar and the settled reason that they had then. */
export interface GapRecord {
  start: number;
  end: number;
  bars: number;
  reason: GapReason;
}

/** What conformance found at one time. */
export interface FindingRecord {
  ts: number;
  flag: string;
  count: number;
}

/** The four lists, whole, each ascending. */
export interface ManifestLists {
  chunks: ChunkRecord[];
  covered: TimeRange[];
  gaps: GapRecord[];
  findings: FindingRecord[];
}

export type ListName = keyof ManifestLists;
export const LIST_NAMES: readonly ListName[] = ["chunks", "covered", "gaps", "findings"];

/**
 * Older entries of one list in one immutable object. `[from, to)` spans them: chunk numbers for chunks, seconds for
 * the others.
 */
export interface PageRecord {
  from: number;
  to: number;
  count: number;
  sha256: string;
  uri: string;
}

/** Who made a snapshot, from what, and under which policy. */
export interface Producer {
  identity: string;
  version: string;
  exchange: string;
  source: string;
  policy: { readonly [key: string]: JsonValue };
  worker: string;
}

/** Ed25519 over the canonical manifest without its `signature`. */
export interface ManifestSignature {
  algorithm: "ed25519";
  key_id: string;
  value: string;
}

/** One snapshot. Of the four lists only the newest entries stand here; `pages` name the rest, oldest first. */
export interface Manifest extends ManifestLists {
  manifest_version: typeof MANIFEST_VERSION;
  seq: number;
  /** SHA-256 of the manifest before; null at sequence number 1. */
  previous: string | null;
  operation: Operation;
  node_id: string;
  interval: number;
  grid: ReturnType<typeof gridRecord>;
  /** From the first covered slot to the watermark. */
  range: TimeRange;
  row_count: number;
  dataset_fingerprint: string;
  fingerprint_version: string;
  as_of: string;
  publication_watermark: number;
  stabilization_bars: number;
  conformance_version: string;
  conformance: { flags: Record<string, number>; warnings: string[] };
  coverage: { ratio: number; explained_ratio: number };
  producer: Producer;
  segments: SegmentRecord[];
  pages: Record<ListName, PageRecord[]>;
  signature?: ManifestSignature;
}

/** A manifest and where it stands. */
export interface Snapshot {
  nodeId: string;
  seq: number;
  asOfMs: number;
  manifest: Manifest;
  manifestUri: string;
  /** SHA-256 of the manifest's bytes as they are stored. */
  manifestSha256: string;
}

/** The folder of a node below the root. Errors as `parseNodeId`. */
export function nodeFolder(nodeId: string, template: string = PARTITION_TEMPLATE): string {
  const { kind, exchange, symbol, timeframe, origin } = parseNodeId(nodeId);
  const frame = kind === "trades" ? "trades" : timeframe!;
  const parts: Record<string, string> = {
    exchange,
    symbol,
    timeframe: origin === undefined ? frame : `${frame}~${origin}`,
  };
  return `${kind}/${template.replaceAll(/\{(\w+)\}/g, (whole, name) => encodePart(parts[name] ?? whole))}`;
}

/** The key of a log entry. */
export function logKey(folder: string, seq: number): string {
  return `${folder}/log/${String(seq).padStart(12, "0")}.json`;
}

/** The key of a segment. */
export function segmentKey(folder: string, sha256: string): string {
  return `${folder}/segments/${sha256}.parquet`;
}

/** The key of a page: chunk pages are binary, the others JSON. */
export function pageKey(folder: string, list: ListName, sha256: string): string {
  return `${folder}/pages/${sha256}.${list === "chunks" ? "bin" : "json"}`;
}
