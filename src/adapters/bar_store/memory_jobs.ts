/** Backfill jobs in memory: for tests, and beside a bar store in memory. */

import { IDEMPOTENCY_MS } from "../../core/limits.ts";
import type { JobRecord, JobStore } from "../../core/ports.ts";
import { asCancelled } from "./cancelled_job.ts";
import { unknownJob } from "./refusals.ts";

export class MemoryJobStore implements JobStore {
  /** In the order of creation; copies, so that nobody changes a stored job by holding it. */
  readonly #jobs = new Map<string, JobRecord>();

  create(job: JobRecord): Promise<JobRecord> {
    return Promise.try(() => {
      const known = [...this.#jobs.values()].findLast((stored) =>
        stored.id === job.id ||
        (job.idempotencyKey !== null && stored.idempotencyKey === job.idempotencyKey &&
          stored.createdAtMs > job.createdAtMs - IDEMPOTENCY_MS)
      );
      if (known === undefined) this.#jobs.set(job.id, structuredClone(job));
      return structuredClone(known ?? job);
    });
  }

  get(id: string): Promise<JobRecord | null> {
    return Promise.try(() => structuredClone(this.#jobs.get(id) ?? null));
  }

  update(job: JobRecord): Promise<void> {
    return Promise.try(() => {
      const stored = this.#jobs.get(job.id);
      if (stored === undefined) throw unknownJob(job.id);
      const isCancelled = stored.state === "cancelled";
      this.#jobs.set(job.id, structuredClone(isCancelled ? asCancelled(job) : job));
    });
  }

  unfinished(): Promise<JobRecord[]> {
    return Promise.try(() =>
      [...this.#jobs.values()].filter(isUnfinished)
        .sort((a, b) => a.createdAtMs - b.createdAtMs)
        .map((job) => structuredClone(job))
    );
  }

  prune(beforeMs: number): Promise<number> {
    return Promise.try(() => {
      const old = [...this.#jobs.values()].filter((job) => !isUnfinished(job) && job.updatedAtMs < beforeMs);
      for (const { id } of old) this.#jobs.delete(id);
      return old.length;
    });
  }
}

function isUnfinished({ state }: JobRecord): boolean {
  return state === "queued" || state === "running";
}
