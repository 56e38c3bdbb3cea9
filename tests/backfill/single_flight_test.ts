import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { type Fly, raceSignal, SingleFlight } from "../../src/backfill/single_flight.ts";
import { cancelled, HistoryError } from "../../src/core/errors.ts";
import { FakeClock, turn } from "../fake_clock.ts";
import { rejection } from "../refusal.ts";

const TTL_MS = 60_000;

/** Flights that land when the test says so. */
function airport() {
  const clock = new FakeClock();
  const flights = new SingleFlight<string>({ clock, ttlMs: TTL_MS });
  const flown: {
    signal: AbortSignal;
    progress: () => void;
    waiting: () => void;
    land: (value: string) => void;
  }[] = [];
  const fly: Fly<string> = ({ signal, progress, waiting }) =>
    new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      flown.push({ signal, progress, waiting, land: resolve });
    });
  return { clock, flights, flown, fly };
}

Deno.test("whoever asks for one key at once shares one flight", async () => {
  const { flights, flown, fly } = airport();
  const rides = Array.from({ length: 100 }, () => flights.ride("k", fly));
  const other = flights.ride("other", fly);
  await turn();
  strictEqual(flown.length, 2);
  strictEqual(flights.size, 2);
  flown[0].land("bars");
  flown[1].land("more");
  const results = await Promise.all(rides);
  deepStrictEqual(results.map(({ value }) => value), Array(100).fill("bars"));
  deepStrictEqual(results.filter(({ shared }) => !shared).length, 1);
  strictEqual((await other).value, "more");
  strictEqual(flights.size, 0);
});

Deno.test("a key that has landed flies again", async () => {
  const { flights, flown, fly } = airport();
  for (const value of ["one", "two"]) {
    const ride = flights.ride("k", fly);
    await turn();
    flown.at(-1)!.land(value);
    deepStrictEqual(await ride, { value, shared: false });
  }
});

Deno.test("a flight's failure reaches every rider, and the next one flies anew", async () => {
  const { flights } = airport();
  const failure = new HistoryError("EXCHANGE_UNAVAILABLE", "away", { hint: "wait" });
  let flown = 0;
  const fly: Fly<string> = () => Promise.reject(failure).finally(() => flown++);
  const rides = [flights.ride("k", fly), flights.ride("k", fly)];
  for (const ride of rides) strictEqual(await rejection(ride), failure);
  strictEqual(flown, 1);
  strictEqual((await flights.ride("k", () => Promise.resolve("back"))).value, "back");
});

Deno.test("one rider's cancellation ends that rider's wait alone", async () => {
  const { flights, flown, fly } = airport();
  const abort = new AbortController();
  const leaver = rejection(flights.ride("k", fly, abort.signal));
  const stayer = flights.ride("k", fly);
  await turn();
  abort.abort();
  strictEqual((await leaver).code, "CANCELLED");
  strictEqual(flown[0].signal.aborted, false);
  flown[0].land("bars");
  strictEqual((await stayer).value, "bars");
});

Deno.test("a flight that nobody waits for any more is ended, and whoever comes next is not ended with it", async () => {
  const { flights, flown } = airport();
  // A flight that takes its time to land when it is told to end.
  const slow: Fly<string> = ({ signal, progress, waiting }) =>
    new Promise((resolve, reject) => {
      flown.push({
        signal,
        progress,
        waiting,
        land: (value) => signal.aborted ? reject(signal.reason) : resolve(value),
      });
    });
  const abort = new AbortController();
  const ride = rejection(flights.ride("k", slow, abort.signal));
  await turn();
  abort.abort();
  await ride;
  strictEqual(flown[0].signal.aborted, true);
  const next = flights.ride("k", slow);
  await turn();
  strictEqual(flown.length, 2);
  flown[0].land("too late");
  flown[1].land("bars");
  deepStrictEqual(await next, { value: "bars", shared: false });
});

Deno.test("a flight without progress for the ttl is given up: its riders are told, the next one flies anew", async () => {
  const { clock, flights, flown } = airport();
  // It does not even hear its signal.
  const deaf: Fly<string> = ({ signal, progress, waiting }) =>
    new Promise((resolve) => flown.push({ signal, progress, waiting, land: resolve }));
  const first = rejection(flights.ride("k", deaf));
  await clock.advance(TTL_MS - 1);
  flown[0].progress();
  await clock.advance(TTL_MS);
  const joined = rejection(flights.ride("k", deaf));
  await turn();
  strictEqual(flown.length, 1, "progress within the ttl keeps it alive");
  await clock.advance(1);
  const next = flights.ride("k", deaf);
  for (const ride of [first, joined]) {
    const error = await ride;
    strictEqual(error.code, "EXCHANGE_UNAVAILABLE");
    strictEqual(error.message.includes("no progress"), true);
  }
  strictEqual(flown[0].signal.aborted, true);
  flown[1].land("bars");
  deepStrictEqual(await next, { value: "bars", shared: false });
  flown[0].land("");
});

Deno.test("a flight that waits its turn is not given up, however long that takes", async () => {
  const { clock, flights, flown, fly } = airport();
  const first = flights.ride("k", fly);
  await turn();
  flown[0].waiting();
  await clock.advance(10 * TTL_MS);
  const second = flights.ride("k", fly);
  await turn();
  strictEqual(flown.length, 1);
  flown[0].progress();
  await clock.advance(TTL_MS + 1);
  const third = flights.ride("k", fly);
  const told = [rejection(first), rejection(second)];
  await turn();
  strictEqual(flown.length, 2);
  await Promise.all(told);
  flown[1].land("bars");
  await third;
});

Deno.test("a rider that has given up before takes no seat and starts nothing", async () => {
  const { flights, flown, fly } = airport();
  strictEqual((await rejection(flights.ride("k", fly, AbortSignal.abort()))).code, "CANCELLED");
  await turn();
  deepStrictEqual([flown.length, flights.size], [0, 0]);
});

Deno.test("close() ends every flight and waits until each has landed", async () => {
  const { flights, flown } = airport();
  const slow: Fly<string> = ({ signal, progress, waiting }) =>
    new Promise((_, reject) => flown.push({ signal, progress, waiting, land: () => reject(signal.reason) }));
  const rides = ["a", "b"].map((key) => rejection(flights.ride(key, slow)));
  await turn();
  let closed = false;
  const closing = flights.close().then(() => void (closed = true));
  for (const ride of rides) strictEqual((await ride).code, "CANCELLED");
  await turn();
  strictEqual(closed, false);
  for (const { land } of flown) land("");
  await closing;
  strictEqual(flights.size, 0);
});

Deno.test("raceSignal() ends with its signal, and a failure after that disturbs nobody", async () => {
  const abort = new AbortController();
  let fail: (error: Error) => void = () => {};
  const work = new Promise<never>((_, reject) => fail = reject);
  const raced = rejection(raceSignal(work, abort.signal));
  const why = cancelled("The request");
  abort.abort(why);
  strictEqual(await raced, why);
  fail(new Error("nobody waits for this"));
  await turn();
  strictEqual((await rejection(raceSignal(new Promise(() => {}), AbortSignal.abort()))).code, "CANCELLED");
  strictEqual(await raceSignal(Promise.resolve(5)), 5);
  strictEqual(await raceSignal(Promise.resolve(6), new AbortController().signal), 6);
});
