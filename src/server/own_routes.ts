/** What the service says of itself: `/healthz`, `/readyz`, `/openapi.json`, `/`. */

import { type Call, jsonResponse } from "./route.ts";

/** `GET /healthz`: the process answers. */
export function handleHealth(): Response {
  return jsonResponse({ status: "ok" });
}

/** `GET /readyz`: every part answers; 503 when one does not. */
export async function handleReady(call: Call): Promise<Response> {
  const { ready, checks } = await call.standing.service.ready();
  const told = checks.map(({ name, ok, message }) => ({ name, ok, message }));
  return jsonResponse({ ready, checks: told }, { status: ready ? 200 : 503 });
}

/** `GET /openapi.json`. */
export function handleOpenApi(call: Call): Response {
  return new Response(call.standing.openApi, {
    headers: { "content-type": "application/json", "cache-control": "no-cache" },
  });
}

/** `GET /`: a page for people, JSON for programs. */
export function handleRoot(call: Call): Response {
  const { version } = call.standing;
  if (!/\btext\/html\b/.test(call.request.headers.get("accept") ?? "")) {
    const links = { openapi: "/openapi.json", bars: "/v1/bars", nodes: "/v1/nodes", health: "/healthz" };
    return jsonResponse({ name: "seamless", version, links });
  }
  return new Response(page(version), {
    headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": "default-src 'none'" },
  });
}

function page(version: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Seamless ${version}</title>
<h1>Seamless ${version}</h1>
<p>Bars of a series from here to there: from storage, filled from the exchange, every gap with its reason, every answer
with its fingerprint.</p>
<pre>curl '/v1/bars?node_id=ohlcv:binance:BTC/USDT:1m&amp;last=10&amp;execution_domain=live'</pre>
<ul>
<li><a href="/openapi.json">/openapi.json</a>: every route and shape</li>
<li><a href="/v1/nodes">/v1/nodes</a>: the series that are stored here</li>
<li><a href="/readyz">/readyz</a>: whether every part works</li>
</ul>
</html>
`;
}
