/** A request with everything that configuration and context add to it: what the provider answers. Pure. */

import { parseDomain } from "../core/domain.ts";
import { type AskedBounds, checkBounds } from "../core/effective_range.ts";
import { HistoryError } from "../core/errors.ts";
import { parseAsOfMs, parseSeconds } from "../core/instant.ts";
import type { ExecutionDomain, Features, SLAPolicy, StrategyName } from "../core/metadata.ts";
import { type ParsedNode, parseNodeId } from "../core/node_id.ts";
import type { FetchRequest, RequestContext } from "../core/request.ts";
import { shown } from "../core/shown.ts";
import { requestPolicy } from "../core/sla.ts";
import { parseStrategy } from "../core/strategy.ts";
import type { HistorySettings } from "./settings.ts";

/** One question, resolved. Times in epoch seconds, `asOfMs` in ms; null: not given. */
export interface Question {
  nodeId: string;
  parsed: ParsedNode;
  bounds: AskedBounds;
  domain: ExecutionDomain;
  worldId: string;
  asOfMs: number | null;
  fingerprint: string | null;
  strategy: StrategyName;
  sla: SLAPolicy;
  /** The strictest of request, SLA and domain. */
  maxLagSec: number | null;
  minCoverage: number | null;
  features: Features;
  warnings: string[];
  /** The CLI waits without SLA deadlines; `timeoutMs` null: for ever. */
  patient: { timeoutMs: number | null } | null;
}

const FEATURES: Record<keyof Features, (value: unknown) => boolean> = {
  publish_fingerprint: (value) => typeof value === "boolean",
  early_fingerprint: (value) => typeof value === "boolean",
  align: (value) => value === "reject" || value === "floor",
  invariant: (value) => value === "flag" || value === "quarantine",
};
const WORLD = /^[\x21-\x7e]{1,200}$/;
const FINGERPRINT = /^sfp1:[0-9a-f]{64}$/;

/** Resolves a request; every mistake in it is a `HistoryError` with its code of surface §5. */
export function resolveQuestion(
  request: FetchRequest,
  settings: HistorySettings,
  context: RequestContext = {},
): Question {
  const parsed = parseNodeId(request.nodeId);
  refuseUnbuilt(request.nodeId, parsed);
  const bounds = boundsOf(request);
  const asOfMs = request.asOf === undefined ? null : parseAsOfMs(request.asOf, "as_of");
  const fingerprint = fingerprintOf(request.fingerprint);
  const worldId = worldOf(request.worldId);
  const { domain, warnings } = domainOf(request, context, {
    worldId,
    pinned: asOfMs !== null || fingerprint !== null,
  });
  if (domain === "backtest" && asOfMs === null && fingerprint === null) {
    throw new HistoryError("AS_OF_REQUIRED", `Cannot serve backtest of ${request.nodeId}: as_of is missing`, {
      hint: "Pass the as_of (or fingerprint) of a published snapshot; list them with `seamless snapshots`",
    });
  }
  const sla = requestPolicy(settings.sla, request.sla);
  const strictestLag = [
    request.maxLag,
    sla.max_lag_seconds,
    domain === "live" ? settings.live.maxLagSec : null,
  ];
  const strictestCoverage = [request.minCoverage, sla.min_coverage];
  return {
    nodeId: request.nodeId,
    parsed,
    bounds,
    domain,
    worldId,
    asOfMs,
    fingerprint,
    strategy: request.strategy === undefined ? settings.strategy : parseStrategy(request.strategy),
    sla,
    maxLagSec: extreme(Math.min, strictestLag, "max_lag", Infinity),
    minCoverage: extreme(Math.max, strictestCoverage, "min_coverage", 1),
    features: featuresOf(request.features),
    warnings,
    patient: context.patient ?? null,
  };
}

/** Whether the answer is read from one snapshot alone, and so can never change. */
export function isPinned(question: Question): boolean {
  return question.domain === "backtest" || question.fingerprint !== null;
}

function refuseUnbuilt(nodeId: string, parsed: ParsedNode): void {
  if (parsed.kind === "ohlcv" && parsed.origin === undefined) return;
  const what = parsed.kind === "trades" ? "trades" : "derived series";
  throw new HistoryError("NOT_AVAILABLE", `Cannot serve ${nodeId}: ${what} are not built yet`, {
    hint: "Ask for the exchange's own bars: ohlcv:{exchange}:{symbol}:{timeframe}",
  });
}

function boundsOf(request: FetchRequest): AskedBounds {
  const bounds = {
    start: request.start === undefined ? null : parseSeconds(request.start, "start"),
    end: request.end === undefined ? null : parseSeconds(request.end, "end"),
    last: request.last ?? null,
  };
  checkBounds(bounds);
  return bounds;
}

/** A dataset fingerprint by its form; null where none is named. `BAD_REQUEST`. */
export function fingerprintOf(text: string | undefined): string | null {
  if (text === undefined) return null;
  if (FINGERPRINT.test(text)) return text;
  throw new HistoryError(
    "BAD_REQUEST",
    `Cannot select fingerprint ${JSON.stringify(text.slice(0, 80))}: it is none`,
    {
      hint: "A fingerprint is sfp1: and 64 lower-case hex digits; list them with `seamless snapshots`",
    },
  );
}

function domainOf(
  request: FetchRequest,
  context: RequestContext,
  { worldId, pinned }: { worldId: string; pinned: boolean },
): { domain: ExecutionDomain; warnings: string[] } {
  if (request.executionDomain !== undefined) {
    const domain = parseDomain(request.executionDomain);
    if (domain !== "dryrun") return { domain, warnings: [] };
    throw new HistoryError("NOT_AVAILABLE", "Cannot serve domain dryrun: it is not built yet", {
      hint: "Use live, or backtest with the as_of of a published snapshot",
    });
  }
  const domain = pinned ? "backtest" : "live";
  if (context.requireContext === undefined) return { domain, warnings: [] };
  if (context.requireContext) {
    throw new HistoryError("CONTEXT_REQUIRED", "Cannot tell for whom this is: execution_domain is missing", {
      hint: "Pass world_id and execution_domain (backtest, dryrun or live)",
    });
  }
  return { domain, warnings: [`no execution_domain was given: answered as ${domain} of world ${worldId}`] };
}

function worldOf(text: string | undefined): string {
  if (text === undefined) return "default";
  if (WORLD.test(text)) return text;
  throw new HistoryError(
    "BAD_REQUEST",
    `Cannot use world_id ${JSON.stringify(text.slice(0, 60))}: it is no plain name`,
    {
      hint: "A world id has 1 to 200 printable ASCII characters without spaces",
    },
  );
}

function featuresOf(asked: Features | undefined): Features {
  for (const [name, value] of Object.entries(asked ?? {})) {
    const fits = FEATURES[name as keyof Features];
    if (fits !== undefined && Object.hasOwn(FEATURES, name) && fits(value)) continue;
    throw new HistoryError("BAD_REQUEST", `Cannot use feature ${name} = ${shown(value)}`, {
      hint:
        "Features: publish_fingerprint and early_fingerprint (true, false), align (reject, floor), invariant (flag, quarantine)",
    });
  }
  return asked ?? {};
}

/** The strictest of several limits; null where none is set. */
function extreme(
  pick: (...values: number[]) => number,
  limits: (number | null | undefined)[],
  name: string,
  most: number,
): number | null {
  const set = limits.filter((limit): limit is number => limit !== null && limit !== undefined);
  for (const limit of set) {
    if (limit >= 0 && limit <= most) continue;
    throw new HistoryError("BAD_REQUEST", `Cannot use ${name} = ${limit}: it is out of range`, {
      hint: `Give a number from 0 ${most === Infinity ? "on (seconds)" : `to ${most}`}`,
    });
  }
  return set.length === 0 ? null : pick(...set);
}
