/** Backfill jobs in the SQLite file: they survive restarts. */

import { IDEMPOTENCY_MS } from "../../core/limits.ts";
import type { JobRecord, JobStore } from "../../core/ports.ts";
import { asCancelled } from "./cancelled_job.ts";
import { unknownJob } from "./refusals.ts";
import type { SqliteFile } from "./sqlite_file.ts";
import type { SqlValue } from "./sqlite_messages.ts";

export class SqliteJobStore implements JobStore {
  readonly #file: SqliteFile;

  constructor(file: SqliteFile) {
    this.#file = file;
  }

  /** Both statements are one transaction: of two calls with one key at once, one makes the job and both get it. */
  async create(job: JobRecord): Promise<JobRecord> {
    const oldestMs = job.createdAtMs - IDEMPOTENCY_MS;
    const key = job.idempotencyKey;
    const [, stored] = await this.#file.transact([
      {
        sql: `INSERT INTO jobs (id, state, idempotency_key, created_at_ms, updated_at_ms, job)
              SELECT ?, ?, ?, ?, ?, ? WHERE NOT EXISTS
                (SELECT 1 FROM jobs WHERE idempotency_key = ? AND created_at_ms > ?)`,
        params: [
          job.id,
          job.state,
          key,
          job.createdAtMs,
          job.updatedAtMs,
          JSON.stringify(job),
          key,
          oldestMs,
        ],
      },
      {
        sql: `SELECT job FROM jobs WHERE id = ? OR (idempotency_key = ? AND created_at_ms > ?)
              ORDER BY created_at_ms DESC LIMIT 1`,
        params: [job.id, key, oldestMs],
      },
    ]);
    return jobOf(stored[0]);
  }

  get(id: string): Promise<JobRecord | null> {
    return Promise.try(() => {
      const row = this.#file.read((sql) => sql.first("SELECT job FROM jobs WHERE id = ?", id));
      return row === null ? null : jobOf(row);
    });
  }

  async update(job: JobRecord): Promise<void> {
    const cancelled = asCancelled(job);
    const [updated] = await this.#file.transact([{
      sql: `UPDATE jobs SET state = iif(state = ?, state, ?), updated_at_ms = ?, job = iif(state = ?, ?, ?)
            WHERE id = ? RETURNING id`,
      params: [
        cancelled.state,
        job.state,
        job.updatedAtMs,
        cancelled.state,
        JSON.stringify(cancelled),
        JSON.stringify(job),
        job.id,
      ],
    }]);
    if (updated.length === 0) throw unknownJob(job.id);
  }

  unfinished(): Promise<JobRecord[]> {
    return Promise.try(() =>
      this.#file.read((sql) =>
        sql.rows("SELECT job FROM jobs WHERE state IN ('queued', 'running') ORDER BY created_at_ms, id").map(
          jobOf,
        )
      )
    );
  }

  async prune(beforeMs: number): Promise<number> {
    const [gone] = await this.#file.transact([{
      sql: "DELETE FROM jobs WHERE state NOT IN ('queued', 'running') AND updated_at_ms < ? RETURNING id",
      params: [beforeMs],
    }]);
    return gone.length;
  }
}

function jobOf([job]: SqlValue[]): JobRecord {
  return JSON.parse(job as string) as JobRecord;
}
