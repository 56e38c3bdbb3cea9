/** The headers of an answer: its metadata in short, and what caches may do with it. */

import { createHash } from "node:crypto";
import type { Metadata } from "../core/metadata.ts";
import type { Answer } from "../core/service.ts";
import type { FormatName } from "../formats/format.ts";
import type { Query } from "./query.ts";

/** A year: what was answered for a pinned read never changes. */
const MAX_AGE_SEC = 31_536_000;

/** The `Seamless-*` and `Server-Timing` headers of an answer. */
export function answerHeaders(answer: Answer): Headers {
  const { metadata } = answer;
  const headers = new Headers();
  const set = (name: string, value: string | null) =>
    value !== null && value !== "" && headers.set(name, value);
  set("seamless-fingerprint", metadata.dataset_fingerprint);
  set("seamless-answer-fingerprint", metadata.answer_fingerprint);
  set("seamless-as-of", metadata.as_of);
  set("seamless-coverage", coverageText(metadata));
  set("seamless-flags", Object.entries(metadata.conformance_flags).map(([k, n]) => `${k}=${n}`).join(";"));
  set("seamless-verdict", verdictText(metadata));
  set("server-timing", answer.timing.map(({ name, ms }) => `${name};dur=${ms.toFixed(2)}`).join(", "));
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

/** What caches may do: keep pinned answers for ever, never keep others. `open`: no key is needed to read them. */
export function setCaching(headers: Headers, o: { etag: string | null; open: boolean }): void {
  headers.set("vary", "Accept");
  if (o.etag === null) {
    headers.set("cache-control", "no-store");
    return;
  }
  headers.set("etag", o.etag);
  headers.set("cache-control", `${o.open ? "public" : "private"}, max-age=${MAX_AGE_SEC}, immutable`);
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
