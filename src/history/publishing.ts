/**
 * Publishes what the hot store holds of a node: final bars and settled gaps, nothing else (spec §6, §8). Calls for one
 * node wait for one another, equal ones that wait are one.
 */

import { viewOf } from "../backfill/node_view.ts";
import type { Compute } from "../compute/mod.ts";
import type { JsonValue } from "../core/canonical_json.ts";
import type { FoundGap } from "../core/gaps.ts";
import { explainMissing } from "../core/gaps.ts";
import { isSettled } from "../core/gap_reason.ts";
import { formatAsOf } from "../core/instant.ts";
import { CONFORMANCE_VERSION } from "../core/metadata.ts";
import { parseNodeId } from "../core/node_id.ts";
import type { BarStore } from "../core/ports.ts";
import type { ServiceEvent } from "../core/service.ts";
import { clipRange, type TimeRange, toPairs, toRanges } from "../core/time_range.ts";
import { HistoryError } from "../core/errors.ts";
import { flagsOf } from "./answer_metadata.ts";
import type { Heads } from "./heads.ts";
import type { Outages } from "./outages.ts";
import type { Published, Publisher } from "./publisher.ts";
import type { Snapshots } from "./snapshots.ts";

export interface PublishingParts {
  publisher: Publisher;
  store: BarStore;
  compute: Compute;
  outages: Outages;
  policy: { readonly [key: string]: JsonValue };
  emit: (event: ServiceEvent) => void;
  heads: Heads;
  snapshots: Snapshots;
  /** Refuses an artifact store that ignores put-if-absent; asked once, before the first manifest. */
  probe: () => Promise<void>;
}

export class Publishing {
  readonly #parts: PublishingParts;
  /** The end of each node's line: publications of one node wait for one another. */
  readonly #lines = new Map<string, Promise<unknown>>();
  /** Calls that have not begun yet, by node and range: equal ones share it. */
  readonly #waiting = new Map<string, Promise<Published | null>>();
  #trusted: Promise<void> | null = null;

  constructor(parts: PublishingParts) {
    this.#parts = parts;
  }

  /**
   * Publishes what is covered inside `range` (null: everything). A fill publishes its own range, so that the dataset
   * is what was asked for and not what its windows brought along. Null: nothing there is covered yet.
   */
  publish(
    nodeId: string,
    range: TimeRange | null,
    { mends = false }: { mends?: boolean } = {},
  ): Promise<Published | null> {
    const key = `${nodeId}|${range}|${mends}`;
    const shared = this.#waiting.get(key);
    if (shared !== undefined) return shared;
    const before = this.#lines.get(nodeId) ?? Promise.resolve();
    const work = before.then(() => {
      // Begun: a later call may bring bars that this one does not read, and starts one of its own.
      this.#waiting.delete(key);
      return this.#publish(nodeId, range, mends);
    });
    this.#waiting.set(key, work);
    const line = work.then(() => {}, () => {}).then(() => {
      if (this.#lines.get(nodeId) === line) this.#lines.delete(nodeId);
    });
    this.#lines.set(nodeId, line);
    return work;
  }

  /**
   * As `publish`, and writes again what is gone of the newest snapshot's files. What the hot store dropped and that
   * snapshot has is published already: `unchanged`. `NODE_UNKNOWN` for a node never stored nor published.
   */
  async publishKnown(nodeId: string, range: TimeRange | null): Promise<Published | null> {
    const isStored = (await this.#parts.store.state(nodeId)) !== null;
    const published = isStored ? await this.publish(nodeId, range, { mends: true }) : null;
    if (published !== null) return published;
    const entry = await this.#parts.heads.newest(nodeId);
    if (entry !== null) {
      const covered = await this.#parts.snapshots.covered(entry.manifest);
      const isThere = range === null || toPairs(covered).some((part) => clipRange(part, range) !== null);
      return isThere ? { entry, unchanged: true, bytesWritten: 0 } : null;
    }
    if (!isStored) throw nodeUnknown(nodeId, "publish");
    return null;
  }

  /** Rejects with `ARTIFACT_STORE_UNAVAILABLE` or `CONFIG_INVALID` when the store cannot be trusted; tried again then. */
  async ready(): Promise<void> {
    this.#trusted ??= this.#parts.probe();
    try {
      await this.#trusted;
    } catch (error) {
      this.#trusted = null;
      throw error;
    }
  }

  async #publish(nodeId: string, range: TimeRange | null, mends: boolean): Promise<Published | null> {
    await this.ready();
    const { store, compute, outages, publisher } = this.#parts;
    const state = await store.state(nodeId);
    if (state === null) return null;
    const view = viewOf(state, compute);
    const { exchange } = parseNodeId(nodeId);
    const covered = range === null
      ? view.covered
      : compute.intersectRanges(view.covered, toRanges([range]), view.grid);
    if (covered.length === 0) return null;
    const settled = explainMissing(compute.subtractRanges(covered, state.final, view.grid), view.spans);
    const gaps = (await outages.explain(exchange, settled, view.grid)).filter((gap) => isSettled(gap.reason));
    const span: TimeRange = [covered[0], covered[covered.length - 1]];
    const { warnings } = flagsOf(state.findings, span, 0);
    const outcome = await publisher.publish({
      state,
      covered: withoutOpen(covered, settled, compute, view.grid),
      gaps,
      findings: state.findings.filter(({ ts, flag }) =>
        ts >= span[0] && ts < span[1] && !flag.startsWith("warning: ")
      ),
      warnings,
      readChunks: (wanted) => store.read(nodeId, wanted, { once: true }),
      conformanceVersion: CONFORMANCE_VERSION,
      exchange,
      source: `ccxt:${exchange}`,
      policy: this.#parts.policy,
      mends,
    });
    this.#announce(outcome);
    return outcome;
  }

  #announce({ entry: { nodeId, seq, asOfMs, manifest }, unchanged }: Published): void {
    if (unchanged) return;
    this.#parts.heads.forget(nodeId);
    this.#parts.emit({
      type: "snapshot",
      node_id: nodeId,
      seq,
      as_of: formatAsOf(asOfMs),
      dataset_fingerprint: manifest.dataset_fingerprint,
      operation: manifest.operation,
    });
  }
}

/** Covered slots whose missing bar is settled after all; a slot that is neither bar nor settled is not published. */
function withoutOpen(
  covered: Float64Array,
  gaps: FoundGap[],
  compute: Compute,
  grid: Parameters<Compute["mergeRanges"]>[1],
): Float64Array {
  const open = gaps.filter((gap) => !isSettled(gap.reason)).map((gap): TimeRange => [gap.start, gap.end]);
  return open.length === 0 ? covered : compute.subtractRanges(covered, toRanges(open), grid);
}

/** The error of verbs that need a node to be stored. */
export function nodeUnknown(nodeId: string, act: string): HistoryError {
  return new HistoryError("NODE_UNKNOWN", `Cannot ${act} ${nodeId}: nothing of it is stored`, {
    hint: "Fill it first: `seamless fill`; list what is stored with GET /v1/nodes",
  });
}
