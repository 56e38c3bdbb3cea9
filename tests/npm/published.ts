/** A dataset as a publisher leaves it: manifest and segments below one root, and one that claims to be it and is not. */

import { ok } from "node:assert/strict";
import { startDemoExchange, systemClock } from "../../scripts/recorded_exchange/mod.ts";
import { type ConfigInput, open, type Seamless } from "../../src/mod.ts";

const BARS = "ohlcv:binance:BTC/USDT:1m";
const OTHERS = "ohlcv:binance:NEW/USDT:1m";
/** Five days over an outage: rows of three chunks, two of them cut. */
const START = Date.UTC(2024, 0, 7) / 1000;
const RANGE = [START, START + 5 * 86_400] as const;

/** Paths are relative to `root`. */
export interface Published {
  root: string;
  manifestUri: string;
  /** A manifest with the same claims, whose segments hold another series. */
  forgedUri: string;
  fingerprint: string;
}

/** Publishes into `root` what the demo's exchange has. */
export async function publish(root: string): Promise<Published> {
  const exchange = startDemoExchange({ venues: ["binance"], clock: systemClock });
  const config: ConfigInput = {
    storage: { bars: "memory:" },
    seamless: { artifact: { object_store_uri: root } },
    exchanges: { binance: { urls: { ...exchange.urls("binance") }, options: exchange.options("binance") } },
  };
  const seamless = await open(config);
  try {
    const [genuine, other] = [await fill(seamless, BARS), await fill(seamless, OTHERS)];
    const manifest = JSON.parse(await Deno.readTextFile(`${root}/${genuine.uri}`));
    const { segments } = JSON.parse(await Deno.readTextFile(`${root}/${other.uri}`));
    const forgedUri = genuine.uri.replace(/\d+\.json$/, "000000000999.json");
    await Deno.writeTextFile(`${root}/${forgedUri}`, JSON.stringify({ ...manifest, segments }));
    return { root, manifestUri: genuine.uri, forgedUri, fingerprint: genuine.fingerprint };
  } finally {
    await seamless.close();
    await exchange.close();
  }
}

async function fill(seamless: Seamless, nodeId: string): Promise<{ uri: string; fingerprint: string }> {
  await seamless.ensureCoverage(nodeId, RANGE);
  const { metadata } = await seamless.fetch({ nodeId, start: RANGE[0], end: RANGE[1] });
  ok(metadata.snapshot !== null && metadata.dataset_fingerprint !== null);
  return { uri: metadata.snapshot.manifest_uri, fingerprint: metadata.dataset_fingerprint };
}
