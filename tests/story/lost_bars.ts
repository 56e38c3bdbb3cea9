/** A node that was filled and published, and whose hot store was lost then; its artifacts are all that is left. */

import type { ArtifactStore } from "../../src/core/ports.ts";
import { encodeRows } from "../../src/core/stored_chunk.ts";
import { FORMING, type Holdings, makeWorld, type Told, type World, type WorldOptions } from "./world.ts";

export const MINUTE = 60;
export const HOUR = 3_600;
export const DAY = 86_400;
export const [START, END] = [FORMING - 6 * HOUR, FORMING - 2 * HOUR];
export const PAST = { start: START, end: END };
export const SLOTS = (END - START) / MINUTE;
/** Twenty minutes that the venue never had, in the middle. */
export const HOLE = { start: START + 2 * HOUR, end: START + 2 * HOUR + 20 * MINUTE };

/** A venue with a hole in its history. */
export function holed(world: World): void {
  world.venue.isAbsent = (ts) => ts >= HOLE.start && ts < HOLE.end;
}

/** The holdings of a machine that lost its hot store and kept its artifacts. */
export async function afterLoss(world: World): Promise<Holdings> {
  const spare = await makeWorld();
  await spare.close();
  return { ...spare.holdings, artifacts: world.holdings.artifacts };
}

export interface Before {
  world: World;
  told: Told;
  puts: string[];
}

/** Fills and publishes PAST, loses the hot store, and goes on in a new process. */
export async function lost(
  story: (then: World, before: Before) => Promise<void>,
  o: WorldOptions = {},
): Promise<void> {
  const world = await makeWorld();
  holed(world);
  await world.fill([START, END]);
  const told = await world.ask(PAST);
  await world.close();
  const puts: string[] = [];
  const artifacts = o.through?.artifacts ?? ((store: ArtifactStore) => store);
  const then = await makeWorld({
    ...o,
    holdings: await afterLoss(world),
    through: { ...o.through, artifacts: (store, clock) => watched(artifacts(store, clock), puts) },
  });
  holed(then);
  try {
    await story(then, { world, told, puts });
  } finally {
    await then.close();
  }
}

/** An artifact store whose writes are told. */
function watched(store: ArtifactStore, puts: string[]): ArtifactStore {
  return instead(store, {
    putIfAbsent: (key, bytes) => {
      puts.push(key);
      return store.putIfAbsent(key, bytes);
    },
  });
}

export function instead(store: ArtifactStore, ways: Partial<ArtifactStore>): ArtifactStore {
  return new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(ways, name) ?? Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** What an answer says but for the time that it took and where its rows came from. */
export function lasting({ sla: _sla, sources: _sources, frame, ...told }: Told) {
  return { ...told, rowBytes: encodeRows(frame) };
}

export function unreadable(world: World): number {
  return world.logged.filter(({ event }) => event === "seamless.artifact.unreadable").length;
}
