/** Which logs there are below an artifact root. A log whose manifests cannot be read is one all the same. */

import { HistoryError } from "../core/errors.ts";
import { nodeFolder } from "../core/manifest.ts";
import type { ArtifactStore } from "../core/ports.ts";

/** One log. */
export interface PublishedLog {
  /** The node whose log it is; null where no manifest in it says so, or says so of another folder. */
  nodeId: string | null;
  /** Its first key, as the store lists them. */
  firstKey: string;
}

const LOG_ENTRY = /^(.+)\/log\/\d{12}\.json$/;
const NODE_ID = /"node_id":("(?:[^"\\]|\\.)*")/;

/** Every log, in the order in which the store lists them. The node's name is looked for until a manifest tells it. */
export async function publishedLogs(artifacts: ArtifactStore, partition?: string): Promise<PublishedLog[]> {
  const logs = new Map<string, PublishedLog>();
  for await (const key of artifacts.list("")) {
    const folder = LOG_ENTRY.exec(key)?.[1];
    if (folder === undefined) continue;
    const log = logs.get(folder) ?? { nodeId: null, firstKey: key };
    logs.set(folder, log);
    log.nodeId ??= nodeNamedBy(await artifacts.get(key), { folder, partition });
  }
  return [...logs.values()];
}

/** Whether anything of the node is published. By listing: of a log whose first manifests are lost the rest counts. */
export async function hasLog(nodeId: string, artifacts: ArtifactStore, partition?: string): Promise<boolean> {
  for await (const key of artifacts.list(`${nodeFolder(nodeId, partition)}/log/`)) {
    if (LOG_ENTRY.test(key)) return true;
  }
  return false;
}

/** The node that a manifest's bytes name, if it is the one whose folder this is. */
function nodeNamedBy(
  bytes: Uint8Array | null,
  { folder, partition }: { folder: string; partition?: string },
): string | null {
  const quoted = bytes === null ? undefined : NODE_ID.exec(new TextDecoder().decode(bytes))?.[1];
  if (quoted === undefined) return null;
  try {
    const nodeId: string = JSON.parse(quoted);
    return nodeFolder(nodeId, partition) === folder ? nodeId : null;
  } catch (error) {
    // Damaged bytes can look like a text or a node id, and be none.
    if (error instanceof SyntaxError || error instanceof HistoryError) return null;
    throw error;
  }
}
