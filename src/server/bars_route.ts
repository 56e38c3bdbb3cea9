/** `GET /v1/bars`: one question, answered in the format that the caller wants, whole or page by page. */

import { HistoryError } from "../core/errors.ts";
import { DEFAULT_PAGE_ROWS } from "../core/limits.ts";
import { slotCount } from "../core/timeframe.ts";
import type { Metadata } from "../core/metadata.ts";
import type { RequestContext } from "../core/request.ts";
import type { Answer } from "../core/service.ts";
import { encodeBars } from "../formats/encode.ts";
import { type FormatName, MEDIA_TYPES } from "../formats/format.ts";
import { answerHeaders, answerTag, cachingHeaders, type HeaderMap, isNotModified } from "./answer_headers.ts";
import { type Asked, type Continuation, pageOf, PageRehearsal } from "./bars_page.ts";
import { contextOf, limitOf, readFetchRequest } from "./bars_query.ts";
import { checkSameQuery, expired, invalid, nextUrl, stableQuery } from "./cursors.ts";
import { formatFor } from "./negotiation.ts";
import { textOf } from "./query.ts";
import type { Call } from "./route.ts";
import { respond, type StreamTerms } from "./send_body.ts";

/** Answers a question. */
export async function handleBars(call: Call): Promise<Response> {
  const asked = readAsked(call);
  const rehearsal = new PageRehearsal(asked, call);
  const answer = await ask(call, asked, rehearsal);
  const { config } = call.standing;
  const etag = answer.pinned ? tagOf(call, answer, asked.format) : null;
  const caching = cachingHeaders({ etag, open: config.apiKeys.length === 0 });
  const headers: HeaderMap = { ...answerHeaders(answer), ...caching, vary: "Accept" };
  if (etag !== null && isNotModified(call.request, etag)) return new Response(null, { status: 304, headers });
  const ready = rehearsal.of(answer);
  const page = ready?.page ?? await pageOf(answer, asked, call);
  const metadata: Metadata = { ...answer.metadata, rows: page.rows };
  // A page says of the whole answer what page one said.
  if (asked.continuation) metadata.requested_range = asked.continuation.requested;
  headers["content-type"] = contentType(asked.format);
  if (page.next !== null) headers.link = `<${nextUrl(call, page.next)}>; rel="next"`;
  if (call.request.method === "HEAD") return new Response(null, { headers });
  const pieces = encodeBars(asked.format, {
    metadataJson: JSON.stringify(metadata),
    slices: page.slices(),
    rowsMade: ready?.rowsMade,
    next: page.next,
  });
  const terms = (): StreamTerms => ({
    clock: call.standing.clock,
    writeTimeoutMs: config.writeTimeoutMs,
    signal: call.signal,
    onEnd: call.hold(),
    onFault: (error) => logFault(call, error),
  });
  const { isStill } = answer;
  const isLate = (answer.metadata.sla?.violation ?? null) !== null && ready?.rowsMade === undefined;
  // A cursor of the next page is good for so long only: what holds one is not kept.
  if (isStill === undefined || page.next !== null || asked.continuation !== null) {
    return await respond(pieces, { headers }, terms, { isLate });
  }
  const onShort = (response: Response, bodyBytes: number) =>
    call.standing.byHeart.keep(call.request, () => ({ response: response.clone(), bodyBytes, isStill }));
  return await respond(pieces, { headers }, terms, { onShort, isLate });
}

function readAsked(call: Call): Asked {
  const format = formatFor(call.query, call.request.headers.get("accept"));
  const asked = limitOf(call.query);
  const token = textOf(call.query, "cursor");
  if (token === undefined) {
    const limit = asked ?? (format === "json" ? DEFAULT_PAGE_ROWS : null);
    return {
      format,
      query: stableQuery(call.query),
      limit,
      unlimited: asked === undefined,
      continuation: null,
    };
  }
  const cursor = call.standing.cursors.open(token, call.path);
  checkSameQuery(call.query, cursor.query);
  const continuation = { ...cursor.at as Continuation, pinned: cursor.pinned };
  return { format, query: cursor.query, limit: asked ?? cursor.limit, unlimited: false, continuation };
}

/** Asks the service, with the frozen range of page one when this is a later page. */
async function ask(call: Call, asked: Asked, rehearsal: PageRehearsal): Promise<Answer> {
  const { config, service } = call.standing;
  const request = readFetchRequest(asked.query);
  const { continuation } = asked;
  if (continuation !== null) {
    delete request.last;
    [request.start, request.end] = continuation.effective;
  }
  const context: RequestContext = {
    ...contextOf(config, asked),
    signal: call.signal,
    rehearse: rehearsal.rehearse,
  };
  if (asked.limit !== null) context.page = { limit: asked.limit + 1, after: continuation?.from ?? null };
  const answer = await service.bars(request, context).finally(() => rehearsal.end());
  checkSize(answer.metadata, config.maxRangeBars);
  if (continuation !== null) await checkUnchanged(answer, continuation);
  return answer;
}

function checkSize({ effective_range, grid }: Metadata, maxRangeBars: number): void {
  const slots = slotCount(effective_range, grid);
  if (slots <= maxRangeBars) return;
  throw new HistoryError(
    "RANGE_TOO_LARGE",
    `Cannot answer ${slots} slots at once: at most ${maxRangeBars} are allowed`,
    {
      hint: "Ask for a shorter range, or raise server.max_range_bars",
    },
  );
}

async function checkUnchanged(
  answer: Answer,
  continuation: Continuation & { pinned: boolean },
): Promise<void> {
  if (continuation.pinned && !answer.pinned) throw invalid("it belongs to a pinned read");
  if (await answer.remainderDigest(continuation.from) !== continuation.digest) {
    throw expired("rows that were still to come have changed");
  }
}

function tagOf(call: Call, { metadata }: Answer, format: FormatName): string | null {
  const manifestSha256 = metadata.snapshot?.manifest_sha256;
  return manifestSha256 === undefined ? null : answerTag({ manifestSha256, query: call.query, format });
}

function contentType(format: FormatName): string {
  return format === "csv" ? `${MEDIA_TYPES.csv}; charset=utf-8; header=present` : MEDIA_TYPES[format];
}

function logFault(call: Call, error: unknown): void {
  const code = error instanceof HistoryError ? error.code : "INTERNAL";
  call.standing.log.emit(code === "CANCELLED" ? "info" : "error", "seamless.http.body_cut", {
    request_id: call.requestId,
    path: call.path,
    code,
    error: error instanceof Error ? error.message : String(error),
  });
}
