/** `GET /v1/bars`: one question, answered in the format that the caller wants, whole or page by page. */

import { HistoryError } from "../core/errors.ts";
import { DEFAULT_PAGE_ROWS } from "../core/limits.ts";
import { slotCount } from "../core/timeframe.ts";
import type { Metadata } from "../core/metadata.ts";
import type { RequestContext } from "../core/request.ts";
import type { Answer, BarSlice } from "../core/service.ts";
import { decodeRows, sliceRows } from "../core/stored_chunk.ts";
import { encodeBars } from "../formats/encode.ts";
import { type FormatName, MEDIA_TYPES } from "../formats/format.ts";
import { answerHeaders, answerTag, cachingHeaders, type HeaderMap, isNotModified } from "./answer_headers.ts";
import { contextOf, limitOf, readFetchRequest } from "./bars_query.ts";
import { checkSameQuery, expired, invalid, nextUrl, stableQuery } from "./cursors.ts";
import { formatFor } from "./negotiation.ts";
import { textOf } from "./query.ts";
import type { Call } from "./route.ts";
import { respond, type StreamTerms } from "./send_body.ts";

/** What a cursor of bars holds besides the query: the ranges of page one, and what is still to come. */
interface Continuation {
  requested: [number, number];
  effective: [number, number];
  from: number;
  digest: string;
}

/** One page (or the whole) of an answer, as it was asked for. */
interface Asked {
  format: FormatName;
  /** The query of page one: what a next cursor will hold, and what decides the answer. */
  query: Record<string, string>;
  /** Null: all rows. */
  limit: number | null;
  /** Nobody named a limit: then an unpinned answer may span fewer slots. */
  unlimited: boolean;
  continuation: (Continuation & { pinned: boolean }) | null;
}

/** Answers a question. */
export async function handleBars(call: Call): Promise<Response> {
  const asked = readAsked(call);
  const answer = await ask(call, asked);
  const { config } = call.standing;
  const etag = answer.pinned ? tagOf(call, answer, asked.format) : null;
  const caching = cachingHeaders({ etag, open: config.apiKeys.length === 0 });
  const headers: HeaderMap = { ...answerHeaders(answer), ...caching, vary: "Accept" };
  if (etag !== null && isNotModified(call.request, etag)) return new Response(null, { status: 304, headers });
  const page = asked.limit === null ? whole(answer, call) : await onePage(answer, asked, call);
  // A page says of the whole answer what page one said.
  if (asked.continuation) page.metadata.requested_range = asked.continuation.requested;
  headers["content-type"] = contentType(asked.format);
  if (page.next !== null) headers.link = `<${nextUrl(call, page.next)}>; rel="next"`;
  if (call.request.method === "HEAD") return new Response(null, { headers });
  const pieces = encodeBars(asked.format, {
    metadataJson: JSON.stringify(page.metadata),
    slices: page.slices,
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
  const isLate = (answer.metadata.sla?.violation ?? null) !== null;
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
async function ask(call: Call, asked: Asked): Promise<Answer> {
  const { config, service } = call.standing;
  const request = readFetchRequest(asked.query);
  const { continuation } = asked;
  if (continuation !== null) {
    delete request.last;
    [request.start, request.end] = continuation.effective;
  }
  const context: RequestContext = { ...contextOf(config, asked), signal: call.signal };
  if (asked.limit !== null) context.page = { limit: asked.limit + 1, after: continuation?.from ?? null };
  const answer = await service.bars(request, context);
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

interface Page {
  metadata: Metadata;
  slices: AsyncIterable<BarSlice>;
  next: string | null;
}

function whole(answer: Answer, call: Call): Page {
  return { metadata: answer.metadata, slices: answer.slices({ signal: call.signal }), next: null };
}

/** Reads one row more than the page holds: it tells whether another page follows, and where it begins. */
async function onePage(answer: Answer, asked: Asked, call: Call): Promise<Page> {
  const limit = asked.limit!;
  const fromTs = asked.continuation?.from;
  const slices: BarSlice[] = [];
  let rows = 0;
  let nextTs: number | null = null;
  for await (const slice of answer.slices({ fromTs, limit: limit + 1, signal: call.signal })) {
    const fits = limit - rows;
    if (slice.rows > fits) {
      nextTs = decodeRows(slice.bytes, [fits, fits + 1]).ts[0];
      if (fits > 0) slices.push({ rows: fits, bytes: sliceRows(slice, 0, fits) });
      rows = limit;
      break;
    }
    slices.push(slice);
    rows += slice.rows;
  }
  const next = nextTs === null ? null : await nextCursor({ answer, asked, call, nextTs });
  return { metadata: { ...answer.metadata, rows }, slices: fromList(slices), next };
}

async function nextCursor(o: { answer: Answer; asked: Asked; call: Call; nextTs: number }): Promise<string> {
  const { metadata, pinned } = o.answer;
  const at: Continuation = {
    requested: [...metadata.requested_range] as [number, number],
    effective: [...metadata.effective_range] as [number, number],
    from: o.nextTs,
    digest: await o.answer.remainderDigest(o.nextTs),
  };
  return o.call.standing.cursors.issue(
    { path: o.call.path, query: o.asked.query, limit: o.asked.limit!, at },
    { pinned },
  );
}

async function* fromList(slices: BarSlice[]): AsyncIterable<BarSlice> {
  yield* slices;
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
