/** What all leases must do: one holder of a key at a time, and generations that only rise (spec §14). */

import assert from "node:assert/strict";
import type { ErrorCode } from "../../src/core/errors.ts";
import { HistoryError } from "../../src/core/errors.ts";
import type { Lease, Leases } from "../../src/core/ports.ts";
import type { FakeClock } from "../fake_clock.ts";
import { holdTo } from "./promises.ts";

/** Leases without any lease, and their time. */
export interface LeasesUnderTest {
  leases: Leases;
  /** A second door to the same keys, as another process would have. */
  second: Leases;
  clock: FakeClock;
  /** Ends every holder without giving anything back, and opens anew: a crash and a restart a millisecond later. */
  restart(): Promise<Leases>;
  dispose(): Promise<void>;
}

type Check = (under: LeasesUnderTest) => Promise<void>;

const LEASE_MS = 120_000;
const KEY = "ohlcv:binance:BTC/USDT:1m|0|54000";

function failsWith(code: ErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof HistoryError && error.code === code && error.message.includes(KEY);
}

async function claimed(leases: Leases, key = KEY): Promise<Lease> {
  const outcome = await leases.claim(key, LEASE_MS);
  assert.ok("lease" in outcome, `${key} is held`);
  return outcome.lease;
}

const CHECKS: Record<string, Check> = {
  "claim() gives a free key for so long, under a token and a generation": async ({ leases, clock }) => {
    const lease = await claimed(leases);
    assert.equal(lease.key, KEY);
    assert.equal(lease.leaseUntilMs, clock.nowMs() + LEASE_MS);
    assert.equal(Number.isSafeInteger(lease.generation) && lease.generation > 0, true);
    assert.notEqual(lease.token, (await claimed(leases, "another key")).token);
  },
  "claim() of a held key says until when": async ({ leases, second }) => {
    const lease = await claimed(leases);
    const held = { held: { leaseUntilMs: lease.leaseUntilMs } };
    assert.deepEqual(await second.claim(KEY, LEASE_MS), held);
    assert.deepEqual(await leases.claim(KEY, LEASE_MS), held);
  },
  "claim() takes a key that ran out, under a higher generation": async ({ leases, second, clock }) => {
    const first = await claimed(leases);
    await clock.advance(LEASE_MS - 1);
    assert.ok("held" in await second.claim(KEY, LEASE_MS));
    await clock.advance(1);
    const next = await claimed(second);
    assert.equal(next.generation > first.generation, true);
    assert.notEqual(next.token, first.token);
  },
  "of fifty claims at once one wins": async ({ leases, second }) => {
    for (let round = 0; round < 5; round++) {
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? leases : second).claim(`key ${round}`, LEASE_MS)),
      );
      assert.equal(outcomes.filter((outcome) => "lease" in outcome).length, 1);
    }
  },
  "renew() moves the end, and the key stays taken": async ({ leases, second, clock }) => {
    const lease = await claimed(leases);
    await clock.advance(LEASE_MS / 2);
    const renewed = await leases.renew(lease, LEASE_MS);
    assert.deepEqual(renewed, { ...lease, leaseUntilMs: clock.nowMs() + LEASE_MS });
    await clock.advance(LEASE_MS / 2);
    assert.ok("held" in await second.claim(KEY, LEASE_MS));
    await second.renew(renewed, LEASE_MS);
  },
  "complete() and fail() give the key back at once, and generations go on rising": async (
    { leases, second },
  ) => {
    const first = await claimed(leases);
    await leases.complete(first);
    const next = await claimed(second);
    await second.fail(next, "EXCHANGE_UNAVAILABLE");
    const last = await claimed(leases);
    assert.equal(first.generation < next.generation && next.generation < last.generation, true);
  },
  "a lease that ran out is LEASE_LOST, claimed by others or not": async ({ leases, second, clock }) => {
    const lease = await claimed(leases);
    await clock.advance(LEASE_MS);
    for (const isTaken of [false, true]) {
      if (isTaken) await claimed(second);
      await assert.rejects(leases.renew(lease, LEASE_MS), failsWith("LEASE_LOST"));
      await assert.rejects(leases.complete(lease), failsWith("LEASE_LOST"));
      await assert.rejects(leases.fail(lease, "why"), failsWith("LEASE_LOST"));
    }
    assert.ok("held" in await leases.claim(KEY, LEASE_MS));
  },
  "a lease that nobody holds is LEASE_UNKNOWN": async ({ leases }) => {
    const never = { key: KEY, token: "0".repeat(32), generation: 1, leaseUntilMs: 1 };
    await assert.rejects(leases.renew(never, LEASE_MS), failsWith("LEASE_UNKNOWN"));
    await assert.rejects(leases.complete(never), failsWith("LEASE_UNKNOWN"));
    const lease = await claimed(leases);
    await leases.complete(lease);
    await assert.rejects(leases.complete(lease), failsWith("LEASE_UNKNOWN"));
    await assert.rejects(leases.fail({ ...lease, token: "" }, "why"), failsWith("LEASE_UNKNOWN"));
  },
  "another token than the holder's is LEASE_LOST, and changes nothing": async ({ leases }) => {
    const lease = await claimed(leases);
    const stranger = { ...lease, token: "f".repeat(32) };
    await assert.rejects(leases.renew(stranger, LEASE_MS), failsWith("LEASE_LOST"));
    await assert.rejects(leases.complete(stranger), failsWith("LEASE_LOST"));
    await leases.renew(lease, LEASE_MS);
  },
  "generations rise over a restart": async ({ leases, clock, restart }) => {
    const first = await claimed(leases);
    await leases.complete(first);
    const second = await claimed(leases);
    const reborn = await restart();
    await clock.advance(LEASE_MS);
    const third = await claimed(reborn);
    assert.equal(first.generation < second.generation && second.generation < third.generation, true);
  },
  "closed leases refuse work, and what they held stays held": async ({ leases, second }) => {
    const lease = await claimed(leases);
    await leases.close();
    await leases.close();
    const isRefused = (error: unknown) => error instanceof HistoryError && error.code === "CANCELLED";
    await assert.rejects(leases.claim("another key", LEASE_MS), isRefused);
    await assert.rejects(leases.renew(lease, LEASE_MS), isRefused);
    await assert.rejects(leases.list({ limit: 1 }), isRefused);
    if (second !== leases) assert.ok("held" in await second.claim(KEY, LEASE_MS));
  },
  "list() names what is held, ascending, page by page, never a token": async ({ leases, second, clock }) => {
    for (const key of ["b|2", "a|1", "b|1", "c%|1", "b_|1"]) await claimed(second, key);
    await leases.complete(await claimed(leases, "a|gone"));
    const keys = async (page: Parameters<Leases["list"]>[0]) =>
      (await leases.list(page)).map(({ key }) => key);
    assert.deepEqual(await keys({ limit: 10 }), ["a|1", "b_|1", "b|1", "b|2", "c%|1"]);
    assert.deepEqual(await keys({ limit: 2 }), ["a|1", "b_|1"]);
    assert.deepEqual(await keys({ limit: 2, after: "b_|1" }), ["b|1", "b|2"]);
    assert.deepEqual(await keys({ limit: 10, prefix: "b|" }), ["b|1", "b|2"]);
    assert.deepEqual(await keys({ limit: 10, prefix: "b_" }), ["b_|1"]);
    assert.deepEqual(await keys({ limit: 10, prefix: "%" }), []);
    const [row] = await leases.list({ limit: 1 });
    const known = { key: "a|1", generation: row.generation, claimedAtMs: clock.nowMs() };
    assert.deepEqual(row, { ...known, leaseUntilMs: clock.nowMs() + LEASE_MS });
    await clock.advance(LEASE_MS);
    assert.deepEqual(await keys({ limit: 10 }), []);
  },
};

/** Registers one test per promise of the port. `make` gives leases of which none is held. */
export function leasesContract(name: string, make: () => Promise<LeasesUnderTest>): void {
  holdTo(name, { promises: CHECKS, make });
}
