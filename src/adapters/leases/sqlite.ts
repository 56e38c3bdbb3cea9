/**
 * Leases in the SQLite file of the bar store, so that every process on the file shares them. A claim is one statement:
 * of any number of processes that claim a key at once, one gets it. Rows stay when a lease is given back, because the
 * generations of a key must rise for ever, over restarts too.
 */

import type { ClaimOutcome, Clock, Dice, Lease, Leases } from "../../core/ports.ts";
import type { LeaseOwners } from "./owners.ts";
import { leaseLost, leasesClosed, leaseUnknown } from "./refusals.ts";

type SqlValue = string | number | null | Uint8Array;

/** What this needs of the open file: transactions of a few statements, short reads, and to keep it open. */
export interface LeaseFile {
  transact(steps: { sql: string; params: SqlValue[] }[]): Promise<SqlValue[][][]>;
  read<T>(work: (sql: { rows(sql: string, ...params: SqlValue[]): SqlValue[][] }) => T): T;
  retain(): void;
  release(): Promise<void>;
}

const OWN = "key = ? AND token = ? AND generation = ? AND until_ms > ?";

export class SqliteLeases implements Leases {
  readonly #opened: LeaseFile;
  readonly #clock: Clock;
  readonly #dice: Dice;
  readonly #owners: LeaseOwners | null;
  #closing: Promise<void> | null = null;

  /** With `owners`, the lease of a process that was killed is free at once; else when it runs out. */
  constructor(parts: { file: LeaseFile; clock: Clock; dice: Dice; owners?: LeaseOwners }) {
    this.#opened = parts.file;
    this.#clock = parts.clock;
    this.#dice = parts.dice;
    this.#owners = parts.owners ?? null;
    this.#opened.retain();
  }

  async claim(key: string, leaseMs: number): Promise<ClaimOutcome> {
    const first = await this.#claim(key, leaseMs);
    if ("lease" in first) return first;
    if (this.#owners?.isGone(first.token) !== true) return { held: first.held };
    await this.#file.transact([
      { sql: "UPDATE leases SET until_ms = 0 WHERE key = ? AND token = ?", params: [key, first.token] },
    ]);
    const second = await this.#claim(key, leaseMs);
    return "lease" in second ? second : { held: second.held };
  }

  /** One try; where somebody has the key, also by which token. */
  async #claim(
    key: string,
    leaseMs: number,
  ): Promise<{ lease: Lease } | { held: { leaseUntilMs: number }; token: string }> {
    const nowMs = Math.floor(this.#clock.nowMs());
    const token = this.#owners?.token() ?? this.#dice.id();
    const leaseUntilMs = nowMs + leaseMs;
    const [claimed, held] = await this.#file.transact([
      {
        sql: `INSERT INTO leases (key, generation, token, until_ms, claimed_at_ms) VALUES (?, 1, ?, ?, ?)
              ON CONFLICT (key) DO UPDATE SET generation = generation + 1, token = excluded.token,
                until_ms = excluded.until_ms, claimed_at_ms = excluded.claimed_at_ms
              WHERE until_ms <= excluded.claimed_at_ms
              RETURNING generation`,
        params: [key, token, leaseUntilMs, nowMs],
      },
      { sql: "SELECT until_ms, token FROM leases WHERE key = ?", params: [key] },
    ]);
    if (claimed.length > 0) {
      return { lease: { key, token, generation: claimed[0][0] as number, leaseUntilMs } };
    }
    return { held: { leaseUntilMs: held[0][0] as number }, token: held[0][1] as string };
  }

  async renew(lease: Lease, leaseMs: number): Promise<Lease> {
    const leaseUntilMs = Math.floor(this.#clock.nowMs()) + leaseMs;
    await this.#change(lease, { act: "renew", set: "until_ms = ?", params: [leaseUntilMs] });
    return { ...lease, leaseUntilMs };
  }

  async complete(lease: Lease): Promise<void> {
    await this.#change(lease, { act: "complete", set: "token = '', until_ms = 0", params: [] });
  }

  async fail(lease: Lease, _reason: string): Promise<void> {
    await this.#change(lease, { act: "fail", set: "token = '', until_ms = 0", params: [] });
  }

  list(page: { prefix?: string; after?: string; limit: number }): Promise<
    { key: string; generation: number; leaseUntilMs: number; claimedAtMs: number }[]
  > {
    return Promise.try(() => {
      const { prefix = "", after = "", limit } = page;
      const rows = this.#file.read((sql) =>
        sql.rows(
          `SELECT key, generation, until_ms, claimed_at_ms FROM leases
         WHERE until_ms > ? AND key > ? AND substr(key, 1, length(?)) = ? ORDER BY key LIMIT ?`,
          this.#clock.nowMs(),
          after,
          prefix,
          prefix,
          limit,
        )
      );
      return (rows as [string, number, number, number][]).map((
        [key, generation, leaseUntilMs, claimedAtMs],
      ) => ({
        key,
        generation,
        leaseUntilMs,
        claimedAtMs,
      }));
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#opened.release().finally(() => this.#owners?.close());
    return this.#closing;
  }

  /** The file may stay open for others: closed leases are closed all the same. */
  get #file(): LeaseFile {
    if (this.#closing !== null) throw leasesClosed();
    return this.#opened;
  }

  /** Changes the row only while it is this lease's; what it is instead is read in the same transaction. */
  async #change(
    { key, token, generation }: Lease,
    change: { act: string; set: string; params: SqlValue[] },
  ): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const [before, changed] = await this.#file.transact([
      { sql: "SELECT token FROM leases WHERE key = ?", params: [key] },
      {
        sql: `UPDATE leases SET ${change.set} WHERE ${OWN} RETURNING key`,
        params: [...change.params, key, token, generation, nowMs],
      },
    ]);
    if (changed.length > 0) return;
    if (before.length === 0 || before[0][0] === "") throw leaseUnknown(change.act, key);
    throw leaseLost(change.act, key);
  }
}
