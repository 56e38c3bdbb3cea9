/** What `readyz` and `doctor` find, part by part. */

import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { createMemoryArtifacts } from "../../src/adapters/artifact_store/memory.ts";
import { MemoryBarStore } from "../../src/adapters/bar_store/memory.ts";
import { HistoryError } from "../../src/core/errors.ts";
import { Health, type HealthParts } from "../../src/history/health.ts";
import { FakeClock } from "../fake_clock.ts";
import { ScriptedVenue, ScriptedVenues } from "../story/scripted_venue.ts";

function healthOf(o: Partial<HealthParts> & { skewMs?: number } = {}): Health {
  const { skewMs, ...parts } = o;
  return new Health({
    store: new MemoryBarStore({ generationOf: () => 0 }),
    artifacts: createMemoryArtifacts(),
    exchanges: new ScriptedVenues([new ScriptedVenue({ clock: new FakeClock(0), skewMs })]),
    configured: [],
    golden: () => true,
    warnings: [],
    ...parts,
  });
}

/** A store whose probe fails. */
function broken<T extends { probe(): Promise<void> }>(store: T, error: Error): T {
  return Object.assign(store, { probe: () => Promise.reject(error) });
}

Deno.test("a service is ready where its stores take writes and the core hashes as the host does", async () => {
  const { ready, checks } = await healthOf().ready();
  strictEqual(ready, true);
  deepStrictEqual(checks.map(({ name, ok }) => [name, ok]), [
    ["bar store", true],
    ["artifact store", true],
    ["wasm golden", true],
  ]);
});

Deno.test("a store that takes no write, or a core that hashes otherwise, makes a service not ready, and says the way out", async () => {
  const away = new HistoryError("STORE_UNAVAILABLE", "Cannot write bars.db: the disk is full", {
    hint: "Make room",
  });
  const cases: [string, Partial<HealthParts>][] = [
    ["bar store", { store: broken(new MemoryBarStore({ generationOf: () => 0 }), away) }],
    ["artifact store", { artifacts: broken(createMemoryArtifacts(), away) }],
    ["wasm golden", { golden: () => false }],
  ];
  for (const [name, parts] of cases) {
    const { ready, checks } = await healthOf(parts).ready();
    strictEqual(ready, false, name);
    const [bad, ...others] = checks.filter((check) => !check.ok);
    deepStrictEqual([bad.name, others], [name, []]);
    ok(bad.message.length > 10 && bad.hint!.length > 5);
  }
});

Deno.test("a failure that nobody expects is no finding but a fault", () =>
  rejects(
    healthOf({ artifacts: broken(createMemoryArtifacts(), new TypeError("a bug")) }).ready(),
    TypeError,
  ));

Deno.test("doctor looks at the configuration's warnings, and at the clock against each venue that is configured", async () => {
  const warned = await healthOf({ warnings: ["sla: short"], configured: ["binance"] }).doctor();
  deepStrictEqual(warned.checks.map(({ name, ok }) => [name, ok]), [
    ["config", true],
    ["bar store", true],
    ["artifact store", true],
    ["wasm golden", true],
    ["clock of binance", true],
  ]);
  match(warned.checks[0].message, /sla: short/);
  for (
    const [skewMs, fine, words] of [[5_000, true, "ahead by 5000"], [
      -5_001,
      false,
      "behind by 5001",
    ]] as const
  ) {
    const { ok: all, checks } = await healthOf({ skewMs, configured: ["binance"] }).doctor();
    const clock = checks.at(-1)!;
    deepStrictEqual([all, clock.ok], [fine, fine]);
    ok(clock.message.includes(words), clock.message);
  }
  const unknown = await healthOf({ configured: ["binanse"] }).doctor();
  deepStrictEqual([unknown.ok, unknown.checks.at(-1)!.hint], [false, "Did you mean binance?"]);
});
