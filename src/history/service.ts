/** The running service: every question of `HistoryService` handed to the part that answers it. */

import type { Backfiller, NodeSite } from "../backfill/backfiller.ts";
import { openSlots, viewOf } from "../backfill/node_view.ts";
import { checkFillRange } from "../backfill/plan.ts";
import type { Compute } from "../compute/mod.ts";
import { underSignals } from "../core/cancellation.ts";
import { cancelled, HistoryError, throwIfCancelled } from "../core/errors.ts";
import { formingStart } from "../core/effective_range.ts";
import { parseAsOfMs } from "../core/instant.ts";
import type { Snapshot } from "../core/manifest.ts";
import { parseNodeId } from "../core/node_id.ts";
import type { ArtifactStore, BarStore, Clock, Exchange, Exchanges } from "../core/ports.ts";
import type {
  BackfillSpec,
  HistoryService,
  LocalService,
  PlanReport,
  SnapshotRow,
  ToValidate,
  ValidationProblem,
} from "../core/service.ts";
import { slotCount, snapOutward } from "../core/timeframe.ts";
import { type TimeRange, toPairs } from "../core/time_range.ts";
import type { EventHub } from "./events.ts";
import { explainSlot } from "./explain.ts";
import type { FallThrough } from "./fall_through.ts";
import type { Health } from "./health.ts";
import { checkedSpec, type JobDesk } from "./job_desk.ts";
import type { Outages } from "./outages.ts";
import type { Provider } from "./provider.ts";
import type { Publishing } from "./publishing.ts";
import { fingerprintOf } from "./question.ts";
import type { Reports } from "./reports.ts";
import type { Snapshots } from "./snapshots.ts";
import { nothingPublished, verify } from "./verification.ts";
import type { VerifyParts } from "./verify.ts";

export interface ServiceParts {
  provider: Provider;
  reports: Reports;
  jobs: JobDesk;
  backfiller: Backfiller;
  /** Null where nothing is published. */
  publishing: Publishing | null;
  snapshots: Snapshots | null;
  fallThrough: FallThrough | null;
  verifying: VerifyParts | null;
  artifacts: ArtifactStore | null;
  store: BarStore;
  exchanges: Exchanges;
  compute: Compute;
  outages: Outages;
  clock: Clock;
  events: EventHub;
  health: Health;
  /** Resolves when the work that is under way beside all calls has ended. */
  settle: () => Promise<void>;
  /** Ends everything under way, then closes what `wire` opened. */
  shutdown: () => Promise<void>;
}

/** Bytes of one stored bar: what a plan counts. */
const BAR_BYTES = 48;

/** Builds the service. After `close` every call rejects with `CANCELLED`. */
export function createService(parts: ServiceParts): LocalService {
  let closed: Promise<void> | null = null;
  const open = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => (...args: A): Promise<R> =>
    closed === null ? call(...args) : Promise.reject(cancelled("The call: the service is closed; it"));
  return {
    bars: open((request, context) => parts.provider.bars(request, context)),
    coverage: open((nodeId, o) =>
      parts.reports.coverage(nodeId, { range: o?.range, asOfMs: asOfOf(o?.asOf) })
    ),
    gaps: open((nodeId, o) => parts.reports.gaps(nodeId, { ...o, asOfMs: asOfOf(o.asOf) })),
    condition: open((nodeId, range) => parts.reports.condition(nodeId, range)),
    nodes: open((o) => parts.reports.nodes(o)),
    forming: open(async (nodeId) => {
      const { grid, parsed } = await siteWithGrid(parts.backfiller, nodeId);
      return formingStart(parts.backfiller.lastKnownVenueNow(parsed.exchange), grid);
    }),
    snapshots: open((nodeId, o) => listSnapshots(parts, nodeId, o)),
    plan: open((spec, signal, o) =>
      underSignals([signal], "Planning", (own) => plan(parts, spec, { ...o, signal: own }))
    ),
    validate: (requests) => validate(parts.provider, requests),
    startBackfill: open((spec) => parts.jobs.start(spec)),
    backfill: open((id) => parts.jobs.report(id)),
    cancelBackfill: open((id) => parts.jobs.cancel(id)),
    fill: open(async (spec, o) => {
      // What could not be published is not fetched either: the budget of a venue is worth more than this look.
      await parts.publishing?.ready();
      return await parts.jobs.runNow(spec, o);
    }),
    publish: open((nodeIds, range) => publish(parts, nodeIds, range)),
    verify: open((o) => verify({ ...o, asOfMs: asOfOf(o.asOf) }, parts)),
    explain: open((nodeId, ts) =>
      explainSlot(nodeId, ts, {
        ...parts,
        venueNow: (exchange) => parts.backfiller.lastKnownVenueNow(exchange),
      })
    ),
    artifact: open((key, range) => parts.artifacts?.get(key, range) ?? Promise.resolve(null)),
    artifactSize: open((key) => parts.artifacts?.size(key) ?? Promise.resolve(null)),
    events: (listener) => parts.events.listen(listener),
    ready: open(() => parts.health.ready()),
    doctor: open(() => parts.health.doctor()),
    rest: open((ms, signal) =>
      underSignals([signal], "The wait", async (own) => {
        const over = new AbortController();
        const late = parts.clock.sleep(ms, AbortSignal.any([own, over.signal]));
        await Promise.race([parts.settle(), late]).finally(() => over.abort(cancelled("The wait")));
      })
    ),
    close: () => closed ??= parts.shutdown(),
  };
}

/** The site of a node of which the grid is wanted: one that the hot store does not know may be published. */
async function siteWithGrid(backfiller: Backfiller, nodeId: string): Promise<NodeSite> {
  const site = await backfiller.site(nodeId);
  return site.state === null ? await backfiller.underlaid(site) : site;
}

function asOfOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseAsOfMs(text);
}

/** A snapshot as lists show it. Pins come with a later version. */
export function snapshotRow({ seq, manifest, manifestUri, manifestSha256 }: Snapshot): SnapshotRow {
  return {
    seq,
    as_of: manifest.as_of,
    dataset_fingerprint: manifest.dataset_fingerprint,
    range: manifest.range,
    row_count: manifest.row_count,
    publication_watermark: manifest.publication_watermark,
    operation: manifest.operation,
    manifest_uri: manifestUri,
    manifest_sha256: manifestSha256,
    pinned: false,
  };
}

async function listSnapshots(
  { snapshots }: ServiceParts,
  nodeId: string,
  o: Parameters<HistoryService["snapshots"]>[1],
) {
  parseNodeId(nodeId);
  const fingerprint = fingerprintOf(o.fingerprint) ?? undefined;
  if (snapshots === null) return { snapshots: [], next: null };
  const page = await snapshots.list(nodeId, { ...o, fingerprint, asOfMs: asOfOf(o.asOf) });
  return { snapshots: page.snapshots.map(snapshotRow), next: page.next };
}

/** What a fill would ask, and what that costs (spec §14); nothing is fetched. */
async function plan(
  parts: ServiceParts,
  spec: BackfillSpec,
  { signal, offline = false }: { signal: AbortSignal; offline?: boolean },
): Promise<PlanReport> {
  const { nodes, start, end } = checkedSpec(spec);
  const report: PlanReport = { windows: 0, calls: 0, weight: 0, seconds: 0, bars: 0, bytes: 0, nodes: [] };
  for (const nodeId of nodes) {
    throwIfCancelled(signal, "Planning");
    const site = await parts.backfiller.wholeSite(nodeId);
    const range = rangeToPlan(site, { start, end }, parts);
    checkFillRange(nodeId, range, site.grid);
    const exchange = await parts.exchanges.get(site.parsed.exchange);
    const tariff = exchange.tariff(site.parsed.timeframe!);
    if (site.state === null && !offline) await requireListed(exchange, site.parsed.symbol, signal);
    let [windows, calls, bars] = [0, 0, 0];
    const scope = spec.refetch ? "all" : "due";
    const now = parts.backfiller.lastKnownVenueNow(site.parsed.exchange);
    for (const block of parts.backfiller.planBlocks(site, range, { scope, order: "oldest", now })) {
      throwIfCancelled(signal, "Planning");
      windows += block.length;
      for (const { slots, ask } of block) {
        bars += slots;
        calls += Math.max(1, Math.ceil(slotCount(ask, site.grid) / tariff.pageRows));
      }
    }
    const weight = tidy(calls * tariff.cost);
    report.nodes.push({ node_id: nodeId, windows, calls, weight, bars });
    report.windows += windows;
    report.calls += calls;
    report.weight += weight;
    report.bars += bars;
    report.bytes += bars * BAR_BYTES;
    report.seconds += weight * tariff.msPerUnit / 1000;
  }
  return { ...report, weight: tidy(report.weight), seconds: tidy(report.seconds) };
}

/** Three calls of cost 0.4 weigh 1.2, not 1.2000000000000002. */
function tidy(value: number): number {
  return Number(value.toPrecision(12));
}

/** `SYMBOL_UNKNOWN` for what the venue does not list. A plan is arithmetic: a venue that is away does not stop it. */
async function requireListed(exchange: Exchange, symbol: string, signal?: AbortSignal): Promise<void> {
  try {
    await exchange.market(symbol, signal);
  } catch (error) {
    if (!(error instanceof HistoryError) || !AWAY.has(error.code)) throw error;
  }
}

/** What a venue that cannot list its markets now answers. */
const AWAY: ReadonlySet<string> = new Set(["EXCHANGE_UNAVAILABLE", "EXCHANGE_REFUSED", "RATE_LIMITED"]);

function rangeToPlan(
  site: NodeSite,
  bounds: { start: number | null; end: number | null },
  { backfiller, compute }: ServiceParts,
): TimeRange {
  const known = site.state === null ? undefined : viewOf(site.state, compute).covered[0];
  const start = bounds.start ?? known;
  if (start === undefined) {
    throw new HistoryError(
      "BAD_REQUEST",
      `Cannot plan ${site.nodeId} from its first bar: that is not known yet`,
      {
        hint: "Give a start: a plan asks the venue nothing",
      },
    );
  }
  // What is still to come is not asked, however far the range reaches.
  const forming = formingStart(backfiller.lastKnownVenueNow(site.parsed.exchange), site.grid);
  const end = Math.min(bounds.end ?? Infinity, forming);
  return snapOutward([start, Math.max(start, end)], site.grid);
}

function validate(provider: Provider, requests: readonly ToValidate[]): ValidationProblem[] {
  return requests.flatMap(({ request, problem, context }, index): ValidationProblem[] => {
    if (problem !== undefined) return [problem];
    try {
      provider.check(request, context);
      return [];
    } catch (error) {
      if (!(error instanceof HistoryError)) throw error;
      return [{ index, code: error.code, detail: error.message, hint: error.hint }];
    }
  });
}

async function publish(
  parts: ServiceParts,
  nodeIds: string[],
  range: { start?: number; end?: number } = {},
): Promise<{ published: SnapshotRow[]; unchanged: SnapshotRow[] }> {
  if (parts.publishing === null) throw nothingPublished("publish");
  const done: { published: SnapshotRow[]; unchanged: SnapshotRow[] } = { published: [], unchanged: [] };
  for (const nodeId of nodeIds) {
    const { grid } = await siteWithGrid(parts.backfiller, nodeId);
    const whole = range.start === undefined && range.end === undefined;
    const wanted = whole ? null : snapOutward([range.start ?? -EVER, range.end ?? EVER], grid);
    const outcome = await parts.publishing.publishKnown(nodeId, wanted);
    if (outcome === null) {
      throw new HistoryError(
        "COVERAGE_INCOMPLETE",
        `Cannot publish ${nodeId}: nothing there is covered yet`,
        {
          hint: "Fill it first: `seamless fill`; only final bars and settled gaps are published",
        },
      );
    }
    (outcome.unchanged ? done.unchanged : done.published).push(snapshotRow(outcome.entry));
  }
  return done;
}

/** Beyond every bar, and within what grids can count. */
const EVER = 1e11;

/** How many slots of a range are open, and the settled rest published: the end of a node's fill. */
export async function finishNode(
  nodeId: string,
  range: TimeRange,
  parts: Pick<ServiceParts, "backfiller" | "compute" | "publishing">,
): Promise<{ open: number }> {
  const site = await parts.backfiller.wholeSite(nodeId);
  const now = parts.backfiller.lastKnownVenueNow(site.parsed.exchange);
  const wanted: TimeRange = [range[0], Math.min(range[1], formingStart(now, site.grid))];
  await parts.publishing?.publish(nodeId, wanted);
  if (site.state === null) return { open: slotCount(wanted, site.grid) };
  const open = toPairs(openSlots(viewOf(site.state, parts.compute), wanted, now, parts.compute));
  return { open: open.reduce((slots, part) => slots + slotCount(part, site.grid), 0) };
}
