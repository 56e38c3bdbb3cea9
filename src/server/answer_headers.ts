/** The headers of an answer: its metadata in short, and what caches may do with it. */

import { createHash } from "node:crypto";
import type { Metadata } from "../core/metadata.ts";
import type { Answer } from "../core/service.ts";
import type { FormatName } from "../formats/format.ts";
import type { Query } from "./query.ts";

/** A year: what was answered for a pinned read never changes. */
const MAX_AGE_SEC = 31_536_000;

/** Headers by their lower-case name: cheaper than a `Headers` object where every answer has ten of them. */
export type HeaderMap = Record<string, string>;

/** The `Seamless-*` and `Server-Timing` headers of an answer. All are on every answer (surface §4): empty where it has none. */
export function answerHeaders({ metadata, timing }: Answer): HeaderMap {
  const flags = Object.entries(metadata.conformance_flags).map(([name, count]) => `${name}=${count}`);
  const headers: HeaderMap = {
    "seamless-fingerprint": metadata.dataset_fingerprint ?? "",
    "seamless-answer-fingerprint": metadata.answer_fingerprint ?? "",
    "seamless-as-of": metadata.as_of ?? "",
    "seamless-coverage": coverageText(metadata),
    "seamless-flags": flags.join(";"),
    "seamless-verdict": verdictText(metadata),
  };
  const phases = timing.map(({ name, ms }) => `${name};dur=${ms.toFixed(2)}`);
  if (phases.length > 0) headers["server-timing"] = phases.join(", ");
  return headers;
}

/** Ratios are cut, not rounded, so that 0.99996 never looks whole. */
function coverageText(metadata: Metadata): string {
  const cut = (ratio: number) => (Math.floor(ratio * 1e4 + 1e-6) / 1e4).toFixed(4);
  return `ratio=${cut(metadata.coverage_ratio)};explained=${cut(metadata.explained_ratio)};` +
    `complete=${metadata.complete};gaps=${metadata.gaps_total}`;
}

function verdictText({ verdict }: Metadata): string {
  return verdict.reasons.length === 0 ? verdict.mode : `${verdict.mode};reasons=${verdict.reasons.join(",")}`;
}

/** What caches may do: keep what is pinned for ever, never keep the rest. `open`: no key is needed to read it. */
export function cachingHeaders(o: { etag: string | null; open: boolean }): HeaderMap {
  if (o.etag === null) return { "cache-control": "no-store" };
  const whose = o.open ? "public" : "private";
  return { etag: o.etag, "cache-control": `${whose}, max-age=${MAX_AGE_SEC}, immutable` };
}

/** The strong ETag of a pinned answer: a digest of the snapshot, the query and the format. */
export function answerTag(o: { manifestSha256: string; query: Query; format: FormatName }): string {
  const fields = Object.entries(o.query).filter(([name]) => name !== "format").sort(([a], [b]) =>
    a < b ? -1 : 1
  );
  const identity = JSON.stringify([o.manifestSha256, o.format, fields]);
  return `"${createHash("sha256").update(identity).digest("hex")}"`;
}

/** Whether `If-None-Match` names the tag (weak comparison, RFC 9110 §13.1.2). */
export function isNotModified(request: Request, etag: string): boolean {
  const header = request.headers.get("if-none-match");
  if (header === null) return false;
  return header.split(",").some((part) => part.trim() === "*" || part.trim().replace(/^W\//, "") === etag);
}
