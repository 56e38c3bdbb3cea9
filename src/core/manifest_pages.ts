/**
 * Where the entries of a manifest's four lists stand: the newest inline, older ones in pages.
 *
 * Pages are cut from the oldest entry on, at fixed numbers of entries, so that a list that only grows keeps all its
 * pages but the last; a page whose entries have not changed is not written again.
 */

import { canonicalBytes } from "./canonical_json.ts";
import { CHUNK_PAGE_RECORDS, JSON_PAGE_ENTRIES, MANIFEST_INLINE_MAX, MANIFEST_MAX_BYTES } from "./limits.ts";
import { LIST_NAMES, pageKey } from "./manifest.ts";
import type {
  ChunkRecord,
  FindingRecord,
  GapRecord,
  ListName,
  Manifest,
  ManifestLists,
  PageRecord,
} from "./manifest.ts";
import type { TimeRange } from "./time_range.ts";

/** Bytes of one chunk record: i64 k, u32 rows, digest; little-endian. */
const CHUNK_RECORD_BYTES = 44;
/** Room for a signature, which is put in after the manifest was fitted. */
const SIGNATURE_BYTES = 256;
/** Inline entries per list that are tried in turn, until the manifest fits: of chunks, and of each other list. */
const INLINE_TRIES = [
  [MANIFEST_INLINE_MAX, MANIFEST_INLINE_MAX],
  [MANIFEST_INLINE_MAX, MANIFEST_INLINE_MAX / 4],
  [MANIFEST_INLINE_MAX / 4, MANIFEST_INLINE_MAX / 4],
  [0, 0],
] as const;

/** A manifest that still lacks its lists. */
export type ManifestHead = Omit<Manifest, ListName | "pages" | "signature">;

/** A page that has to be there before the manifest may name it. */
export interface NewPage {
  key: string;
  bytes: Uint8Array;
}

/** What went before: its pages are named again where their entries are still the same. */
export interface EarlierPages {
  lists: ManifestLists;
  pages: Manifest["pages"];
}

/** What is to be laid out. `sha256` gives hex digits; `folder` is the node's. */
export interface LayOut {
  head: ManifestHead;
  lists: ManifestLists;
  earlier: EarlierPages | null;
  folder: string;
  sha256: (bytes: Uint8Array) => string;
}

/** Lays the lists out over manifest and pages. */
export function layPages(o: LayOut): { manifest: Omit<Manifest, "signature">; newPages: NewPage[] } {
  for (const [chunksInline, othersInline] of INLINE_TRIES) {
    const laid = layWith(o, (list) => list === "chunks" ? chunksInline : othersInline);
    const fits = canonicalBytes(laid.manifest).length + SIGNATURE_BYTES <= MANIFEST_MAX_BYTES;
    if (fits || othersInline === 0) return laid;
  }
  throw new Error("unreachable: the last try is always taken");
}

function layWith(o: LayOut, inlineMax: (list: ListName) => number) {
  const newPages: NewPage[] = [];
  const pages = {} as Manifest["pages"];
  const inline = {} as ManifestLists;
  for (const list of LIST_NAMES) {
    const entries = o.lists[list];
    const older = entriesInPages(entries.length, inlineMax(list));
    pages[list] = [];
    for (let from = 0; from < older; from += pageSize(list)) {
      const to = Math.min(older, from + pageSize(list));
      const kept = samePage(o, { list, from, to });
      if (kept !== null) {
        pages[list].push(kept);
        continue;
      }
      const { record, bytes } = makePage(o, { list, from, to });
      pages[list].push(record);
      newPages.push({ key: record.uri, bytes });
    }
    Object.assign(inline, { [list]: entries.slice(older) });
  }
  return { manifest: { ...o.head, ...inline, pages }, newPages };
}

/** In steps of what may stand inline, so that most publications add to the inline part alone. */
function entriesInPages(count: number, inlineMax: number): number {
  if (inlineMax === 0 || count <= inlineMax) return inlineMax === 0 ? count : 0;
  return Math.ceil((count - inlineMax) / inlineMax) * inlineMax;
}

function pageSize(list: ListName): number {
  return list === "chunks" ? CHUNK_PAGE_RECORDS : JSON_PAGE_ENTRIES;
}

/** Entries `[from, to)` of one list. */
interface Cut {
  list: ListName;
  from: number;
  to: number;
}

function samePage({ earlier, lists }: LayOut, { list, from, to }: Cut): PageRecord | null {
  const record = earlier?.pages[list][from / pageSize(list)];
  if (record === undefined || record.count !== to - from) return null;
  for (let i = from; i < to; i++) {
    if (!sameEntry(list, earlier!.lists[list][i], lists[list][i])) return null;
  }
  return record;
}

function makePage({ lists, folder, sha256 }: LayOut, { list, from, to }: Cut) {
  const entries = lists[list].slice(from, to);
  const bytes = list === "chunks" ? encodeChunkPage(entries as ChunkRecord[]) : canonicalBytes(entries);
  const digest = sha256(bytes);
  const span = spanOf(list, entries[0], entries[entries.length - 1]);
  const record: PageRecord = {
    ...span,
    count: to - from,
    sha256: digest,
    uri: pageKey(folder, list, digest),
  };
  return { record, bytes };
}

type Entry = ManifestLists[ListName][number];

/** What a page that begins and ends with these entries spans. */
export function spanOf(list: ListName, first: Entry, last: Entry): { from: number; to: number } {
  switch (list) {
    case "chunks":
      return { from: (first as ChunkRecord).k, to: (last as ChunkRecord).k + 1 };
    case "covered":
      return { from: (first as TimeRange)[0], to: (last as TimeRange)[1] };
    case "gaps":
      return { from: (first as GapRecord).start, to: (last as GapRecord).end };
    case "findings":
      return { from: (first as FindingRecord).ts, to: (last as FindingRecord).ts + 1 };
  }
}

/** Whether two entries of a list say the same. */
export function sameEntry(list: ListName, a: Entry, b: Entry): boolean {
  if (a === b) return true;
  switch (list) {
    case "chunks": {
      const [x, y] = [a as ChunkRecord, b as ChunkRecord];
      return x.k === y.k && x.rows === y.rows && x.digest === y.digest;
    }
    case "covered": {
      const [x, y] = [a as TimeRange, b as TimeRange];
      return x[0] === y[0] && x[1] === y[1];
    }
    case "gaps": {
      const [x, y] = [a as GapRecord, b as GapRecord];
      return x.start === y.start && x.end === y.end && x.bars === y.bars && x.reason === y.reason;
    }
    case "findings": {
      const [x, y] = [a as FindingRecord, b as FindingRecord];
      return x.ts === y.ts && x.flag === y.flag && x.count === y.count;
    }
  }
}

/** Whether two whole lists say the same. */
export function sameList(list: ListName, a: readonly Entry[], b: readonly Entry[]): boolean {
  return a.length === b.length && a.every((entry, i) => sameEntry(list, entry, b[i]));
}

/** Chunk records as a page holds them: 44 bytes each. */
export function encodeChunkPage(records: readonly ChunkRecord[]): Uint8Array {
  const bytes = new Uint8Array(records.length * CHUNK_RECORD_BYTES);
  const view = new DataView(bytes.buffer);
  records.forEach((record, i) => {
    const at = i * CHUNK_RECORD_BYTES;
    view.setBigInt64(at, BigInt(record.k), true);
    view.setUint32(at + 8, record.rows, true);
    for (let byte = 0; byte < 32; byte++) {
      bytes[at + 12 + byte] = Number.parseInt(record.digest.slice(2 * byte, 2 * byte + 2), 16);
    }
  });
  return bytes;
}

/** The records of a chunk page; null when its length is no whole number of them. */
export function decodeChunkPage(bytes: Uint8Array): ChunkRecord[] | null {
  if (bytes.length % CHUNK_RECORD_BYTES !== 0) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / CHUNK_RECORD_BYTES }, (_, i) => {
    const at = i * CHUNK_RECORD_BYTES;
    const digest = bytes.subarray(at + 12, at + CHUNK_RECORD_BYTES);
    return {
      k: Number(view.getBigInt64(at, true)),
      rows: view.getUint32(at + 8, true),
      digest: Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join(""),
    };
  });
}
