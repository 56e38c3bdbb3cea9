/**
 * Puts back pages of the newest manifests that are gone, where what the publisher holds still says the same: the same
 * entries give the same bytes, and so the same name. What is there is never written over.
 */

import { canonicalBytes } from "../core/canonical_json.ts";
import { LIST_NAMES } from "../core/manifest.ts";
import type { ChunkRecord, ListName, Manifest, ManifestLists, PageRecord } from "../core/manifest.ts";
import { encodeChunkPage, spanOf } from "../core/manifest_pages.ts";
import type { ArtifactStore, Log } from "../core/ports.ts";

/** What mending needs. `sha256` gives hex digits. */
export interface PageMendingParts {
  artifacts: ArtifactStore;
  sha256: (bytes: Uint8Array) => string;
  log: Log;
}

/** Writes what is gone and can be made again of what `listOurs` gives, and resolves with the bytes of it. */
export async function mendPages(
  manifests: readonly Manifest[],
  listOurs: () => Promise<ManifestLists>,
  { artifacts, sha256, log }: PageMendingParts,
): Promise<number> {
  let ours: ManifestLists | null = null;
  const seen = new Set<string>();
  let bytesWritten = 0;
  for (const { node_id, pages } of manifests) {
    for (const list of LIST_NAMES) {
      for (const page of pages[list].filter(({ uri }) => !seen.has(uri))) {
        seen.add(page.uri);
        if (await artifacts.size(page.uri) !== null) continue;
        ours ??= await listOurs();
        const bytes = pageOf(list, page, ours);
        if (sha256(bytes) !== page.sha256 || !await artifacts.putIfAbsent(page.uri, bytes)) continue;
        bytesWritten += bytes.length;
        log.emit("info", "seamless.artifact.mended", { node_id, uri: page.uri, bytes: bytes.length });
      }
    }
  }
  return bytesWritten;
}

/** The entries that the page spans, as bytes. */
function pageOf(list: ListName, page: PageRecord, lists: ManifestLists): Uint8Array {
  const entries = (lists[list] as ManifestLists[ListName][number][]).filter((entry) => {
    const { from, to } = spanOf(list, entry, entry);
    return from >= page.from && to <= page.to;
  });
  return list === "chunks" ? encodeChunkPage(entries as ChunkRecord[]) : canonicalBytes(entries);
}
