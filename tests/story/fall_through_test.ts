/**
 * Slots that the hot store dropped are those of the newest snapshot (spec §9): every verb sees them as it did when the
 * hot store still had the rows, and nobody asks the venue for them.
 */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { HistoryError } from "../../src/core/errors.ts";
import type { ArtifactStore } from "../../src/core/ports.ts";
import type { Answer } from "../../src/core/service.ts";
import { refusal } from "../refusal.ts";
import { ScriptedVenue, valuesOf } from "./scripted_venue.ts";
import { FORMING, type Holdings, makeWorld, NODE, type Told, type World, type WorldOptions } from "./world.ts";

const MINUTE = 60;
const HOUR = 3_600;
const [START, END] = [FORMING - 6 * HOUR, FORMING - 2 * HOUR];
const PAST = { start: START, end: END };
/** Twenty minutes that the venue never had, in the middle. */
const HOLE = { start: START + 2 * HOUR, end: START + 2 * HOUR + 20 * MINUTE };

/** A venue with a hole in its history. */
function holed(world: World): void {
  world.venue.isAbsent = (ts) => ts >= HOLE.start && ts < HOLE.end;
}

/** The holdings of a machine that lost its hot store and kept its artifacts. */
async function afterLoss(world: World): Promise<Holdings> {
  const spare = await makeWorld();
  await spare.close();
  return { ...spare.holdings, artifacts: world.holdings.artifacts };
}

/** Fills and publishes PAST, loses the hot store, and goes on in a new process. */
async function lost(
  story: (then: World, before: { world: World; told: Told }) => Promise<void>,
  o: WorldOptions = {},
): Promise<void> {
  const world = await makeWorld();
  holed(world);
  await world.fill([START, END]);
  const told = await world.ask(PAST);
  await world.close();
  const then = await makeWorld({ ...o, holdings: await afterLoss(world) });
  holed(then);
  try {
    await story(then, { world, told });
  } finally {
    await then.close();
  }
}

/** What an answer says but for the time that it took and where its rows came from. */
function lasting({ sla: _sla, sources: _sources, ...told }: Told) {
  return told;
}

Deno.test("a read after the loss of the hot store tells what it told before, from the snapshot alone", () =>
  lost(async (then, { told }) => {
    const again = await then.ask(PAST);
    deepStrictEqual(lasting(again), lasting(told));
    strictEqual(again.fingerprint_scope, "snapshot");
    deepStrictEqual(again.sources, { cache: 0, snapshot: told.rows, storage: 0, backfill: 0, live: 0 });
    deepStrictEqual(again.gaps.map(({ start, end, reason }) => ({ start, end, reason })), [
      { ...HOLE, reason: "absent_at_source" },
    ]);
    strictEqual(then.venue.calls.length, 0);
  }));
