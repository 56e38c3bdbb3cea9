/**
 * Random lives of one node: requests, fills, time, a venue that fails, stalls, shows bars late and restates them. What
 * must hold of every answer is checked after each step; a seed that fails can be had again.
 */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { barsBetween } from "../../src/core/bar_frame.ts";
import { HistoryError } from "../../src/core/errors.ts";
import type { OnViolation, StrategyName } from "../../src/core/metadata.ts";
import type { FetchRequest } from "../../src/core/request.ts";
import { toRanges } from "../../src/core/time_range.ts";
import { SeededDice } from "../fake_clock.ts";
import { type Deed, unreachable, type Values, valuesOf } from "../story/scripted_venue.ts";
import { LosableBars } from "./losable_bars.ts";
import { compute, FORMING, inWorld, makeWorld, NODE, type Told, type World } from "../story/world.ts";

const SEEDS = Number(Deno.env.get("SEAMLESS_SEEDS") || 12);
const STEPS = 60;
const MINUTE = 60;
const STRATEGIES: StrategyName[] = ["FAIL_FAST", "AUTO_BACKFILL", "PARTIAL_FILL", "SEAMLESS"];
const POLICIES: OnViolation[] = ["FAIL_FAST", "PARTIAL_FILL", "HOLD"];
/** What a request may fail with here; anything else is a fault of ours. */
const EXPECTED = new Set([
  "COVERAGE_INCOMPLETE",
  "SLA_EXCEEDED",
  "EXCHANGE_UNAVAILABLE",
  "CONFORMANCE_BLOCKED",
]);
/** The total deadline of the blueprint, and the last look at storage. */
const LATEST_MS = 1_500 + 25;

/** A life: the venue's truth, and what was promised so far. Each act is done by one of several processes. */
class Life {
  readonly #worlds: World[];
  #world: World;
  readonly #dice: SeededDice;
  /** Every value that the venue has ever shown of a bar. */
  readonly #shown = new Map<number, Set<string>>();
  readonly #restated = new Map<number, number>();
  readonly #promises: { request: Partial<FetchRequest>; text: string }[] = [];
  #lastAsOf = "";
  readonly #bars: LosableBars | null;

  constructor(worlds: World[], seed: number, bars: LosableBars | null = null) {
    this.#bars = bars;
    this.#worlds = worlds;
    [this.#world] = worlds;
    this.#dice = new SeededDice(seed);
    const { venue } = this.#world;
    venue.isAbsent = (ts) => this.#isHole(ts) || this.#isLate(ts);
    venue.values = (ts) => this.#show(ts);
  }

  async step(): Promise<string> {
    this.#world = this.#pick(this.#worlds);
    const acts: [number, string, () => Promise<void>][] = [
      [10, "ask", () => this.#ask()],
      [3, "time", () => this.#world.clock.advance(this.#below(200) * 1_000)],
      [3, "fill", () => this.#fill(false)],
      [1, "refetch", () => this.#fill(true)],
      [2, "restate", () => Promise.resolve(this.#restate())],
      [3, "venue", () => Promise.resolve(this.#changeVenue())],
      [2, "backtest", () => this.#keepPromise()],
      [this.#bars === null ? 0 : 2, "loss", () => this.#lose()],
    ];
    let at = this.#below(acts.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, name, act] of acts) {
      if (at < weight) {
        await act();
        return name;
      }
      at -= weight;
    }
    throw new Error("unreachable: some act is drawn");
  }

  /** In the end the venue is well, and all that it has is had. */
  async end(): Promise<void> {
    this.#world.venue.deed = () => {};
    await this.#world.clock.advance(3_600_000);
    const range = [FORMING - 200 * MINUTE, FORMING] as const;
    await this.#world.fill(range);
    await this.#world.fill(range, { refetch: true });
    const told = await this.#world.ask({ start: range[0], end: range[1], strategy: "FAIL_FAST" });
    this.#check(told);
    const truth = Array.from({ length: 200 }, (_, i) => range[0] + i * MINUTE).filter((ts) =>
      !this.#isHole(ts)
    );
    deepStrictEqual([...told.frame.ts], truth);
    deepStrictEqual([...told.frame.close], truth.map((ts) => this.#values(ts)[3]));
    for (let i = 0; i < this.#promises.length; i++) await this.#keepPromise(i);
  }

  #below(n: number): number {
    return Math.floor(this.#dice.random() * n);
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#below(values.length)];
  }

  /** One bar in eleven never comes. */
  #isHole(ts: number): boolean {
    return (ts / MINUTE) % 11 === 3;
  }

  /** One in seven shows five minutes late. */
  #isLate(ts: number): boolean {
    return (ts / MINUTE) % 7 === 2 && this.#world.clock.nowMs() / 1000 < ts + 6 * MINUTE;
  }

  #values(ts: number): Values {
    return valuesOf(ts, this.#restated.get(ts) ?? 0);
  }

  #show(ts: number): Values {
    const values = this.#values(ts);
    const shown = this.#shown.get(ts) ?? new Set();
    this.#shown.set(ts, shown.add(values.join()));
    return values;
  }

  #restate(): void {
    const ts = FORMING - this.#below(200) * MINUTE;
    this.#restated.set(ts, (this.#restated.get(ts) ?? 0) + 1);
  }

  #changeVenue(): void {
    const { venue, clock } = this.#world;
    venue.deed = this.#pick([
      () => {},
      () => {},
      this.#stall,
      unreachable,
      (_call: unknown, signal: AbortSignal) => clock.sleep(this.#below(3_000), signal),
      (call: { seq: number }, signal: AbortSignal) =>
        call.seq % 3 === 0 ? unreachable(call as never, signal) : undefined,
    ]);
  }

  /** Nothing comes until the reply's own deadline. */
  readonly #stall: Deed = async (call, signal) => {
    await this.#world.clock.sleep(10_000, signal);
    await unreachable(call, signal);
  };

  #range(): Pick<FetchRequest, "start" | "end" | "last"> {
    if (this.#below(4) === 0) return { last: 1 + this.#below(30) };
    const start = FORMING - this.#below(200) * MINUTE - this.#below(MINUTE);
    return this.#below(4) === 0 ? { start } : { start, end: start + this.#below(60) * MINUTE };
  }

  async #ask(): Promise<void> {
    const { clock, venue } = this.#world;
    const calls = venue.calls.length;
    const began = clock.monotonicMs();
    const request = {
      ...this.#range(),
      strategy: this.#pick(STRATEGIES),
      sla: { on_violation: this.#pick(POLICIES), max_sync_gap_bars: this.#pick([null, null, 15]) },
    };
    try {
      const told = await this.#world.ask(request);
      this.#check(told);
      this.#promise(told);
    } catch (error) {
      if (!(error instanceof HistoryError) || !EXPECTED.has(error.code)) throw error;
    }
    ok(clock.monotonicMs() - began <= LATEST_MS, `answered after ${clock.monotonicMs() - began} ms`);
    for (const { range, atMs } of venue.calls.slice(calls)) {
      ok(range[1] <= atMs / 1000, `asked for [${range}) at ${atMs / 1000}, when it was not closed`);
    }
  }

  async #fill(refetch: boolean): Promise<void> {
    const start = FORMING - this.#below(200) * MINUTE;
    const spec = { nodes: [NODE], start, end: start + this.#below(40) * MINUTE, refetch };
    const { service, clock } = this.#world;
    const giveUp = new AbortController();
    const filling = service.fill(spec, { signal: giveUp.signal });
    const isStalled = this.#world.venue.deed === this.#stall;
    if (isStalled) {
      await clock.advance(1_000);
      giveUp.abort();
    }
    const { state } = await this.#world.settled(filling);
    ok(state !== "running" && state !== "queued", state);
  }

  /** The hot store loses all, or what is old; what was published is held all the same, and nobody is asked for it. */
  async #lose(): Promise<void> {
    // What is under way comes to rest first: a store does not lose what is being written.
    await this.#world.clock.advance(120_000);
    const from = this.#below(2) === 0 ? Infinity : FORMING - this.#below(200) * MINUTE;
    await this.#bars!.lose(NODE, from);
    const { service, venue } = this.#world;
    const { snapshots: [newest] } = await service.snapshots(NODE, { limit: 1 });
    if (newest === undefined) return;
    const published = await service.coverage(NODE, { asOf: newest.as_of });
    const held = await service.coverage(NODE);
    const lacks = compute.subtractRanges(toRanges(published.covered), toRanges(held.covered), {
      step: MINUTE,
    });
    deepStrictEqual([...lacks], []);
    const [start, end] = this.#pick(published.covered);
    const calls = venue.calls.length;
    const told = await this.#world.ask({ start, end, strategy: "FAIL_FAST" });
    deepStrictEqual([told.complete, venue.calls.length], [true, calls]);
    this.#check(told);
  }

  /** What holds of every answer. */
  #check(told: Told): void {
    const { frame, effective_range: [start, end] } = told;
    const slots = (end - start) / MINUTE;
    const missing = told.gaps.reduce((sum, gap) => sum + gap.bars, 0);
    deepStrictEqual([told.rows, told.rows + missing], [frame.ts.length, slots]);
    strictEqual(told.coverage_ratio, slots === 0 ? 1 : told.rows / slots);
    if (told.complete) ok(told.gaps.every(({ settled }) => settled));
    if (told.gaps.some(({ settled }) => !settled)) strictEqual(told.complete, false);
    for (let i = 0; i < frame.ts.length; i++) this.#checkRow(told, i);
    strictEqual(told.answer_fingerprint, slots === 0 ? null : this.#recomputed(told));
    ok(told.as_of === null || told.as_of >= this.#lastAsOf, `${told.as_of} after ${this.#lastAsOf}`);
    this.#lastAsOf = told.as_of ?? this.#lastAsOf;
    strictEqual(told.verdict.mode === "PASS", told.verdict.reasons.length === 0);
  }

  #checkRow({ frame, effective_range: [start, end] }: Told, i: number): void {
    const ts = frame.ts[i];
    ok(ts >= start && ts < end && ts % MINUTE === 0 && (i === 0 || ts > frame.ts[i - 1]), `row at ${ts}`);
    const values = [frame.open[i], frame.high[i], frame.low[i], frame.close[i], frame.volume[i]].join();
    ok(this.#shown.get(ts)?.has(values), `a bar at ${ts} that the venue never showed: ${values}`);
  }

  #recomputed(told: Told): string {
    const range = [told.effective_range[0], told.final_until] as const;
    const claims = { nodeId: NODE, grid: told.grid, range, conformanceVersion: "v2" };
    return compute.fingerprint(barsBetween(told.frame, ...range), claims).fingerprint;
  }

  /** An answer that names a snapshot promises that it can be had again. */
  #promise(told: Told): void {
    if (told.fingerprint_scope !== "snapshot") return;
    strictEqual(told.as_of !== null && told.snapshot !== null, true);
    const request = {
      start: told.effective_range[0],
      end: told.final_until,
      executionDomain: "backtest",
      asOf: told.as_of!,
    };
    const text = JSON.stringify([told.answer_fingerprint, told.dataset_fingerprint, told.as_of]);
    this.#promises.push({ request, text });
  }

  async #keepPromise(index = this.#below(this.#promises.length)): Promise<void> {
    const promise = this.#promises[index];
    if (promise === undefined) return;
    const again = await this.#world.ask(promise.request);
    strictEqual(
      JSON.stringify([again.answer_fingerprint, again.dataset_fingerprint, again.as_of]),
      promise.text,
      JSON.stringify(promise.request),
    );
  }
}

async function live(world: World, o: { seed: number; bars: LosableBars | null }): Promise<void> {
  const { clock, holdings } = world;
  const through = o.bars === null ? undefined : { bars: () => o.bars!.store };
  const other = await makeWorld({ clock, holdings, through, venues: () => world.venues });
  const life = new Life([world, other], o.seed, o.bars);
  const done: string[] = [];
  try {
    for (let step = 0; step < STEPS; step++) done.push(await life.step());
    await life.end();
  } catch (error) {
    throw new Error(
      `after ${done.length} steps, ${done.slice(-5).join(", ")}: ${(error as Error).message}`,
      { cause: error },
    );
  } finally {
    await other.close();
  }
}

for (let seed = 1; seed <= SEEDS; seed++) {
  Deno.test(`a random life of requests, fills and faults keeps every promise (seed ${seed})`, () =>
    inWorld({}, (world) => live(world, { seed, bars: null })));
  if (seed % 2 === 0) continue;
  Deno.test(`so does one whose hot store loses what it holds, now and then (seed ${seed})`, () => {
    const bars = new LosableBars();
    return inWorld({ through: { bars: () => bars.store } }, (world) => live(world, { seed, bars }));
  });
}
