/** What a job's record says while the job runs: counters, errors, the time left (surface §4). */

import type { HistoryError } from "../core/errors.ts";
import { JOB_MAX_ERRORS } from "../core/limits.ts";
import type { Clock, JobRecord, JobState } from "../core/ports.ts";
import { VenuePatience } from "./venue_patience.ts";

/** A job while it runs: the record is replaced, never changed, so that whoever holds one sees one moment. */
export class JobRun {
  job: JobRecord;
  /** Somebody ended the work under the job. */
  cancelled = false;
  readonly patience = new VenuePatience();
  /** An earlier process ran it and did not end it: what that one finished stands in the ledger, what failed is tried again. */
  readonly isResumed: boolean;
  readonly #clock: Clock;
  #startedMs = 0;
  /** Rows of an earlier run, as far as nodes were looked at. */
  #found = 0;
  /** Windows that were finished before this run. */
  #before = 0;
  /** Slots that no fetch could settle. */
  #open = 0;
  #nodes = { whole: 0, failed: 0 };

  constructor(job: JobRecord, clock: Clock) {
    this.job = job;
    this.isResumed = job.state === "running";
    this.#clock = clock;
  }

  begin(): void {
    this.#startedMs = this.#clock.monotonicMs();
    const { total, complete, deduplicated } = this.job.windows;
    const windows = this.isResumed
      ? { total, complete, failed: 0, deduplicated }
      : { total: 0, complete: 0, failed: 0, deduplicated: 0 };
    // A refetch asks for all of it again, and counts again.
    const rows = this.isResumed && this.job.refetch ? 0 : this.job.rows;
    this.#set({ state: "running", windows, rows, errors: [], etaSeconds: null });
  }

  /**
   * A node brought so many rows before this run: the record is written now and then, the ledger with every window, so
   * that of the two the larger sum holds.
   */
  found(rows: number): void {
    if (this.job.refetch) return;
    this.#found += rows;
    if (this.#found > this.job.rows) this.#set({ rows: this.#found });
  }

  /** `left` windows are to be asked; those of an earlier run that are not among them were finished then. */
  scheduled(left: number): void {
    const { windows } = this.job;
    const total = Math.max(windows.total, left);
    this.#before = total - left;
    this.#set({ windows: { ...windows, total, complete: this.#before } });
  }

  completed(result: { rows: number; deduplicated: boolean }): void {
    const { windows, rows } = this.job;
    this.#set({
      rows: rows + result.rows,
      windows: {
        ...windows,
        complete: windows.complete + 1,
        deduplicated: windows.deduplicated + (result.deduplicated ? 1 : 0),
      },
    });
    this.#set({ etaSeconds: this.#eta() });
  }

  failed(where: { node_id: string; start: number; end: number }, error: HistoryError): void {
    const { windows } = this.job;
    this.#set({ windows: { ...windows, failed: windows.failed + 1 } });
    this.#note(where, error);
    this.#set({ etaSeconds: this.#eta() });
  }

  /** `windows` of a node that are not asked any more have failed with the venue; the error says so once for all. */
  givenUp(
    where: { node_id: string; start: number; end: number },
    windows: number,
    error: HistoryError,
  ): void {
    const { failed } = this.job.windows;
    // It says what to do: it is told even where there are more errors than a job tells.
    const errors = this.job.errors.slice(0, JOB_MAX_ERRORS - 1);
    this.#set({ windows: { ...this.job.windows, failed: failed + windows }, errors });
    this.#note(where, error);
  }

  /** A node that could not be planned or finished, whatever became of its windows. */
  nodeFailed(nodeId: string, error: HistoryError): void {
    this.#nodes.failed++;
    this.#note({ node_id: nodeId, start: this.job.start ?? 0, end: this.job.end ?? 0 }, error);
  }

  /** A node is through. Slots that are open all the same leave the job incomplete; `isWhole`: no window failed. */
  nodeDone({ open, isWhole }: { open: number; isWhole: boolean }): void {
    if (isWhole) this.#nodes.whole++;
    this.#open += open;
  }

  end(aborted: boolean): void {
    this.#set({ state: aborted || this.cancelled ? "cancelled" : this.#outcome(), etaSeconds: null });
  }

  #outcome(): JobState {
    const { failed, complete } = this.job.windows;
    const failures = failed + this.#nodes.failed;
    if (failures === 0) return this.#open > 0 ? "incomplete" : "complete";
    return complete > 0 || this.#nodes.whole > 0 ? "incomplete" : "failed";
  }

  #note(where: { node_id: string; start: number; end: number }, error: HistoryError): void {
    const { errors } = this.job;
    if (errors.length >= JOB_MAX_ERRORS) return;
    this.#set({
      errors: [...errors, { ...where, code: error.code, message: `${error.message}. ${error.hint}` }],
    });
  }

  /** Seconds left at the pace so far. */
  #eta(): number | null {
    const { total, complete, failed } = this.job.windows;
    const done = complete + failed - this.#before;
    if (done === 0) return null;
    const perWindowMs = (this.#clock.monotonicMs() - this.#startedMs) / done;
    return Math.round(perWindowMs * (total - complete - failed) / 1000);
  }

  #set(change: Partial<JobRecord>): void {
    this.job = { ...this.job, ...change, updatedAtMs: this.#clock.nowMs() };
  }
}
