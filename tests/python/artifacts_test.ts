/** Published files in the hands of people who know nothing of Seamless: they open, prune and add up. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { createFilesystemArtifacts } from "../../src/adapters/artifact_store/filesystem.ts";
import { systemClock, systemDice } from "../../src/adapters/system.ts";
import { BAR_COLUMNS } from "../../src/core/bar_frame.ts";
import type { Bars } from "../../src/core/bar_frame.ts";
import { canonicalBars } from "../../src/core/stored_chunk.ts";
import { FakeClock } from "../fake_clock.ts";
import { barsOf, holding, NODE, START } from "../history/holdings.ts";
import { publishing, T0 } from "../history/publisher_fixture.ts";
import { find, testNeeding } from "../needs.ts";

const CHUNK = 4096 * 60;
const PART = [START + CHUNK + 600, START + CHUNK + 6600] as const;

interface Seen {
  rows: number;
  types: Record<string, string>;
  digests: Record<string, string>;
  part: number;
  hive: string[][];
}

/** Five segments with holes and not-a-numbers in them; the second snapshot, so that superseded files lie beside. */
async function withSnapshot(
  body: (o: { root: string; manifestUri: string; fingerprint: string; bars: Bars }) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "seamless_python_" });
  try {
    const artifacts = createFilesystemArtifacts({ root, clock: systemClock, dice: systemDice });
    const { publisher } = publishing({ artifacts, clock: new FakeClock(T0) });
    const skip = (ts: number) => ts % 660 === 0;
    const bars = barsOf([START, START + 4 * CHUNK + 900], { skip });
    for (let i = 7; i < bars.ts.length; i += 500) {
      bars.open[i] = NaN;
      bars.volume[i] = -0;
    }
    await publisher.publish(holding(barsOf([START, START + 4 * CHUNK + 300], { skip })));
    const { entry } = await publisher.publish(holding(bars));
    assert.equal(entry.seq, 2);
    const fingerprint = entry.manifest.dataset_fingerprint;
    await body({ root, manifestUri: entry.manifestUri, fingerprint, bars: canonicalBars(bars) });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

async function python<T>(script: string, args: string[]): Promise<T> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const command = new Deno.Command(find("python")!, { args: [path, ...args], stderr: "piped" });
  const { success, stdout, stderr } = await command.output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function digestsOf(bars: Bars): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const name of BAR_COLUMNS) {
    const column = name === "ts" ? BigInt64Array.from(bars.ts, BigInt) : bars[name].slice();
    const bytes = new Uint8Array(column.buffer as ArrayBuffer);
    digests[name] = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  }
  return digests;
}

const TYPES: Record<string, [ts: string, value: string]> = {
  duckdb: ["bigint", "double"],
  polars: ["int64", "float64"],
  pyarrow: ["int64", "double"],
  pandas: ["int64", "float64"],
};

for (const tool of ["duckdb", "polars", "pyarrow", "pandas"]) {
  testNeeding(
    ["python"],
    `${tool} reads the segments of a snapshot: every row once, bit for bit`,
    () =>
      withSnapshot(async ({ root, manifestUri, bars }) => {
        const seen = await python<Seen>("read_snapshot.py", [tool, root, manifestUri, ...PART.map(String)]);
        assert.equal(seen.rows, bars.ts.length);
        assert.deepEqual(seen.digests, await digestsOf(bars));
        assert.equal(seen.part, bars.ts.filter((ts) => ts >= PART[0] && ts < PART[1]).length);
        const [ts, value] = TYPES[tool];
        assert.deepEqual(seen.types, {
          ts,
          open: value,
          high: value,
          low: value,
          close: value,
          volume: value,
        });
        if (tool !== "pandas") assert.deepEqual(seen.hive, [["binance", "BTC/USDT", "1m"]]);
      }),
  );
}

testNeeding(
  ["python"],
  "the fingerprint of a snapshot can be recomputed from the page alone",
  () =>
    withSnapshot(async ({ root, manifestUri, fingerprint }) => {
      const recomputed = await python<{ fingerprint: string }>("recompute_fingerprint.py", [
        root,
        manifestUri,
      ]);
      assert.equal(recomputed.fingerprint, fingerprint);
      assert.ok(manifestUri.includes(NODE.split(":")[1]));
    }),
);
