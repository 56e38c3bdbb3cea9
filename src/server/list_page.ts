/** Pages of listings: `limit` and `cursor` in, `next` and `Link` out. */

import { DEFAULT_PAGE_ROWS } from "../core/limits.ts";
import { limitOf } from "./bars_query.ts";
import { checkSameQuery, nextUrl, stableQuery } from "./cursors.ts";
import { type Query, textOf } from "./query.ts";
import { type Call, jsonResponse } from "./route.ts";

/** What was asked of a listing. */
export interface ListPage<After> {
  /** The query of page one. */
  query: Query;
  limit: number;
  /** Where to go on; `undefined` on page one. */
  after: After | undefined;
}

/** Reads which page is wanted. Cursor errors as `Cursors.open`. */
export function readListPage<After>(call: Call): ListPage<After> {
  const limit = limitOf(call.query);
  const token = textOf(call.query, "cursor");
  if (token === undefined) return { query: call.query, limit: limit ?? DEFAULT_PAGE_ROWS, after: undefined };
  const cursor = call.standing.cursors.open(token, call.path);
  checkSameQuery(call.query, cursor.query);
  return { query: cursor.query, limit: limit ?? cursor.limit, after: cursor.at as After };
}

/** Answers with one page; `next` is where the listing goes on, or null. */
export function listResponse<After>(
  call: Call,
  o: { page: ListPage<After>; body: Record<string, unknown>; next: After | null },
): Response {
  if (o.next === null) return jsonResponse({ ...o.body, next: null });
  const state = {
    path: call.path,
    query: stableQuery(o.page.query),
    limit: o.page.limit,
    at: o.next,
  };
  const next = call.standing.cursors.issue(state, { pinned: false });
  return jsonResponse({ ...o.body, next }, { headers: { link: `<${nextUrl(call, next)}>; rel="next"` } });
}
