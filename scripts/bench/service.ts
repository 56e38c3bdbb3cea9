/** A real `serve` process, as users start it, over the venue of the benches. */

import { join } from "node:path";
import { LoopbackClient } from "./loopback_client.ts";
import { ROOT, type Running, type Stage } from "./stage.ts";
import type { VenueAddress } from "./venue_address.ts";

export const NODE = "ohlcv:binance:BTC/USDT:1m";
export const STEP = 60;
/** Where the benches' bars end: 2024-01-01. */
export const END = 1_704_067_200;
/** A fill of millions over loopback is given up after so long. */
const FILL_MAX_MS = 240_000;
const POLL_MS = 100;

/** The configuration of a service over that venue, with everything it keeps below `folder`. */
export function configOf(venue: VenueAddress, folder: string): Record<string, unknown> {
  return {
    exchanges: { binance: { ...venue, rate_limit: { tokens_per_interval: 1e9, burst_tokens: 1e9 } } },
    storage: { bars: `sqlite:${folder}/bars.db` },
    seamless: {
      artifact: { object_store_uri: `${folder}/artifacts` },
      observability: { log_level: "error" },
    },
  };
}

/** A range of so many bars that ends `barsBack` before the end. */
export function rangeOf(bars: number, barsBack = 0): { start: number; end: number } {
  const end = END - barsBack * STEP;
  return { start: end - bars * STEP, end };
}

/** The path of a question about bars, answered as Arrow. */
export function arrowPath(range: { start: number; end: number }, more = ""): string {
  return `/v1/bars?node_id=${encodeURIComponent(NODE)}&execution_domain=live&world_id=bench&format=arrow` +
    `&start=${range.start}&end=${range.end}${more}`;
}

/** The program's arguments as the task `name` of deno.json gives them: permissions and V8 flags included. */
export function taskArgs(name: string): string[] {
  const { tasks } = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json")));
  return (tasks[name] as string).split(" ").slice(1).map((arg) =>
    arg.endsWith(".ts") ? join(ROOT, arg) : arg
  );
}

/** A service that answers over HTTP. */
export class Service {
  readonly url: string;
  readonly pid: number;
  readonly folder: string;

  constructor(url: string, running: Running, folder: string) {
    this.url = url;
    this.pid = running.pid;
    this.folder = folder;
  }

  /** Starts one over an empty store. */
  static async start(stage: Stage, venue: VenueAddress): Promise<Service> {
    const folder = stage.newFolder();
    Deno.writeTextFileSync(join(folder, "seamless.yaml"), JSON.stringify(configOf(venue, folder)));
    const args = ["run", ...taskArgs("serve").slice(1), "--port", "0", "--json"];
    const running = await stage.start({ args, cwd: folder });
    return new Service((JSON.parse(running.line) as { url: string }).url, running, folder);
  }

  /** Fills so many bars through `POST /v1/backfills`; resolves with the seconds it took until it was published. */
  async fill(bars: number): Promise<number> {
    const begunMs = performance.now();
    const made = await fetch(`${this.url}/v1/backfills`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ nodes: [NODE], ...rangeOf(bars) }),
    });
    if (made.status >= 300) throw new Error(`the fill was refused: ${await made.text()}`);
    const { id } = await made.json() as { id: string };
    while (performance.now() - begunMs < FILL_MAX_MS) {
      const job = await (await fetch(`${this.url}/v1/backfills/${id}`)).json() as {
        state: string;
        rows: number;
      };
      if (job.state === "complete" && job.rows >= bars) return (performance.now() - begunMs) / 1000;
      if (job.state !== "running" && job.state !== "queued") {
        throw new Error(`the fill ended: ${JSON.stringify(job)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    throw new Error(`the fill was not done after ${FILL_MAX_MS} ms`);
  }

  /** The fingerprint of the newest snapshot. */
  async fingerprint(): Promise<string> {
    const reply = await fetch(`${this.url}/v1/snapshots?node_id=${encodeURIComponent(NODE)}`);
    const { snapshots } = await reply.json() as { snapshots: { dataset_fingerprint: string }[] };
    return snapshots[0].dataset_fingerprint;
  }

  client(): LoopbackClient {
    return new LoopbackClient(this.url);
  }
}
