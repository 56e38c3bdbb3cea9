/** Work that goes on when the call that began it has returned. */

import type { Log } from "../core/ports.ts";

/** Keeps track of work that outlives its call; a failure of it is a bug and is logged as one. */
export function backgroundWork(
  log: Log,
): { background: (work: Promise<unknown>) => void; settle: () => Promise<void> } {
  const underWay = new Set<Promise<unknown>>();
  return {
    background(work) {
      const kept = work.catch((error) => log.emit("error", "seamless.background.failed", { error }))
        .finally(() => underWay.delete(kept));
      underWay.add(kept);
    },
    settle: async () => {
      await Promise.allSettled([...underWay]);
    },
  };
}
