/** A server over the fake service whose answers carry true fingerprints, for the tests of its clients. */

import { load } from "../../src/compute/mod.ts";
import { parseNodeId } from "../../src/core/node_id.ts";
import { gridOf } from "../../src/core/timeframe.ts";
import { startServer } from "../../src/server/serve.ts";
import { type Bench, makeBench } from "../server/harness.ts";

const compute = await load();

/** Runs `work` against the address of a server; it is stopped afterwards. */
export async function serving(
  work: (o: { bench: Bench; url: string }) => Promise<void>,
  o: Parameters<typeof makeBench>[0] = {},
): Promise<void> {
  const bench = makeBench(o);
  bench.service.fingerprint = (bars, { nodeId, range }) => {
    const grid = gridOf(parseNodeId(nodeId).timeframe!);
    const { fingerprint } = compute.fingerprint(bars, { nodeId, range, grid, conformanceVersion: "v2" });
    return Promise.resolve(fingerprint);
  };
  const server = startServer(bench.app);
  try {
    await work({ bench, url: server.url });
  } finally {
    await server.shutdown();
  }
}
