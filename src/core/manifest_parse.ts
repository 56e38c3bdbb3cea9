/**
 * Reads manifests and pages that anybody may have written. What does not have the shape of spec §8 is
 * `VERIFY_FAILED`, naming the file and the field; unknown fields are left alone.
 */

import { isArtifactKey } from "./artifact_key.ts";
import { HistoryError } from "./errors.ts";
import { GAP_REASONS } from "./gap_reason.ts";
import type { GapReason } from "./gap_reason.ts";
import { parseAsOfMs } from "./instant.ts";
import { LIST_NAMES, MANIFEST_VERSION } from "./manifest.ts";
import type { ListName, Manifest, ManifestLists, PageRecord } from "./manifest.ts";
import { decodeChunkPage, spanOf } from "./manifest_pages.ts";

type Fields = Record<string, unknown>;

const DIGEST = /^[0-9a-f]{64}$/;
const FINGERPRINT = /^sfp1:[0-9a-f]{64}$/;
const AS_OF = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const OPERATIONS = ["publish", "revise", "coverage", "compact"];

/** Says what is wrong with which field of which file. */
type Complain = (field: string, found: unknown) => never;

/** The manifest in the bytes of `uri`, whose name says that it is number `seq` of node `nodeId`. */
export function parseManifest(
  bytes: Uint8Array,
  o: { uri: string; seq: number; nodeId: string },
): Manifest {
  const complain = complainOf(o.uri);
  const fields = parseJson(bytes, complain);
  if (!isObject(fields)) return complain("the whole", fields);
  if (fields.manifest_version !== MANIFEST_VERSION) {
    return complain("manifest_version (a newer version of Seamless may read it)", fields.manifest_version);
  }
  if (fields.seq !== o.seq) complain("seq", fields.seq);
  if (fields.node_id !== o.nodeId) complain("node_id", fields.node_id);
  checkHead(fields, complain);
  for (const list of LIST_NAMES) {
    checkEntries(list, fields[list], complain);
    checkPages(list, fields.pages, complain);
  }
  return fields as Fields & Manifest;
}

function checkHead(fields: Fields, complain: Complain): void {
  const expect = (field: string, holds: boolean) => holds || complain(field, fields[field]);
  const { grid, range, conformance, coverage, producer } = fields;
  expect("previous", fields.seq === 1 ? fields.previous === null : isDigest(fields.previous));
  expect("operation", OPERATIONS.includes(fields.operation as string));
  expect("interval", isCount(fields.interval));
  expect("grid", isObject(grid) && (grid.unit === "month" || (isCount(grid.step) && isWhole(grid.anchor))));
  expect("range", isRange(range));
  expect("row_count", isCount(fields.row_count));
  expect("dataset_fingerprint", isText(fields.dataset_fingerprint, FINGERPRINT));
  expect("fingerprint_version", isText(fields.fingerprint_version));
  expect("as_of", isText(fields.as_of, AS_OF) && isInstant(fields.as_of as string));
  expect("publication_watermark", isWhole(fields.publication_watermark));
  expect("stabilization_bars", isCount(fields.stabilization_bars));
  expect("conformance_version", isText(fields.conformance_version));
  expect(
    "conformance",
    isObject(conformance) && isObject(conformance.flags) && Array.isArray(conformance.warnings),
  );
  expect(
    "coverage",
    isObject(coverage) && typeof coverage.ratio === "number" && typeof coverage.explained_ratio === "number",
  );
  expect("producer", isObject(producer));
  expect("segments", Array.isArray(fields.segments) && fields.segments.every(isSegment));
  if (fields.signature !== undefined) expect("signature", isObject(fields.signature));
}

/** The entries of a page, checked against what its record says of it. */
export function parsePage<L extends ListName>(
  list: L,
  bytes: Uint8Array,
  record: PageRecord,
): ManifestLists[L] {
  const complain = complainOf(record.uri);
  const entries = list === "chunks" ? decodeChunkPage(bytes) : parseJson(bytes, complain);
  checkEntries(list, entries, complain);
  const checked = entries as ManifestLists[L];
  if (checked.length !== record.count) complain("count", checked.length);
  const { from, to } = spanOf(list, checked[0], checked[checked.length - 1]);
  if (from !== record.from || to !== record.to) complain("span", [from, to]);
  return checked;
}

function checkEntries(list: ListName, entries: unknown, complain: Complain): void {
  if (!Array.isArray(entries)) return complain(list, entries);
  const bad = entries.findIndex((entry) => !ENTRY[list](entry));
  if (bad >= 0) complain(`${list}[${bad}]`, entries[bad]);
}

function checkPages(list: ListName, pages: unknown, complain: Complain): void {
  const records = isObject(pages) ? pages[list] : undefined;
  if (!Array.isArray(records) || !records.every(isPage)) complain(`pages.${list}`, records);
}

const ENTRY: Record<ListName, (entry: unknown) => boolean> = {
  chunks: (entry) => isObject(entry) && isWhole(entry.k) && isCount(entry.rows) && isDigest(entry.digest),
  covered: isRange,
  gaps: (entry) =>
    isObject(entry) && isRange([entry.start, entry.end]) && isCount(entry.bars) &&
    GAP_REASONS.includes(entry.reason as GapReason),
  findings: (entry) => isObject(entry) && isNumber(entry.ts) && isText(entry.flag) && isCount(entry.count),
};

function isSegment(value: unknown): boolean {
  return isObject(value) && isRange(value.range) && isCount(value.rows) && isCount(value.bytes) &&
    isKey(value.uri) && isDigest(value.file_sha256);
}

function isPage(value: unknown): boolean {
  return isObject(value) && isNumber(value.from) && isNumber(value.to) && isCount(value.count) &&
    value.count as number > 0 && isDigest(value.sha256) && isKey(value.uri);
}

function parseJson(bytes: Uint8Array, complain: Complain): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) {
      return complain("the JSON text", error.message);
    }
    throw error;
  }
}

function complainOf(uri: string): Complain {
  return (field, found) => {
    const shown = (JSON.stringify(found) ?? String(found)).slice(0, 80);
    throw new HistoryError("VERIFY_FAILED", `Cannot read ${uri}: ${field} is wrong (${shown})`, {
      hint: "The file was changed or damaged, or a newer version wrote it; " +
        "`seamless verify` names every file that is",
    });
  };
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isCount(value: unknown): value is number {
  return isWhole(value) && value >= 0;
}

function isText(value: unknown, pattern = /./): boolean {
  return typeof value === "string" && pattern.test(value);
}

/** A manifest names files of its own store and nothing else. */
function isKey(value: unknown): boolean {
  return typeof value === "string" && isArtifactKey(value);
}

function isDigest(value: unknown): boolean {
  return isText(value, DIGEST);
}

function isRange(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && isWhole(value[0]) && isWhole(value[1]) &&
    value[0] < value[1];
}

function isInstant(text: string): boolean {
  try {
    return Number.isFinite(parseAsOfMs(text));
  } catch (error) {
    if (error instanceof HistoryError) return false;
    throw error;
  }
}
