/** Two small registers in the SQLite file: the `as_of` last given, and the catalog of published snapshots. */

import { AS_OF_KNOWN_MAX } from "../../core/limits.ts";
import type { AsOfRegister, SnapshotEntry, SnapshotIndex } from "../../core/ports.ts";
import type { SqliteFile } from "./sqlite_file.ts";

export class SqliteAsOfRegister implements AsOfRegister {
  readonly #file: SqliteFile;
  /** What was read last, good while nobody wrote to the file. */
  readonly #known = new Map<string, { asOfMs: number | null; version: number }>();

  constructor(file: SqliteFile) {
    this.#file = file;
  }

  async advance(world: string, nodeId: string, asOfMs: number): Promise<number> {
    const [[row]] = await this.#file.transact([{
      sql: `INSERT INTO as_of (world, node_id, as_of_ms) VALUES (?, ?, ?)
            ON CONFLICT (world, node_id) DO UPDATE SET as_of_ms = max(as_of_ms, excluded.as_of_ms)
            RETURNING as_of_ms`,
      params: [world, nodeId, asOfMs],
    }]);
    return row[0] as number;
  }

  last(world: string, nodeId: string): Promise<number | null> {
    return Promise.try(() => {
      const key = JSON.stringify([world, nodeId]);
      const version = this.#file.dataVersion();
      const known = this.#known.get(key);
      if (known?.version === version) return known.asOfMs;
      const asOfMs = this.#look(world, nodeId);
      if (this.#known.size >= AS_OF_KNOWN_MAX) this.#known.clear();
      this.#known.set(key, { asOfMs, version });
      return asOfMs;
    });
  }

  mark(): number {
    return this.#file.dataVersion();
  }

  #look(world: string, nodeId: string): number | null {
    const row = this.#file.read((sql) =>
      sql.first("SELECT as_of_ms FROM as_of WHERE world = ? AND node_id = ?", world, nodeId)
    );
    return row === null ? null : row[0] as number;
  }
}

export class SqliteSnapshotIndex implements SnapshotIndex {
  readonly #file: SqliteFile;

  constructor(file: SqliteFile) {
    this.#file = file;
  }

  async record(entry: SnapshotEntry): Promise<void> {
    await this.#file.transact([{
      sql: `INSERT OR REPLACE INTO snapshots (node_id, seq, as_of_ms, dataset_fingerprint, manifest_sha256)
            VALUES (?, ?, ?, ?, ?)`,
      params: [entry.nodeId, entry.seq, entry.asOfMs, entry.datasetFingerprint, entry.manifestSha256],
    }]);
  }

  newest(nodeId: string): Promise<SnapshotEntry | null> {
    return Promise.try(() => {
      const row = this.#file.read((sql) =>
        sql.first(
          `SELECT seq, as_of_ms, dataset_fingerprint, manifest_sha256 FROM snapshots WHERE node_id = ?
         ORDER BY seq DESC LIMIT 1`,
          nodeId,
        )
      );
      if (row === null) return null;
      const [seq, asOfMs, datasetFingerprint, manifestSha256] = row as [number, number, string, string];
      return { nodeId, seq, asOfMs, datasetFingerprint, manifestSha256 };
    });
  }

  count(nodeId: string): Promise<number> {
    return Promise.try(() =>
      this.#file.read((sql) =>
        sql.first("SELECT count(*) FROM snapshots WHERE node_id = ?", nodeId)![0] as number
      )
    );
  }
}
