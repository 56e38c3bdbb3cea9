/** Bars over HTTP from a real `serve` process: a long Arrow stream, and many short answers on one connection. */

import { join } from "node:path";
import { type Bench, type Figure, median } from "./figure.ts";
import { LoopbackClient } from "./loopback_client.ts";
import { arrowPath, NODE, rangeOf, Service } from "./service.ts";
import { pythonOfTests, ROOT, Stage } from "./stage.ts";
import { startVenue } from "./venue_address.ts";
import { rateByWrk } from "./wrk.ts";

const STORED = 5_000_000;
const STREAMED = 500_000;
const BACK = 2_000_000;
const SHORT = 1_440;
const ROUNDS = 40;
/** Rounds that nobody is measured in: code is still being compiled. */
const WARM_ROUNDS = 15;
const REQUESTS = 3_000;
const BARE = "a bare copy of the same bytes";
const DRESSED = "the same with our headers";
/** What the host of a server writes by itself. */
const HOSTS_HEADERS = new Set(["content-length", "date"]);
const FASTAPI = "FastAPI over DuckDB, the same bars";

export const httpBench: Bench = {
  name: "http",
  what: "500,000 of 5M bars as an Arrow stream; 1,440 bars on one connection",
  limitSec: 600,
  async run(say) {
    const stage = new Stage();
    try {
      const service = await Service.start(stage, await startVenue(stage));
      say(`filling ${STORED} bars: ${(await service.fill(STORED)).toFixed(1)} s`);
      const stream = await streamOf(service.client(), arrowPath(rangeOf(STREAMED, BACK)));
      const rate = await rateOf(service.client(), (i) => arrowPath(rangeOf(SHORT, SHORT * (i % 50))));
      const health = await rateOf(service.client(), () => "/healthz");
      const bare = await bareCopy(stage, service);
      const bareStream = await streamOf(new LoopbackClient(bare), "/long");
      const beside = await fastApi(stage, service, say);
      const figures: Figure[] = [
        figure("first byte of 500,000 bars", stream.firstMs, 3, {
          [BARE]: bareStream.firstMs,
          [FASTAPI]: beside?.firstMs,
        }),
        figure("all of 500,000 bars", stream.allMs, 14, {
          [BARE]: bareStream.allMs,
          [FASTAPI]: beside?.allMs,
        }),
        {
          name: "1,440 bars, one connection",
          value: rate,
          unit: "requests/s",
          least: 3_000,
          beside: [
            { name: BARE, value: await rateOf(new LoopbackClient(bare), () => "/short") },
            { name: "our /healthz, which answers nothing", value: health },
          ],
        },
      ];
      return [...figures, ...await byWrk(service, bare, say)];
    } finally {
      await stage.close();
    }
  },
};

function figure(
  name: string,
  value: number,
  most: number,
  yardsticks: Record<string, number | undefined>,
): Figure {
  const beside = Object.entries(yardsticks).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value }]
  );
  return { name, value, unit: "ms", most, beside };
}

/** A server that only sends the bytes of our own answers. */
async function bareCopy(stage: Stage, service: Service): Promise<string> {
  const folder = stage.newFolder();
  const files: string[] = [];
  const headers: [string, string][][] = [];
  for (const range of [rangeOf(SHORT), rangeOf(STREAMED, BACK)]) {
    files.push(join(folder, `${files.length}.arrow`));
    const reply = await fetch(service.url + arrowPath(range));
    headers.push([...reply.headers].filter(([name]) => !HOSTS_HEADERS.has(name)));
    Deno.writeFileSync(files.at(-1)!, await reply.bytes());
  }
  const script = join(ROOT, "scripts/bench/bare_copy.ts");
  const flags = ["--no-prompt", "--allow-net", `--allow-read=${folder}`];
  return (await stage.start({ args: ["run", ...flags, script, ...files, JSON.stringify(headers[0])] })).line;
}

/** The same short answers asked for by a client that takes next to nothing of the cores. */
async function byWrk(service: Service, bare: string, say: (line: string) => void): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [connections, least] of [[1, 7_000], [8, 18_000]]) {
    const value = await rateByWrk(service.url + arrowPath(rangeOf(SHORT)), connections);
    const yardstick = await rateByWrk(`${bare}/short`, connections);
    const dressed = await rateByWrk(`${bare}/dressed`, connections);
    if (value === null || yardstick === null || dressed === null) {
      say("no figures by wrk: it is not installed");
      return [];
    }
    figures.push({
      name: `1,440 bars, ${connections === 1 ? "one connection" : `${connections} connections`}, by wrk`,
      value,
      unit: "requests/s",
      least,
      beside: [{ name: BARE, value: yardstick }, { name: DRESSED, value: dressed }],
    });
  }
  return figures;
}

async function streamOf(client: LoopbackClient, path: string): Promise<{ firstMs: number; allMs: number }> {
  const first: number[] = [];
  const all: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const { status, firstByteMs, allMs } = await client.get(path);
    if (status !== 200) throw new Error(`${path} answered ${status}`);
    first.push(firstByteMs);
    all.push(allMs);
  }
  client.close();
  return { firstMs: median(first.slice(WARM_ROUNDS)), allMs: median(all.slice(WARM_ROUNDS)) };
}

async function rateOf(client: LoopbackClient, path: (i: number) => string): Promise<number> {
  for (let i = 0; i < 200; i++) await client.get(path(i));
  const begunMs = performance.now();
  for (let i = 0; i < REQUESTS; i++) {
    const { status } = await client.get(path(i));
    if (status !== 200) throw new Error(`${path(i)} answered ${status}`);
  }
  client.close();
  return REQUESTS / ((performance.now() - begunMs) / 1000);
}

/** The yardstick: what a good user builds in thirty lines, over the segments that were published. Null without Python. */
async function fastApi(
  stage: Stage,
  service: Service,
  say: (line: string) => void,
): Promise<{ firstMs: number; allMs: number } | null> {
  const python = pythonOfTests();
  if (python === null) {
    say("no FastAPI beside it: run `deno task python` first");
    return null;
  }
  const script = join(ROOT, "scripts/bench/fastapi_duckdb.py");
  const running = await stage.start({ program: python, args: [script, `${service.folder}/artifacts`] });
  const { start, end } = rangeOf(STREAMED, BACK);
  return await streamOf(new LoopbackClient(running.line), `/bars?start=${start}&end=${end}&node=${NODE}`);
}
