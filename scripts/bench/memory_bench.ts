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
      const venue = await startVenue(stage);
      const service = await Service.start(stage, venue);
      const watch = new Watch(service, await Service.start(stage, venue));
      say(`filling ${BARS} bars: ${(await service.fill(BARS)).toFixed(1)} s`);
      const filled = watch.take();
      const pinned = arrowPath(rangeOf(BARS), `&fingerprint=${await service.fingerprint()}`);
      for (let round = 0; round < 2; round++) await readAll(service.client(), pinned);
      const served = watch.take();
      await watch.stop();
      const figures: Figure[] = [
        { name: "peak resident set, fill and publication", value: filled.peakMb, unit: "MB", most: 300 },
        { name: "peak resident set, serving all of it pinned", value: served.peakMb, unit: "MB", most: 300 },
        slowest("fill", filled),
        slowest("serving", served),
      ];
      return figures;
    } finally {
      await stage.close();
    }
  },
};

function slowest(during: string, { slowestMs, idleSlowestMs }: Seen): Figure {
  const beside = [{ name: "another service that does nothing, just after", value: idleSlowestMs }];
  return { name: `slowest /healthz, ${during}`, value: slowestMs, unit: "ms", most: 50, beside };
}

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

/** What was seen of a service, and of the idle one beside it. */
interface Seen {
  peakMb: number;
  slowestMs: number;
  idleSlowestMs: number;
}

/** Looks at a service every 100 ms from the side, and at one that does nothing, which tells what the machine adds. */
class Watch {
  readonly #service: Service;
  readonly #client: LoopbackClient;
  readonly #idleClient: LoopbackClient;
  readonly #loop: Promise<void>;
  #seen: Seen = { peakMb: 0, slowestMs: 0, idleSlowestMs: 0 };
  #stopped = false;

  constructor(service: Service, idle: Service) {
    this.#service = service;
    this.#client = service.client();
    this.#idleClient = idle.client();
    this.#loop = this.#run();
  }

  /** What was seen since the last take. */
  take(): Seen {
    const seen = this.#seen;
    this.#seen = { peakMb: 0, slowestMs: 0, idleSlowestMs: 0 };
    return seen;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
    this.#client.close();
    this.#idleClient.close();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const { allMs } = await this.#client.get("/healthz");
      this.#seen.slowestMs = Math.max(this.#seen.slowestMs, allMs);
      const idle = await this.#idleClient.get("/healthz");
      this.#seen.idleSlowestMs = Math.max(this.#seen.idleSlowestMs, idle.allMs);
      this.#seen.peakMb = Math.max(this.#seen.peakMb, await residentMb(this.#service.pid));
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }
}
