/**
 * The tables of the one SQLite file, and how a file of an older schema becomes one of this. `user_version` is the
 * schema's number: each migration leads to the next one, in one transaction, whichever process comes first; a file of
 * a newer schema is refused, because a program that does not know its rules would break them.
 *
 * Nothing below an entry that was ever released is changed: a new schema is a new entry.
 */

import type { DatabaseSync } from "node:sqlite";
import { HistoryError } from "../../core/errors.ts";

/**
 * Values of bars are blobs of float64, because SQLite turns NaN into NULL. `revision` is the node's revision at which a
 * row was last written: readers load what is newer than what they hold. `ledger_cut` and `findings_cut` are the
 * revisions at which rows last vanished: who holds older ones loads all of them again. `ledger_span` is the length of
 * the longest ledger row, so that the rows over an instant are found by their starts.
 */
const SCHEMA_1 = `
CREATE TABLE store (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO store (name, value) VALUES ('version', 0);
CREATE TABLE nodes (
  id INTEGER PRIMARY KEY, node_id TEXT NOT NULL UNIQUE, exchange TEXT NOT NULL,
  step INTEGER, anchor INTEGER, volume_unit TEXT NOT NULL,
  revision INTEGER NOT NULL DEFAULT 0, ledger_cut INTEGER NOT NULL DEFAULT 0, findings_cut INTEGER NOT NULL DEFAULT 0,
  ledger_span INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE chunks (
  id INTEGER PRIMARY KEY, node INTEGER NOT NULL, k INTEGER NOT NULL, revision INTEGER NOT NULL,
  rows INTEGER NOT NULL, digest TEXT NOT NULL, leaves TEXT NOT NULL, runs BLOB NOT NULL, data BLOB NOT NULL
);
CREATE UNIQUE INDEX chunks_by_k ON chunks (node, k);
CREATE INDEX chunks_by_revision ON chunks (node, revision);
CREATE TABLE provisional (
  node INTEGER NOT NULL, ts INTEGER NOT NULL, bar BLOB NOT NULL, observed_at_ms INTEGER NOT NULL,
  PRIMARY KEY (node, ts)
) WITHOUT ROWID;
CREATE TABLE ledger (
  id INTEGER PRIMARY KEY, node INTEGER NOT NULL, revision INTEGER NOT NULL, ordinal INTEGER NOT NULL,
  source TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL, asked_at REAL NOT NULL,
  first_asked_at REAL NOT NULL, bars INTEGER NOT NULL, attempts INTEGER NOT NULL, reason TEXT, error TEXT,
  next_ask REAL, reply_sha256 TEXT, window_start INTEGER NOT NULL, window_end INTEGER NOT NULL
);
CREATE INDEX ledger_by_start ON ledger (node, start);
CREATE INDEX ledger_by_revision ON ledger (node, revision);
CREATE TABLE findings (
  id INTEGER PRIMARY KEY, node INTEGER NOT NULL, revision INTEGER NOT NULL, ts REAL NOT NULL, flag TEXT NOT NULL,
  count INTEGER NOT NULL, window_start INTEGER NOT NULL, window_end INTEGER NOT NULL, seen_at_ms INTEGER NOT NULL
);
CREATE UNIQUE INDEX findings_by_ts ON findings (node, ts, flag);
CREATE INDEX findings_by_revision ON findings (node, revision);
CREATE TABLE revisions (
  id INTEGER PRIMARY KEY, node INTEGER NOT NULL, ts INTEGER NOT NULL, bar BLOB NOT NULL, source TEXT NOT NULL,
  observed_at_ms INTEGER NOT NULL, seen_at_ms INTEGER NOT NULL, cause TEXT NOT NULL, kept INTEGER NOT NULL,
  reply_sha256 TEXT
);
CREATE UNIQUE INDEX revisions_by_bar ON revisions (node, ts, bar);
CREATE TABLE quarantine (
  reply_sha256 TEXT NOT NULL, ordinal INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (reply_sha256, ordinal)
);
CREATE TABLE leases (
  key TEXT PRIMARY KEY, generation INTEGER NOT NULL, token TEXT NOT NULL, until_ms INTEGER NOT NULL,
  claimed_at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE jobs (
  id TEXT PRIMARY KEY, state TEXT NOT NULL, idempotency_key TEXT, created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL, job TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX jobs_by_key ON jobs (idempotency_key, created_at_ms) WHERE idempotency_key IS NOT NULL;
CREATE TABLE as_of (
  world TEXT NOT NULL, node_id TEXT NOT NULL, as_of_ms INTEGER NOT NULL, PRIMARY KEY (world, node_id)
) WITHOUT ROWID;
CREATE TABLE snapshots (
  node_id TEXT NOT NULL, seq INTEGER NOT NULL, as_of_ms INTEGER NOT NULL, dataset_fingerprint TEXT NOT NULL,
  manifest_sha256 TEXT NOT NULL, PRIMARY KEY (node_id, seq)
) WITHOUT ROWID;
CREATE TABLE probe (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
`;

/** "SEAM": what `file` and other programs know the file by. */
const APPLICATION_ID = 0x5345414d;

/** Files say whose they are, so that no other program's file is ever written to. */
const SCHEMA_2 = `PRAGMA application_id = ${APPLICATION_ID};`;

/** Entry i leads from schema i to schema i + 1. */
const MIGRATIONS: readonly string[] = [SCHEMA_1, SCHEMA_2];

/** The schema that this program reads and writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** The first schema whose files say whose they are. */
const FIRST_WITH_ID = 2;

/** The schema of an open file; 0 for a new one. Refuses a newer one, and another program's, with `STORE_UNAVAILABLE`. */
export function schemaOf(db: DatabaseSync, path: string): number {
  if (db.isTransaction) return readSchema(db, path);
  // As of one instant: another process may be making the tables between two looks.
  db.exec("BEGIN");
  try {
    return readSchema(db, path);
  } finally {
    db.exec("ROLLBACK");
  }
}

function readSchema(db: DatabaseSync, path: string): number {
  const { user_version } = db.prepare("PRAGMA user_version").get() as { user_version: number };
  const { application_id } = db.prepare("PRAGMA application_id").get() as { application_id: number };
  if (user_version > SCHEMA_VERSION) throw newerFile(path, user_version);
  if (application_id !== (user_version >= FIRST_WITH_ID ? APPLICATION_ID : 0)) throw strangersFile(path);
  if (user_version === 0 && db.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() !== undefined) {
    throw strangersFile(path);
  }
  return user_version;
}

function newerFile(path: string, schema: number): HistoryError {
  const message = `its schema is ${schema}, this program knows up to ${SCHEMA_VERSION}`;
  return new HistoryError("STORE_UNAVAILABLE", `Cannot open the bar store ${path}: ${message}`, {
    hint: "A newer Seamless wrote it: update this one, or point storage.bars at another file",
  });
}

function strangersFile(path: string): HistoryError {
  return new HistoryError("STORE_UNAVAILABLE", `Cannot open the bar store ${path}: it is another program's`, {
    hint: "Point storage.bars at a file of its own, such as sqlite:./data/bars.db; this one was not touched",
  });
}

/** Brings the file to this schema. Nothing is done to a file that another process has brought there meanwhile. */
export function migrate(db: DatabaseSync, path: string): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    for (let version = schemaOf(db, path); version < SCHEMA_VERSION; version++) {
      db.exec(MIGRATIONS[version]);
      db.exec(`PRAGMA user_version = ${version + 1}`);
    }
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}
