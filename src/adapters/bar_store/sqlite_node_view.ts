/**
 * A node as the reading thread holds it: loaded whole once, then only what was written since. The `NodeState` that it
 * gives stays the same object until something changed.
 */

import type { Bars } from "../../core/bar_frame.ts";
import { TIME_LIMIT_SEC } from "../../core/limits.ts";
import type { Finding, LedgerRow, NodeRecord, NodeState } from "../../core/ports.ts";
import type { Grid } from "../../core/timeframe.ts";
import { chunkOf } from "../../core/stored_chunk.ts";
import type { Ranges, TimeRange } from "../../core/time_range.ts";
import { decodeRuns, joinRuns } from "./chunk_runs.ts";
import { byTimeAndFlag, narrowState, provisionalFrame } from "./node_state.ts";
import * as rows from "./sqlite_rows.ts";
import type { SqlValue } from "./sqlite_messages.ts";
import type { Statements } from "./sqlite_statements.ts";

/** What is known of a chunk without reading its rows. */
export interface ChunkHead {
  k: number;
  revision: number;
  rows: number;
  digest: string;
  runs: Ranges;
}

interface OrderedRow {
  id: number;
  revision: number;
  ordinal: number;
  row: LedgerRow;
}

/** Everything of a node but its rows, as of one revision. */
export interface NodeView {
  id: number;
  state: NodeState;
  /** Ascending in k. */
  heads: ChunkHead[];
  ledger: OrderedRow[];
  findings: Map<string, Finding>;
}

const HEAD_COLUMNS = "k, revision, rows, digest, runs";
/** Cells of a node's row before those of its record. */
const NODE_STATE_CELLS = 5;
const NODE_SQL =
  `SELECT id, revision, ledger_cut, findings_cut, ledger_span, ${rows.NODE_COLUMNS} FROM nodes WHERE node_id = ?`;
const ALWAYS: TimeRange = [-TIME_LIMIT_SEC, TIME_LIMIT_SEC];

/** The view as it is now: `held` itself when nothing was written to the node since; null for an unknown node. */
export function loadNodeView(sql: Statements, nodeId: string, held: NodeView | null): NodeView | null {
  if (held !== null) {
    const revision = sql.first("SELECT revision FROM nodes WHERE id = ?", held.id)?.[0];
    if (revision === held.state.revision) return held;
  }
  return sql.within("BEGIN", () => {
    const cells = sql.first(NODE_SQL, nodeId);
    return cells === null ? null : readView(sql, cells, held);
  });
}

function readView(sql: Statements, cells: SqlValue[], held: NodeView | null): NodeView {
  const [id, revision, ledgerCut, findingsCut] = cells as number[];
  const node: NodeRecord = rows.nodeOf(cells.slice(NODE_STATE_CELLS));
  const since = held?.state.revision ?? -1;
  const heads = newerHeads(sql, { id, since, grid: node.grid }, held?.heads ?? []);
  const ledger = newerLedger(sql, { id, since: since < ledgerCut ? -1 : since }, held?.ledger ?? []);
  const findings = newerFindings(sql, { id, since: since < findingsCut ? -1 : since }, held?.findings);
  const state = stateOf(heads, {
    node,
    revision,
    provisional: provisionalWithin(sql, id),
    ledger: ledger.map(({ row }) => row),
    findings: [...findings.values()].sort(byTimeAndFlag),
  });
  return { id, state, heads, ledger, findings };
}

function stateOf(heads: readonly ChunkHead[], rest: Omit<NodeState, "final" | "chunks">): NodeState {
  return {
    ...rest,
    final: joinRuns(heads.map(({ runs }) => runs)),
    chunks: heads.map(({ k, rows, digest }) => ({ k, rows, digest })),
  };
}

/** What touches the range, read anew: few rows, found by index, however long the node's history is. */
export function loadNodePart(sql: Statements, nodeId: string, range: TimeRange): NodeState | null {
  return sql.within("BEGIN", () => {
    const cells = sql.first(NODE_SQL, nodeId);
    return cells === null ? null : narrowState(readPart(sql, cells, range), range);
  });
}

function readPart(sql: Statements, cells: SqlValue[], range: TimeRange): NodeState {
  const [id, revision, , , ledgerSpan] = cells as number[];
  const node = rows.nodeOf(cells.slice(NODE_STATE_CELLS));
  const [start, end] = range;
  const heads = sql.rows(
    `SELECT ${HEAD_COLUMNS} FROM chunks WHERE node = ? AND k BETWEEN ? AND ? ORDER BY k`,
    id,
    chunkOf(start, node.grid),
    chunkOf(end, node.grid),
  );
  const ledger = sql.rows(
    `SELECT ${rows.LEDGER_COLUMNS} FROM ledger WHERE node = ? AND start > ? AND start < ? AND end > ?
     ORDER BY asked_at, revision, ordinal`,
    id,
    start - ledgerSpan,
    end,
    start,
  );
  const findings = sql.rows(
    `SELECT ${rows.FINDING_COLUMNS} FROM findings WHERE node = ? AND ts >= ? AND ts < ? ORDER BY ts, flag`,
    id,
    start,
    end,
  );
  return stateOf(headsOf(heads, node.grid), {
    node,
    revision,
    provisional: provisionalWithin(sql, id, range),
    ledger: ledger.map(rows.ledgerRowOf),
    findings: findings.map(rows.findingOf),
  });
}

function provisionalWithin(sql: Statements, id: number, [start, end]: TimeRange = ALWAYS): Bars {
  const found = sql.rows(
    `SELECT ${rows.PROVISIONAL_COLUMNS} FROM provisional WHERE node = ? AND ts >= ? AND ts < ? ORDER BY ts`,
    id,
    start,
    end,
  );
  return provisionalFrame(found.map(rows.provisionalOf));
}

function headsOf(cells: SqlValue[][], grid: Grid): ChunkHead[] {
  return cells.map(([k, revision, rows, digest, runs]): ChunkHead => ({
    k: k as number,
    revision: revision as number,
    rows: rows as number,
    digest: digest as string,
    runs: decodeRuns(runs as Uint8Array, k as number, grid),
  }));
}

function newerHeads(
  sql: Statements,
  { id, since, grid }: { id: number; since: number; grid: Grid },
  held: readonly ChunkHead[],
): ChunkHead[] {
  const fresh = headsOf(
    sql.rows(`SELECT ${HEAD_COLUMNS} FROM chunks WHERE node = ? AND revision > ?`, id, since),
    grid,
  );
  const replaced = new Set(fresh.map(({ k }) => k));
  return [...held.filter(({ k }) => !replaced.has(k)), ...fresh].sort((a, b) => a.k - b.k);
}

function newerLedger(
  sql: Statements,
  { id, since }: { id: number; since: number },
  held: readonly OrderedRow[],
): OrderedRow[] {
  const fresh = sql.rows(
    `SELECT id, revision, ordinal, ${rows.LEDGER_COLUMNS} FROM ledger WHERE node = ? AND revision > ?`,
    id,
    since,
  ).map(([rowId, revision, ordinal, ...cells]): OrderedRow => ({
    id: rowId as number,
    revision: revision as number,
    ordinal: ordinal as number,
    row: rows.ledgerRowOf(cells),
  }));
  const replaced = new Set(fresh.map((row) => row.id));
  const kept = since < 0 ? [] : held.filter((row) => !replaced.has(row.id));
  return [...kept, ...fresh].sort((a, b) =>
    a.row.askedAt - b.row.askedAt || a.revision - b.revision || a.ordinal - b.ordinal
  );
}

function newerFindings(
  sql: Statements,
  { id, since }: { id: number; since: number },
  held?: ReadonlyMap<string, Finding>,
): Map<string, Finding> {
  const findings = new Map(since < 0 ? [] : held);
  const sqlText = `SELECT ${rows.FINDING_COLUMNS} FROM findings WHERE node = ? AND revision > ?`;
  for (const cells of sql.rows(sqlText, id, since)) {
    const finding = rows.findingOf(cells);
    findings.set(`${finding.ts} ${finding.flag}`, finding);
  }
  return findings;
}
