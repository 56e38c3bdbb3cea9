/**
 * A `HistoryService` over bars in memory, for the tests of the HTTP door and of its client. It keeps the contract of
 * `core/service.ts` and nothing more: no storage, no exchange. Two series are known on "binance"; the rest of the
 * exchange is empty, other exchanges do not exist.
 */

import { type Bars, barsBetween, viewBars } from "../../src/core/bar_frame.ts";
import { checkBounds, effectiveRange, formingStart, requestedRange } from "../../src/core/effective_range.ts";
import { HistoryError } from "../../src/core/errors.ts";
import { parseAsOfMs } from "../../src/core/instant.ts";
import { parseNodeId } from "../../src/core/node_id.ts";
import type { Clock } from "../../src/core/ports.ts";
import type { FetchRequest, RequestContext } from "../../src/core/request.ts";
import type {
  Answer,
  AnswerRows,
  BackfillSpec,
  BarSlice,
  Check,
  ConditionReport,
  CoverageReport,
  ExplainReport,
  GapPage,
  GapRow,
  JobReport,
  LocalService,
  NodePage,
  PlanReport,
  ServiceEvent,
  SnapshotPage,
  SnapshotRow,
  ToValidate,
  ValidationProblem,
  VerifyReport,
} from "../../src/core/service.ts";
import { parseStrategy } from "../../src/core/strategy.ts";
import type { TimeRange } from "../../src/core/time_range.ts";
import { gridOf, gridRecord, intervalOf, slotCount } from "../../src/core/timeframe.ts";
import { encodeRows } from "../../src/core/stored_chunk.ts";
import { sampleBars } from "../formats/sample_bars.ts";
import { clip, describe, digestOf, domainOf, gapRow, plainFingerprint, tooLarge } from "./fake_answers.ts";

export const NODE = "ohlcv:binance:BTC/USDT:1m";
export const SMALL_NODE = "ohlcv:binance:ETH/USDT:1h";
/** The first bar of both series: 2023-03-24T00:00:00Z. */
export const FIRST = 1_679_616_000;
/** Snapshots of both series stand at these instants. */
export const AS_OFS = ["2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z"];

export class FakeService implements LocalService {
  readonly series = new Map<string, Bars>();
  readonly artifacts = new Map<string, Uint8Array>();
  readonly jobs = new Map<string, JobReport>();
  /** Gaps that are there no more. */
  readonly arrived = new Set<number>();
  /** What the last validation looked at. */
  validated: ToValidate[] = [];
  /** What was asked, in order. */
  readonly asked: { request: FetchRequest; context?: RequestContext }[] = [];
  /** Thrown by the next call of `bars`. */
  failure: unknown = null;
  /** Thrown in place of slice number `at` of every answer. */
  brokenSlice: { at: number; error: unknown } | null = null;
  /** The answer of shortly before the deadline, for the edge to make ready; null: the deadline is far. */
  beforeDue: ((answer: Answer) => AnswerRows) | null = null;
  /** Awaited by `bars` before it answers. */
  gate: Promise<void> = Promise.resolve();
  checks: Check[] = [{ name: "store", ok: true, message: "writes and reads" }];
  fingerprint: (bars: Bars, claims: { nodeId: string; range: TimeRange }) => Promise<string> =
    plainFingerprint;
  slicesMade = 0;
  readonly #clock: Clock;
  readonly #listeners = new Set<(event: ServiceEvent & { id: number }) => void>();
  #eventId = 0;

  constructor(clock: Clock, o: { rows?: number } = {}) {
    this.#clock = clock;
    this.series.set(NODE, sampleBars({ start: FIRST, step: 60, rows: o.rows ?? 30_000, nanEvery: 97 }));
    this.series.set(SMALL_NODE, sampleBars({ start: FIRST, step: 3600, rows: 48 }));
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  emit(event: ServiceEvent): void {
    const numbered = { ...event, id: ++this.#eventId };
    for (const listener of this.#listeners) listener(numbered);
  }

  async bars(request: FetchRequest, context: RequestContext = {}): Promise<Answer> {
    this.asked.push({ request, context });
    await this.gate;
    if (this.failure !== null) throw this.failure;
    const domain = domainOf(request, context);
    if (request.strategy !== undefined) parseStrategy(request.strategy);
    const grid = gridOf(parseNodeId(request.nodeId).timeframe!);
    const stored = this.#seriesOf(request.nodeId);
    const bounds = {
      start: request.start as number ?? null,
      end: request.end as number ?? null,
      last: request.last ?? null,
    };
    checkBounds(bounds);
    const now = formingStart(Math.floor(this.#clock.nowMs() / 1000), grid);
    const requested = requestedRange(bounds, now, grid);
    const pinned = domain === "backtest";
    const effective = effectiveRange(requested, grid, pinned ? null : now);
    const slots = slotCount(effective, grid);
    if (!pinned && context.maxSlots !== undefined && slots > context.maxSlots) {
      throw tooLarge(slots, context.maxSlots);
    }
    const snapshot = pinned ? this.#snapshotFor(request) : null;
    const bars = barsBetween(stored, effective[0], effective[1]);
    const answerFingerprint = effective[0] === effective[1]
      ? null
      : await this.fingerprint(bars, { nodeId: request.nodeId, range: effective });
    const metadata = describe({
      ...{ request, domain, requested, effective, bars, snapshot, slots, answerFingerprint },
    });
    const answer: Answer = {
      metadata,
      pinned,
      content: bars,
      timing: [{ name: "storage_wait", ms: 0.25 }],
      slices: (o = {}) => this.#slices(bars, o),
      remainderDigest: (fromTs) => digestOf(barsBetween(bars, fromTs, Infinity)),
    };
    if (this.beforeDue !== null) await context.rehearse?.(this.beforeDue(answer));
    return answer;
  }

  rest(): Promise<void> {
    return Promise.resolve();
  }

  async coverage(nodeId: string, o: { range?: TimeRange; asOf?: string } = {}): Promise<CoverageReport> {
    const grid = gridOf(parseNodeId(nodeId).timeframe!);
    const bars = await Promise.resolve(this.series.get(nodeId));
    const held: TimeRange | null = bars ? [bars.ts[0], bars.ts[bars.ts.length - 1] + intervalOf(grid)] : null;
    const covered = held ? clip(held, o.range) : null;
    const segment = covered
      ? [{
        start: covered[0],
        end: covered[1],
        bars: slotCount(covered, grid),
        interval_seconds: intervalOf(grid),
      }]
      : [];
    const wanted = o.range ? slotCount(o.range, grid) : covered ? slotCount(covered, grid) : 0;
    const ratio = wanted === 0 ? 1 : covered ? slotCount(covered, grid) / wanted : 0;
    return {
      node_id: nodeId,
      interval: intervalOf(grid),
      grid: gridRecord(grid),
      covered: covered ? [covered] : [],
      segments: segment,
      coverage_ratio: ratio,
      explained_ratio: ratio,
      first_bar: held?.[0] ?? null,
      last_bar: held ? held[1] - intervalOf(grid) : null,
      watermark: held?.[1] ?? null,
    };
  }

  /** One gap of one slot every ten slots of the range. */
  gaps(
    nodeId: string,
    o: { range: TimeRange; reason?: string; limit: number; after?: number },
  ): Promise<GapPage> {
    const step = intervalOf(gridOf(parseNodeId(nodeId).timeframe!));
    const starts: number[] = [];
    for (let t = o.range[0]; t < o.range[1] && starts.length < 50_000; t += 10 * step) {
      if (!this.arrived.has(t)) starts.push(t);
    }
    const wanted = o.reason === undefined || o.reason === "absent_at_source" ? starts : [];
    const from = o.after === undefined ? 0 : wanted.findIndex((start) => start >= o.after!);
    const page = wanted.slice(from, from + o.limit);
    return Promise.resolve({
      node_id: nodeId,
      gaps: page.map((start): GapRow => gapRow(start, step)),
      gaps_total: wanted.length,
      next: wanted[from + o.limit] ?? null,
    });
  }

  forming(nodeId: string): Promise<number> {
    const now = Math.floor(this.#clock.nowMs() / 1000);
    return Promise.resolve(formingStart(now, gridOf(parseNodeId(nodeId).timeframe!)));
  }

  condition(nodeId: string, range: TimeRange): Promise<ConditionReport> {
    const days: ConditionReport["days"] = [];
    const bars = this.series.get(nodeId);
    for (let day = Math.floor(range[0] / 86_400) * 86_400; day < range[1]; day += 86_400) {
      const held = bars ? barsBetween(bars, day, day + 86_400).ts.length : 0;
      const date = new Date(day * 1000).toISOString().split("T")[0];
      const condition = held > 0 ? "available" : "pending";
      days.push({ date, condition, bars: held, expected: 1440, last_modified: null });
    }
    return Promise.resolve({ node_id: nodeId, days });
  }

  nodes(o: { exchange?: string; limit: number; after?: string }): Promise<NodePage> {
    const ids = [...this.series.keys()].sort().filter((id) =>
      (o.exchange === undefined || id.startsWith(`ohlcv:${o.exchange}:`)) &&
      (o.after === undefined || id > o.after)
    );
    const page = ids.slice(0, o.limit);
    const nodes = page.map((id) => {
      const grid = gridOf(parseNodeId(id).timeframe!);
      const { ts } = this.series.get(id)!;
      return {
        node_id: id,
        interval: intervalOf(grid),
        grid: gridRecord(grid),
        volume_unit: "base",
        first_bar: ts[0],
        last_bar: ts[ts.length - 1],
        snapshots: AS_OFS.length,
        last_as_of: AS_OFS[AS_OFS.length - 1],
      };
    });
    return Promise.resolve({ nodes, next: ids.length > page.length ? page[page.length - 1] : null });
  }

  snapshots(
    nodeId: string,
    o: { asOf?: string; fingerprint?: string; limit: number; before?: number },
  ): Promise<SnapshotPage> {
    const rows = this.#snapshotsOf(nodeId).reverse()
      .filter((row) => o.before === undefined || row.seq < o.before)
      .filter((row) => o.asOf === undefined || Date.parse(row.as_of) <= Date.parse(o.asOf))
      .filter((row) => o.fingerprint === undefined || row.dataset_fingerprint === o.fingerprint);
    const page = rows.slice(0, o.limit);
    return Promise.resolve({
      snapshots: page,
      next: rows.length > page.length ? page[page.length - 1].seq : null,
    });
  }

  plan(spec: BackfillSpec): Promise<PlanReport> {
    for (const id of spec.nodes) this.#seriesOf(id);
    const nodes = spec.nodes.map((node_id) => ({ node_id, windows: 2, calls: 3, weight: 6, bars: 1_800 }));
    const total = nodes.length;
    return Promise.resolve({
      windows: 2 * total,
      calls: 3 * total,
      weight: 6 * total,
      seconds: 0.3,
      bars: 1_800 * total,
      bytes: 86_400 * total,
      nodes,
    });
  }

  /** Knows node ids alone; what the edge found wrong comes first. */
  validate(requests: ToValidate[]): ValidationProblem[] {
    this.validated = requests;
    return requests.flatMap(({ request, problem }, index) => {
      if (problem !== undefined) return [problem];
      if (this.series.has(request.nodeId)) return [];
      return [{
        index,
        code: "SYMBOL_UNKNOWN" as const,
        detail: `unknown series ${request.nodeId}`,
        hint: "See /v1/nodes",
      }];
    });
  }

  startBackfill(spec: BackfillSpec): Promise<JobReport> {
    for (const id of spec.nodes) this.#seriesOf(id);
    const id = spec.idempotency_key ?? `job${this.jobs.size + 1}`;
    const job = this.jobs.get(id) ?? {
      id,
      state: "running" as const,
      windows: { total: 4, complete: 1, failed: 0, deduplicated: 0 },
      rows: 900,
      completion_ratio: 0.25,
      eta_seconds: 12,
      errors: [],
      created_at: Math.floor(this.#clock.nowMs() / 1000),
    };
    this.jobs.set(id, job);
    return Promise.resolve(job);
  }

  backfill(id: string): Promise<JobReport> {
    const job = this.jobs.get(id);
    if (job) return Promise.resolve(job);
    return Promise.reject(
      new HistoryError("JOB_UNKNOWN", `Cannot find backfill "${id}"`, {
        hint: "Jobs are kept for seven days",
      }),
    );
  }

  async cancelBackfill(id: string): Promise<JobReport> {
    const job = await this.backfill(id);
    if (job.state === "running") job.state = "cancelled";
    return job;
  }

  fill(): Promise<JobReport> {
    return Promise.reject(new Error("not over HTTP"));
  }

  publish(): Promise<{ published: SnapshotRow[]; unchanged: SnapshotRow[] }> {
    return Promise.reject(new Error("not over HTTP"));
  }

  verify(): Promise<VerifyReport> {
    return Promise.reject(new Error("not over HTTP"));
  }

  explain(): Promise<ExplainReport> {
    return Promise.reject(new Error("not over HTTP"));
  }

  artifact(key: string, range?: { start: number; end: number }): Promise<Uint8Array | null> {
    const bytes = this.artifacts.get(key);
    return Promise.resolve(bytes ? bytes.slice(range?.start, range?.end) : null);
  }

  artifactSize(key: string): Promise<number | null> {
    return Promise.resolve(this.artifacts.get(key)?.length ?? null);
  }

  events(listener: (event: ServiceEvent & { id: number }) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  ready(): Promise<{ ready: boolean; checks: Check[] }> {
    return Promise.resolve({ ready: this.checks.every(({ ok }) => ok), checks: this.checks });
  }

  async doctor(): Promise<{ ok: boolean; checks: Check[] }> {
    const { ready, checks } = await this.ready();
    return { ok: ready, checks };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #seriesOf(nodeId: string): Bars {
    const stored = this.series.get(nodeId);
    if (stored) return stored;
    const { exchange, symbol } = parseNodeId(nodeId);
    const [code, what] = exchange === "binance"
      ? ["SYMBOL_UNKNOWN", symbol] as const
      : ["EXCHANGE_UNKNOWN", exchange] as const;
    throw new HistoryError(code, `Cannot serve ${nodeId}: ${what} is unknown`, { hint: "See /v1/nodes" });
  }

  async *#slices(
    bars: Bars,
    o: { fromTs?: number; limit?: number; signal?: AbortSignal },
  ): AsyncIterable<BarSlice> {
    let rest = o.fromTs === undefined ? bars : barsBetween(bars, o.fromTs, Infinity);
    if (o.limit !== undefined) rest = viewBars(rest, 0, Math.min(o.limit, rest.ts.length));
    for (let from = 0, n = 0; from < rest.ts.length; from += 4096, n++) {
      if (this.brokenSlice?.at === n) throw this.brokenSlice.error;
      this.slicesMade++;
      const rows = Math.min(4096, rest.ts.length - from);
      yield await Promise.resolve({ rows, bytes: encodeRows(viewBars(rest, from, from + rows)) });
    }
  }

  #snapshotsOf(nodeId: string): SnapshotRow[] {
    const bars = this.series.get(nodeId);
    if (!bars) return [];
    const step = intervalOf(gridOf(parseNodeId(nodeId).timeframe!));
    return AS_OFS.map((as_of, i) => ({
      seq: i + 1,
      as_of,
      dataset_fingerprint: `sfp1:${String(i + 1).repeat(64)}`,
      range: [bars.ts[0], bars.ts[bars.ts.length - 1] + step],
      row_count: bars.ts.length,
      publication_watermark: bars.ts[bars.ts.length - 1] + step,
      operation: "publish",
      manifest_uri: `ohlcv/exchange=binance/log/00000000000${i + 1}.json`,
      manifest_sha256: String(i + 1).repeat(64),
      pinned: false,
    }));
  }

  #snapshotFor(request: FetchRequest): SnapshotRow {
    const rows = this.#snapshotsOf(request.nodeId);
    const found = request.fingerprint !== undefined
      ? rows.find((row) => row.dataset_fingerprint === request.fingerprint)
      : rows.findLast((row) => parseAsOfMs(row.as_of) <= parseAsOfMs(request.asOf!));
    if (found) return found;
    throw new HistoryError("SNAPSHOT_UNKNOWN", `Cannot find a snapshot of ${request.nodeId}`, {
      hint: "List them with /v1/snapshots",
    });
  }
}
