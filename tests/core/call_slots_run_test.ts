import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { CallSlots } from "../../src/core/call_slots.ts";
import type { Priority } from "../../src/core/ports.ts";
import { turn } from "../fake_clock.ts";
import { rejection } from "../refusal.ts";

/** Work that ends when the test says so. */
function desk(places: number) {
  const slots = new CallSlots(places);
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const start = (name: string, priority: Priority, signal = new AbortController().signal) =>
    slots.run({ priority, signal }, () => {
      begun.push(name);
      return new Promise<string>((resolve) => ends.set(name, () => resolve(name)));
    });
  const end = async (name: string) => {
    ends.get(name)!();
    await turn();
  };
  return { slots, begun, start, end };
}

Deno.test("no more work than places runs at once", async () => {
  const { begun, start, end } = desk(2);
  const all = [start("a", "backfill"), start("b", "backfill"), start("c", "backfill")];
  await turn();
  deepStrictEqual(begun, ["a", "b"]);
  await end("b");
  deepStrictEqual(begun, ["a", "b", "c"]);
  await end("a");
  await end("c");
  deepStrictEqual(await Promise.all(all), ["a", "b", "c"]);
});

Deno.test("live goes before dryrun before backfill, and within one priority the first that came", async () => {
  const { begun, start, end } = desk(1);
  const all = [
    start("first", "backfill"),
    start("b1", "backfill"),
    start("d1", "dryrun"),
    start("l1", "live"),
    start("b2", "backfill"),
    start("l2", "live"),
    start("d2", "dryrun"),
  ];
  for (const name of ["first", "l1", "l2", "d1", "d2", "b1", "b2"]) {
    await turn();
    strictEqual(begun.at(-1), name);
    await end(name);
  }
  await Promise.all(all);
});

Deno.test("whoever gives up while waiting leaves the queue, and the next in line is not held up", async () => {
  const { begun, start, end } = desk(1);
  const abort = new AbortController();
  const first = start("first", "backfill");
  const given = rejection(start("given up", "live", abort.signal));
  const last = start("last", "backfill");
  await turn();
  abort.abort();
  strictEqual((await given).code, "CANCELLED");
  await end("first");
  deepStrictEqual(begun, ["first", "last"]);
  await end("last");
  await Promise.all([first, last]);
});

Deno.test("a place comes back whatever becomes of the work", async () => {
  const slots = new CallSlots(1);
  const signal = new AbortController().signal;
  const bug = new Error("a bug");
  for (let i = 0; i < 3; i++) {
    await rejects(slots.run({ priority: "live", signal }, () => Promise.reject(bug)), bug);
  }
  strictEqual(await slots.run({ priority: "live", signal }, () => Promise.resolve("ran")), "ran");
});

Deno.test("a signal that has fired before takes no place", async () => {
  const { begun, start, end } = desk(1);
  strictEqual((await rejection(start("late", "live", AbortSignal.abort()))).code, "CANCELLED");
  const next = start("next", "live");
  await turn();
  deepStrictEqual(begun, ["next"]);
  await end("next");
  await next;
});

Deno.test("a signal that fires when the work runs already takes nobody's place away", async () => {
  const { begun, start, end } = desk(1);
  const abort = new AbortController();
  const holder = start("holder", "live");
  const second = start("second", "live", abort.signal);
  await turn();
  await end("holder");
  abort.abort();
  const third = start("third", "live");
  await turn();
  deepStrictEqual(begun, ["holder", "second"]);
  await end("second");
  await end("third");
  await Promise.all([holder, second, third]);
});
