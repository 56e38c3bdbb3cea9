/** What series there are, and which snapshots of them: `/v1/nodes`, `/v1/snapshots`. */

import { fingerprintOf } from "./bars_query.ts";
import { listResponse, readListPage } from "./list_page.ts";
import { asOfOf, badRequest, nodeIdOf, textOf } from "./query.ts";
import type { Call } from "./route.ts";

/** `GET /v1/nodes`. */
export async function handleNodes(call: Call): Promise<Response> {
  const page = readListPage<string>(call);
  const exchange = textOf(page.query, "exchange");
  if (exchange !== undefined && !/^[a-z0-9_]+$/.test(exchange)) {
    throw badRequest("Cannot list this exchange: it is no CCXT id", "Give a lower-case CCXT id, as binance");
  }
  const { nodes, next } = await call.standing.service.nodes({
    exchange,
    limit: page.limit,
    after: page.after,
  });
  return listResponse(call, { page, body: { nodes }, next });
}

/** `GET /v1/snapshots`, newest first. */
export async function handleSnapshots(call: Call): Promise<Response> {
  const page = readListPage<number>(call);
  const { snapshots, next } = await call.standing.service.snapshots(nodeIdOf(page.query), {
    asOf: asOfOf(page.query),
    fingerprint: fingerprintOf(page.query),
    limit: page.limit,
    before: page.after,
  });
  return listResponse(call, { page, body: { snapshots }, next });
}
