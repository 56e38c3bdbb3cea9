/** What the tests of the command line share: a run of `main` over a service in memory, with its output as text. */

import { HistoryError } from "../../src/core/errors.ts";
import type {
  BackfillSpec,
  ExplainReport,
  JobReport,
  SnapshotRow,
  VerifyReport,
} from "../../src/core/service.ts";
import { main } from "../../src/cli/main.ts";
import { PipeClosed, type RunningServer, type Sink, type Surroundings } from "../../src/cli/surroundings.ts";
import { FakeClock } from "../fake_clock.ts";
import { FakeService } from "../server/fake_service.ts";

/** The moment at which all of these tests take place. */
export const NOW_MS = Date.UTC(2026, 2, 1);

/** The service of the HTTP tests, with the acts that HTTP lacks. */
export class CliService extends FakeService {
  filled: { spec: BackfillSpec; workers?: number }[] = [];
  closed = 0;
  /** What `fill` ends with; a function decides by itself when. */
  job: JobReport = finishedJob();
  fillWith:
    | ((o: { signal?: AbortSignal; onProgress?: (job: JobReport) => void }) => Promise<JobReport>)
    | null = null;
  report: VerifyReport = {
    ok: true,
    checked: { manifests: 2, segments: 3, chunks: 40, signatures: 0 },
    failures: [],
  };

  override async fill(
    spec?: BackfillSpec,
    o: { signal?: AbortSignal; onProgress?: (job: JobReport) => void; workers?: number } = {},
  ): Promise<JobReport> {
    this.filled.push({ spec: spec!, workers: o.workers });
    return this.fillWith ? await this.fillWith(o) : this.job;
  }

  override async publish(
    nodes: string[] = [],
  ): Promise<{ published: SnapshotRow[]; unchanged: SnapshotRow[] }> {
    const { snapshots } = await this.snapshots(nodes[0], { limit: 2 });
    return { published: snapshots.slice(0, 1), unchanged: snapshots.slice(1) };
  }

  override verify(): Promise<VerifyReport> {
    return Promise.resolve(this.report);
  }

  override explain(nodeId = "", ts = 0): Promise<ExplainReport> {
    if (!this.series.has(nodeId)) {
      return Promise.reject(
        new HistoryError("NODE_UNKNOWN", `Cannot explain ${nodeId}: it was never asked for`, {
          hint: "Fill it",
        }),
      );
    }
    return Promise.resolve({
      node_id: nodeId,
      ts,
      state: "gap",
      reason: "absent_at_source",
      bar: null,
      final: true,
      source: "binance",
      fetched_at: 1_700_000_000,
      window: [ts, ts + 54_000],
      flags: { gap: 1 },
      revisions: [],
      snapshots: [{ seq: 1, as_of: "2026-01-01T00:00:00.000Z", chunk: "ab".repeat(32) }],
    });
  }

  override close(): Promise<void> {
    this.closed++;
    return Promise.resolve();
  }
}

/** A job that ended well. */
export function finishedJob(o: Partial<JobReport> = {}): JobReport {
  return {
    id: "job1",
    state: "complete",
    windows: { total: 4, complete: 4, failed: 0, deduplicated: 1 },
    rows: 3_600,
    completion_ratio: 1,
    eta_seconds: null,
    errors: [],
    created_at: 1_772_323_200,
    ...o,
  };
}

/** Keeps what is written as bytes. */
class Capture implements Sink {
  readonly pieces: Uint8Array[] = [];
  /** From this write on nobody reads. */
  closedAfter = Infinity;

  constructor(public isTerminal: boolean, public width = 100) {}

  columns(): number {
    return this.width;
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.pieces.length >= this.closedAfter) return Promise.reject(new PipeClosed());
    this.pieces.push(bytes.slice());
    return Promise.resolve();
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    const whole = new Uint8Array(this.pieces.reduce((size, piece) => size + piece.length, 0));
    let at = 0;
    for (const piece of this.pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  get text(): string {
    return new TextDecoder().decode(this.bytes);
  }
}

/** How one run is set up. */
export interface BenchOptions {
  terminal?: boolean;
  width?: number;
  env?: Record<string, string>;
  cwd?: string;
  service?: CliService;
  fetch?: typeof fetch;
  serve?: Surroundings["serve"];
}

/** One command line over a fake world. */
export class Bench {
  readonly clock = new FakeClock(NOW_MS);
  readonly service: CliService;
  readonly stdout: Capture;
  readonly stderr: Capture;
  readonly exits: number[] = [];
  wired = 0;
  readonly surroundings: Surroundings;
  readonly #handlers = new Map<string, Set<() => void>>();

  constructor(o: BenchOptions = {}) {
    this.service = o.service ?? new CliService(this.clock, { rows: 3_000 });
    this.stdout = new Capture(o.terminal ?? false, o.width);
    this.stderr = new Capture(o.terminal ?? false, o.width);
    this.surroundings = {
      env: o.env ?? {},
      cwd: o.cwd ?? "/nowhere",
      stdout: this.stdout,
      stderr: this.stderr,
      nowMs: () => this.clock.nowMs(),
      monotonicMs: () => this.clock.monotonicMs(),
      after: (ms, then) => this.#after(ms, then),
      onSignal: (signal, handler) => this.#listen(signal, handler),
      exists: () => false,
      exitNow: (code) => void this.exits.push(code),
      fetch: o.fetch ?? (() => Promise.reject(new TypeError("connection refused"))),
      wire: () => {
        this.wired++;
        return Promise.resolve(this.service);
      },
      serve: o.serve ?? (() => Promise.reject(new Error("this test serves nothing"))),
    };
  }

  run(...args: string[]): Promise<number> {
    return main(args, this.surroundings);
  }

  /** Sends a signal to whoever listens. */
  signal(name: "SIGINT" | "SIGTERM"): void {
    for (const handler of this.#handlers.get(name) ?? []) handler();
  }

  /** Handlers of signals that are still there: none after a run. */
  get listening(): number {
    return [...this.#handlers.values()].reduce((sum, set) => sum + set.size, 0);
  }

  get out(): string {
    return this.stdout.text;
  }

  get err(): string {
    return this.stderr.text;
  }

  json<T = Record<string, unknown>>(): T {
    return JSON.parse(this.out) as T;
  }

  #after(ms: number, then: () => void): () => void {
    const stop = new AbortController();
    this.clock.sleep(ms, stop.signal).then(then, () => {});
    return () => stop.abort();
  }

  #listen(signal: string, handler: () => void): () => void {
    const set = this.#handlers.get(signal) ?? new Set();
    this.#handlers.set(signal, set.add(handler));
    return () => void set.delete(handler);
  }
}

/** A server that stops when it is told to. */
export function fakeServer(url = "http://127.0.0.1:8420"): { running: RunningServer; stops: () => number } {
  const finished = Promise.withResolvers<void>();
  let stops = 0;
  const stop = () => {
    stops++;
    finished.resolve();
    return Promise.resolve();
  };
  return { running: { url, finished: finished.promise, stop }, stops: () => stops };
}
