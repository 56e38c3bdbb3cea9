/** Memory of a 5-million-bar fill and of serving it, and whether `/healthz` answers throughout. Needs `ps`. */

import type { Bench, Figure } from "./figure.ts";
import type { LoopbackClient } from "./loopback_client.ts";
import { arrowPath, rangeOf, Service } from "./service.ts";
import { Stage } from "./stage.ts";
import { startVenue } from "./venue_address.ts";

const BARS = 5_000_000;
const EVERY_MS = 100;

export const memoryBench: Bench = {
  name: "memory",
  what: "resident set while 5M bars are filled and served, /healthz every 100 ms",
  limitSec: 600,
  async run(say) {
    const stage = new Stage();
    try {
      const service = await Service.start(stage, await startVenue(stage));
      const watch = new Watch(service);
      say(`filling ${BARS} bars: ${(await service.fill(BARS)).toFixed(1)} s`);
      const filled = watch.take();
      const pinned = arrowPath(rangeOf(BARS), `&fingerprint=${await service.fingerprint()}`);
      for (let round = 0; round < 2; round++) await readAll(service.client(), pinned);
      const served = watch.take();
      await watch.stop();
      const figures: Figure[] = [
        { name: "peak resident set, fill and publication", value: filled.peakMb, unit: "MB", most: 300 },
        { name: "peak resident set, serving all of it pinned", value: served.peakMb, unit: "MB", most: 300 },
        { name: "slowest /healthz, fill", value: filled.slowestMs, unit: "ms", most: 50 },
        { name: "slowest /healthz, serving", value: served.slowestMs, unit: "ms", most: 50 },
      ];
      return figures;
    } finally {
      await stage.close();
    }
  },
};

async function readAll(client: LoopbackClient, path: string): Promise<void> {
  const { status, bodyBytes } = await client.get(path);
  if (status !== 200 || bodyBytes < 48 * BARS) {
    throw new Error(`${path} answered ${status}, ${bodyBytes} bytes`);
  }
  client.close();
}

/** The resident set of a process: what `ps` says in kilobytes. */
async function residentMb(pid: number): Promise<number> {
  const { stdout } = await new Deno.Command("ps", { args: ["-o", "rss=", "-p", String(pid)] }).output();
  return Number(new TextDecoder().decode(stdout)) / 1024;
}

/** Looks at a service every 100 ms from the side. */
class Watch {
  readonly #service: Service;
  readonly #client: LoopbackClient;
  readonly #loop: Promise<void>;
  #peakMb = 0;
  #slowestMs = 0;
  #stopped = false;

  constructor(service: Service) {
    this.#service = service;
    this.#client = service.client();
    this.#loop = this.#run();
  }

  /** What was seen since the last take. */
  take(): { peakMb: number; slowestMs: number } {
    const seen = { peakMb: this.#peakMb, slowestMs: this.#slowestMs };
    this.#peakMb = 0;
    this.#slowestMs = 0;
    return seen;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
    this.#client.close();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const { allMs } = await this.#client.get("/healthz");
      this.#slowestMs = Math.max(this.#slowestMs, allMs);
      this.#peakMb = Math.max(this.#peakMb, await residentMb(this.#service.pid));
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }
}
