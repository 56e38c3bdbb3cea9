/** The `as_of` of live answers (spec §8, §11): strictly rising along a log, never lower than one given before. */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { FORMING, inWorld, makeWorld, NODE, type World } from "./world.ts";

const MINUTES = (count: number) => 60 * count;
const RANGE = { start: FORMING - MINUTES(60), end: FORMING - MINUTES(30) };

/** Publishes one more snapshot. */
async function publishMore(world: World, windows: number): Promise<void> {
  await world.fill([RANGE.start - MINUTES(10 * windows), RANGE.end]);
}

Deno.test("as_of is null until something is published, then that of the newest snapshot", () =>
  inWorld({}, async (world) => {
    strictEqual((await world.ask({ ...RANGE, strategy: "PARTIAL_FILL" })).as_of, null);
    await world.clock.advance(1_000);
    const told = await world.ask(RANGE);
    deepStrictEqual([told.as_of, told.snapshot!.seq], ["2024-01-02T00:00:30.000Z", 1]);
    await world.clock.advance(5_000);
    await publishMore(world, 1);
    const next = await world.ask(RANGE);
    deepStrictEqual([next.as_of, next.snapshot!.seq], ["2024-01-02T00:00:36.000Z", 2]);
    deepStrictEqual(next.answer_fingerprint, told.answer_fingerprint);
  }));

Deno.test("an answer that waited for its fill names the snapshot that came of it", () =>
  inWorld({}, async (world) => {
    const told = await world.ask(RANGE);
    deepStrictEqual([told.fingerprint_scope, told.snapshot!.seq], ["snapshot", 1]);
    strictEqual(told.dataset_fingerprint, told.answer_fingerprint);
  }));

Deno.test("as_of strictly rises along a log though the clock stands still or goes back", () =>
  inWorld({}, async (world) => {
    await world.ask(RANGE);
    await publishMore(world, 1);
    world.clock.setWall(Date.UTC(2024, 0, 2, 0, 0, 20));
    await publishMore(world, 2);
    const { snapshots } = await world.service.snapshots(NODE, { limit: 10 });
    deepStrictEqual(snapshots.map(({ seq, as_of }) => [seq, as_of]), [
      [3, "2024-01-02T00:00:30.002Z"],
      [2, "2024-01-02T00:00:30.001Z"],
      [1, "2024-01-02T00:00:30.000Z"],
    ]);
  }));

Deno.test("asking the same again publishes nothing and moves no as_of", () =>
  inWorld({}, async (world) => {
    const first = await world.ask(RANGE);
    await world.clock.advance(600_000);
    await world.fill([RANGE.start, RANGE.end]);
    const { published, unchanged } = await world.settled(world.service.publish([NODE]));
    deepStrictEqual([published.length, unchanged.map(({ seq }) => seq)], [0, [1]]);
    deepStrictEqual((await world.ask(RANGE)).as_of, first.as_of);
  }));

Deno.test("as_of never goes back for a world and a node, over a restart, though the snapshots are gone", () =>
  inWorld({}, async (world) => {
    await world.ask(RANGE);
    await world.clock.advance(5_000);
    await publishMore(world, 1);
    const given = (await world.ask(RANGE)).as_of!;
    const again = await makeWorld({ clock: world.clock, holdings: world.holdings });
    strictEqual((await again.ask(RANGE)).as_of, given);
    await again.close();

    const { artifacts: _gone, ...kept } = world.holdings;
    const elsewhere = await makeWorld({ clock: world.clock });
    const bare = await makeWorld({
      clock: world.clock,
      holdings: { ...kept, artifacts: elsewhere.holdings.artifacts },
    });
    const told = await bare.ask(RANGE);
    deepStrictEqual([told.as_of, told.fingerprint_scope, told.snapshot], [given, "answer", null]);
    world.clock.setWall(Date.parse(given) - 4_000);
    await bare.fill([RANGE.start - MINUTES(30), RANGE.end]);
    const rolled = await bare.ask(RANGE);
    ok(Date.parse(rolled.as_of!) >= Date.parse(given), rolled.as_of!);
    strictEqual(rolled.fingerprint_scope, "answer");
    await bare.close();
    await elsewhere.close();
  }));

Deno.test("each world has its own as_of; what one was given binds no other", () =>
  inWorld({}, async (world) => {
    const first = await world.ask({ ...RANGE, worldId: "a" });
    await world.clock.advance(5_000);
    await publishMore(world, 1);
    const b = await world.ask({ ...RANGE, worldId: "b" });
    ok(b.as_of! > first.as_of!);
    strictEqual(await world.holdings.asOf.last("a", NODE), Date.parse(first.as_of!));
    strictEqual(await world.holdings.asOf.last("b", NODE), Date.parse(b.as_of!));
  }));

Deno.test("two services on one store: neither is given an as_of that is lower than what the other gave", () =>
  inWorld({}, async (world) => {
    const other = await makeWorld({ clock: world.clock, holdings: world.holdings });
    await world.ask(RANGE);
    await other.ask(RANGE);
    await world.clock.advance(10);
    await publishMore(world, 1);
    const [mine, theirs] = [await world.ask(RANGE), await other.ask(RANGE)];
    deepStrictEqual([theirs.as_of, theirs.snapshot], [mine.as_of, mine.snapshot]);
    await other.close();
  }));

Deno.test("a caller's as_of is a floor: reached, it passes; higher than the answer's, or lower than the recorded one, it holds", () =>
  inWorld({}, async (world) => {
    const asked = { ...RANGE, executionDomain: "live" };
    const first = (await world.ask(asked)).as_of!;
    const verdict = async (asOf: string) => (await world.ask({ ...asked, asOf })).verdict;
    deepStrictEqual(await verdict(first), { mode: "PASS", reasons: [] });
    deepStrictEqual(await verdict("2024-01-02T00:00:30.001Z"), {
      mode: "HOLD",
      reasons: ["as_of_regression"],
    });
    deepStrictEqual(await verdict("2024-01-02T00:00:29.999Z"), {
      mode: "HOLD",
      reasons: ["as_of_regression"],
    });
    const held = await world.ask({ ...asked, asOf: "2030-01-01T00:00:00Z" });
    deepStrictEqual([held.rows, held.requested_as_of], [30, "2030-01-01T00:00:00.000Z"]);
    strictEqual(held.as_of, first);
  }));

Deno.test("an instant is compared, not its text: another offset names the same floor", () =>
  inWorld({}, async (world) => {
    const asked = { ...RANGE, executionDomain: "live" };
    strictEqual((await world.ask(asked)).as_of, "2024-01-02T00:00:30.000Z");
    const told = await world.ask({ ...asked, asOf: "2024-01-02T01:00:30+01:00" });
    deepStrictEqual([told.verdict.mode, told.requested_as_of], ["PASS", "2024-01-02T00:00:30.000Z"]);
  }));

Deno.test("a floor before anything is published holds", () =>
  inWorld({ config: { seamless: { artifact: { publish_fingerprint: false } } } }, async (world) => {
    const told = await world.ask({ ...RANGE, executionDomain: "live", asOf: "2024-01-01T00:00:00.000Z" });
    deepStrictEqual(told.verdict, { mode: "HOLD", reasons: ["as_of_regression"] });
  }));
