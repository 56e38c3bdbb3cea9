/** `GET /artifacts/*`: objects of the artifact store, whole or in part; they never change. */

import { createHash } from "node:crypto";
import { isArtifactKey } from "../core/artifact_key.ts";
import { HistoryError } from "../core/errors.ts";
import { ARTIFACT_PIECE_BYTES } from "../core/limits.ts";
import type { HistoryService } from "../core/service.ts";
import { cachingHeaders, type HeaderMap, isNotModified } from "./answer_headers.ts";
import { HttpRefusal } from "./errors.ts";
import { badRequest, decodeOnce, shown } from "./query.ts";
import type { Call } from "./route.ts";
import { respond } from "./send_body.ts";

const TYPES: Readonly<Record<string, string>> = {
  json: "application/json",
  parquet: "application/vnd.apache.parquet",
};

interface Span {
  start: number;
  end: number;
}

/** Sends an object. `NOT_FOUND` for a missing one, `RANGE_NOT_SATISFIABLE` for a part beyond its end. */
export async function handleArtifact(call: Call): Promise<Response> {
  const key = keyOf(call.params["*"]);
  const { service, config, clock, log } = call.standing;
  const size = await service.artifactSize(key);
  if (size === null) throw missing(key);
  const etag = `"${createHash("sha256").update(`${size}/${key}`).digest("hex")}"`;
  const caching = cachingHeaders({ etag, open: config.apiKeys.length === 0 });
  const headers: HeaderMap = { "accept-ranges": "bytes", "content-type": typeOf(key), ...caching };
  if (isNotModified(call.request, etag)) return new Response(null, { status: 304, headers });
  const part = partOf(call.request, { size, etag });
  const span = part ?? { start: 0, end: size };
  if (part) headers["content-range"] = `bytes ${span.start}-${span.end - 1}/${size}`;
  headers["content-length"] = String(span.end - span.start);
  const status = part ? 206 : 200;
  if (call.request.method === "HEAD") return new Response(null, { status, headers });
  return await respond(pieces(service, key, span), { status, headers }, () => ({
    clock,
    writeTimeoutMs: config.writeTimeoutMs,
    signal: call.signal,
    onEnd: call.hold(),
    onFault: (error) => log.emit("warn", "seamless.http.body_cut", { path: key, error: String(error) }),
  }));
}

/** The key that a path names, each segment decoded once. `BAD_REQUEST` for segments that would lead elsewhere. */
function keyOf(path: string): string {
  const segments = path.split("/").map(decodeOnce);
  for (const segment of segments) {
    if (/[/\\\0]/.test(segment) || segment === ".." || segment === ".") {
      throw badRequest(
        `Cannot look for "${
          shown(segment)
        }": a segment may hold no slash, backslash or NUL, and may not be ..`,
        "Encode the % of a key as %25: its %2F is %252F in the address",
      );
    }
  }
  const key = segments.join("/");
  if (!isArtifactKey(key)) throw missing(key);
  return key;
}

function missing(key: string): HistoryError {
  return new HistoryError("NOT_FOUND", `Cannot find the artifact "${shown(key)}"`, {
    hint: "Take keys from manifests (segments[].uri) and /v1/snapshots (manifest_uri)",
  });
}

function typeOf(key: string): string {
  return TYPES[key.slice(key.lastIndexOf(".") + 1)] ?? "application/octet-stream";
}

/** The one part that `Range` asks for; null: the whole. Several parts, and what is no range of bytes, are answered whole. */
function partOf(request: Request, o: { size: number; etag: string }): Span | null {
  const header = request.headers.get("range");
  const condition = request.headers.get("if-range");
  if (header === null || (condition !== null && condition !== o.etag)) return null;
  const bounds = /^bytes=\s*(\d*)\s*-\s*(\d*)\s*$/.exec(header);
  if (bounds === null || (bounds[1] === "" && bounds[2] === "")) return null;
  const [first, last] = [bounds[1], bounds[2]];
  if (first !== "" && last !== "" && Number(first) > Number(last)) return null;
  const span = first === ""
    ? { start: Math.max(0, o.size - Number(last)), end: o.size }
    : { start: Number(first), end: last === "" ? o.size : Math.min(o.size, Number(last) + 1) };
  if (span.start < span.end) return span;
  throw new HttpRefusal("RANGE_NOT_SATISFIABLE", `Cannot send ${shown(header)} of ${o.size} bytes`, {
    hint: `Ask for bytes within 0-${o.size - 1}`,
    headers: { "content-range": `bytes */${o.size}` },
  });
}

async function* pieces(
  service: HistoryService,
  key: string,
  span: Span,
): AsyncIterable<Uint8Array<ArrayBuffer>> {
  for (let start = span.start; start < span.end; start += ARTIFACT_PIECE_BYTES) {
    const end = Math.min(span.end, start + ARTIFACT_PIECE_BYTES);
    const piece = await service.artifact(key, { start, end });
    if (piece === null) throw missing(key);
    yield piece as Uint8Array<ArrayBuffer>;
  }
}
