/** Statements of one connection, prepared once each. Rows come as arrays, in the order of the columns. */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { SqlStep, SqlValue } from "./sqlite_messages.ts";

export class Statements {
  readonly #db: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** All rows. Numbers are read as doubles: every one that is stored is exact in them. */
  rows(sql: string, ...params: SqlValue[]): SqlValue[][] {
    const rows: unknown[] = this.#statement(sql).all(...params);
    return rows as SqlValue[][];
  }

  first(sql: string, ...params: SqlValue[]): SqlValue[] | null {
    const row: unknown = this.#statement(sql).get(...params);
    return row === undefined ? null : row as SqlValue[];
  }

  /** Rows changed. */
  run(sql: string, ...params: SqlValue[]): number {
    return Number(this.#statement(sql).run(...params).changes);
  }

  step({ sql, params }: SqlStep): SqlValue[][] {
    return this.rows(sql, ...params);
  }

  /** Runs `work` between BEGIN and COMMIT; what it throws undoes all of it. */
  within<T>(begin: "BEGIN" | "BEGIN IMMEDIATE", work: () => T): T {
    this.#db.exec(begin);
    try {
      const value = work();
      this.#db.exec("COMMIT");
      return value;
    } catch (error) {
      // A full disk makes SQLite roll back by itself.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  /** Runs `work` so that what it throws undoes its own writes and no others of the transaction. */
  nested<T>(work: () => T): T {
    this.#db.exec("SAVEPOINT nested");
    try {
      return work();
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK TO nested");
      throw error;
    } finally {
      if (this.#db.isTransaction) this.#db.exec("RELEASE nested");
    }
  }

  #statement(sql: string): StatementSync {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      // The driver has it, its published types do not.
      (statement as StatementSync & { setReturnArrays(on: boolean): void }).setReturnArrays(true);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }
}
