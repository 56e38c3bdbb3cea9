/**
 * A publisher as a process of its own, for tests that kill it or race it: publishes one synthetic node below a folder
 * again and again, each time with more bars, and prints a line for each snapshot that it committed.
 *
 * Arguments: root folder, `first` chunk number, `stride` in chunks (two processes with different ones hold different
 * bars of the same node), and how many snapshots to publish (0: until killed).
 */

import { createFilesystemArtifacts } from "../../src/adapters/artifact_store/filesystem.ts";
import { systemClock, systemDice } from "../../src/adapters/system.ts";
import { concatBars } from "../../src/core/bar_frame.ts";
import type { Bars } from "../../src/core/bar_frame.ts";
import type { Publication } from "../../src/history/publication.ts";
import { createPublisher } from "../../src/history/publisher.ts";
import { createSnapshots } from "../../src/history/snapshots.ts";
import { barsOf, codec, compute, holding, NODE, START } from "./holdings.ts";

const CHUNK = 4096 * 60;
/** Bars that each snapshot has more than the one before. */
const STEP = 490 * 60;

/** Every seventh minute is missing, so that there are gaps enough for pages. */
const isGap = (ts: number) => (ts / 60) % 7 === 0;

/** What a process with this first chunk and stride holds after `count` steps. */
export function heldAfter(count: number, o: { first: number; stride: number }): Publication {
  const frames: Bars[] = [];
  const gaps: Publication["gaps"][number][] = [];
  let left = count * STEP;
  for (let k = o.first; left > 0; k += o.stride) {
    const start = START + k * CHUNK;
    const end = start + Math.min(left, CHUNK);
    frames.push(barsOf([start, end], { skip: isGap }));
    for (let ts = start; ts < end; ts += 60) {
      if (isGap(ts)) gaps.push({ start: ts, end: ts + 60, reason: "no_trades" });
    }
    left -= end - start;
  }
  return holding(concatBars(frames), { gaps });
}

/** How many steps a process with stride 1 has taken that shows so many rows. */
export function stepsIn(rows: number): number {
  return Math.round(rows / ((STEP / 60) * 6 / 7));
}

if (import.meta.main) {
  const [root, first, stride, limit] = [Deno.args[0], ...Deno.args.slice(1).map(Number)] as const;
  const artifacts = createFilesystemArtifacts({ root, clock: systemClock, dice: systemDice });
  const parts = { artifacts, codec, compute, clock: systemClock };
  const snapshots = createSnapshots({ ...parts, settings: { asOfSettleSec: 30 } });
  const publisher = createPublisher({
    ...parts,
    dice: systemDice,
    log: { emit: () => {} },
    index: {
      record: () => Promise.resolve(),
      newest: () => Promise.resolve(null),
      count: () => Promise.resolve(0),
    },
    settings: {
      enabled: true,
      publishFingerprint: true,
      stabilizationBars: 2,
      asOfSettleSec: 30,
      producer: { identity: "seamless", version: "test", worker: `${Deno.pid}` },
    },
    snapshots,
  });
  const head = await snapshots.head(NODE);
  const begin = limit > 0 || head === null ? 0 : stepsIn(head.manifest.row_count);
  console.log("ready");
  for (let i = 1; limit === 0 || i <= limit; i++) {
    const { entry, unchanged } = await publisher.publish(heldAfter(begin + i, { first, stride }));
    if (!unchanged) console.log(`${entry.seq} ${entry.manifestSha256}`);
  }
}
