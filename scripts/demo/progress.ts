/** How a job goes on: one line that moves on a terminal, a line for each quarter elsewhere. */

import { progressLine } from "../../src/cli/progress.ts";
import { counted } from "../../src/cli/texts.ts";
import type { JobReport } from "../../src/core/service.ts";
import { systemClock } from "../../src/adapters/system.ts";

const LOOK_EVERY_MS = 60;
const LOOKS_MAX = 5_000;
const encoder = new TextEncoder();

/** Looks at a job until it has ended, and shows it; resolves with its last state. */
export async function showProgress(
  look: () => Promise<JobReport>,
  say: (text: string) => void,
): Promise<JobReport> {
  const startedMs = systemClock.monotonicMs();
  const isTerminal = Deno.stdout.isTerminal();
  let told = 0;
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const job = await look();
    const elapsedSec = (systemClock.monotonicMs() - startedMs) / 1000;
    const ended = job.state !== "queued" && job.state !== "running";
    const line = `   ${lineOf(job, elapsedSec)}`;
    if (isTerminal) Deno.stdout.writeSync(encoder.encode(`\r\x1b[K${line}`));
    const quarter = Math.floor(job.completion_ratio * 4);
    if (!isTerminal && quarter > told) say(line);
    told = Math.max(told, quarter);
    if (ended) {
      if (isTerminal) say("");
      say(
        `   ${job.state}: ${counted(job.rows, "bar")} in ${counted(job.windows.total, "window")}, ${
          elapsedSec.toFixed(1)
        } s`,
      );
      return job;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  throw new Error("The fill does not come to an end");
}

function lineOf(job: JobReport, elapsedSec: number): string {
  const { complete, failed, total } = job.windows;
  const state = {
    label: "filling",
    done: complete + failed,
    total,
    rows: job.rows,
    etaSeconds: job.eta_seconds,
  };
  return progressLine(state, { elapsedSec, columns: 100 });
}
