/** What every artifact store must do, whatever it is made of. */

import assert from "node:assert/strict";
import { HistoryError } from "../../src/core/errors.ts";
import type { ArtifactStore } from "../../src/core/ports.ts";
import { holdTo } from "./promises.ts";

const RACERS = 50;

/** A store to test, made new for each test, and how to throw it away. */
export interface StoreUnderTest {
  store: ArtifactStore;
  /** A second door to the same objects, as another process would have. */
  second: ArtifactStore;
  dispose(): Promise<void>;
}

type Check = (under: StoreUnderTest) => Promise<void>;

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array | null) => bytes === null ? null : new TextDecoder().decode(bytes);

const CHECKS: Record<string, Check> = {
  "get() gives back what was put, whole and in parts": async ({ store }) => {
    assert.equal(await store.putIfAbsent("a/b=1/c.bin", bytesOf("0123456789")), true);
    assert.equal(textOf(await store.get("a/b=1/c.bin")), "0123456789");
    assert.equal(textOf(await store.get("a/b=1/c.bin", { start: 2, end: 5 })), "234");
    assert.equal(textOf(await store.get("a/b=1/c.bin", { start: 0, end: 10 })), "0123456789");
    assert.equal(await store.size("a/b=1/c.bin"), 10);
  },
  "get() cuts a range at the end of the object": async ({ store }) => {
    await store.putIfAbsent("short", bytesOf("abc"));
    assert.equal(textOf(await store.get("short", { start: 1, end: 99 })), "bc");
    assert.equal(textOf(await store.get("short", { start: 50, end: 99 })), "");
  },
  "get() and size() answer null for what is not there": async ({ store }) => {
    await store.putIfAbsent("there/inside", bytesOf("x"));
    const endless = "a".repeat(300);
    for (
      const key of ["absent", "there", "there/other", "there/inside/deeper", endless, `there/${endless}/x`]
    ) {
      assert.equal(await store.get(key), null, key);
      assert.equal(await store.get(key, { start: 0, end: 1 }), null, key);
      assert.equal(await store.size(key), null, key);
      if (key !== "there") assert.deepEqual(await Array.fromAsync(store.list(`${key}/`)), [], key);
    }
  },
  "an object of no bytes is an object": async ({ store }) => {
    assert.equal(await store.putIfAbsent("empty", new Uint8Array(0)), true);
    assert.equal(await store.size("empty"), 0);
    assert.equal(await store.putIfAbsent("empty", bytesOf("x")), false);
  },
  "putIfAbsent() keeps the first object and says so": async ({ store, second }) => {
    assert.equal(await store.putIfAbsent("log/1", bytesOf("first")), true);
    assert.equal(await store.putIfAbsent("log/1", bytesOf("again")), false);
    assert.equal(await second.putIfAbsent("log/1", bytesOf("other")), false);
    assert.equal(textOf(await second.get("log/1")), "first");
  },
  [`of ${RACERS} writers of one key exactly one wins`]: async ({ store, second }) => {
    for (let round = 0; round < 5; round++) {
      const outcomes = await Promise.all(
        Array.from(
          { length: RACERS },
          (_, i) => (i % 2 === 0 ? store : second).putIfAbsent(`race/${round}`, bytesOf(`writer ${i}`)),
        ),
      );
      assert.equal(outcomes.filter((won) => won).length, 1);
      assert.equal(textOf(await store.get(`race/${round}`)), `writer ${outcomes.indexOf(true)}`);
    }
  },
  "what the caller does to its bytes afterwards changes nothing": async ({ store }) => {
    const bytes = bytesOf("mine");
    await store.putIfAbsent("copy", bytes);
    bytes.fill(0);
    const read = await store.get("copy");
    assert.equal(textOf(read), "mine");
    read!.fill(0);
    assert.equal(textOf(await store.get("copy")), "mine");
  },
  "list() names the keys below a prefix, ascending part by part": async ({ store }) => {
    for (const key of ["n/b/2", "n/b/1", "n/a%2F/9", "n/a", "o/x", "n/a-b/1"]) {
      await store.putIfAbsent(key.replace("n/a", "n/f"), bytesOf(key));
    }
    assert.deepEqual(await Array.fromAsync(store.list("n/")), [
      "n/b/1",
      "n/b/2",
      "n/f",
      "n/f%2F/9",
      "n/f-b/1",
    ]);
    assert.deepEqual(await Array.fromAsync(store.list("n/b/")), ["n/b/1", "n/b/2"]);
    assert.deepEqual(await Array.fromAsync(store.list("nothing/")), []);
    assert.equal((await Array.fromAsync(store.list(""))).length, 6);
  },
  "keys that could leave the store are refused": async ({ store }) => {
    for (const key of ["", "/a", "a/", "a//b", "..", "a/../b", "a/./b", ".hidden", "a\\b", "a\0b", "a/.b"]) {
      await assert.rejects(store.get(key), TypeError, key);
      await assert.rejects(store.size(key), TypeError, key);
      await assert.rejects(store.putIfAbsent(key, bytesOf("x")), TypeError, key);
    }
    await assert.rejects(Array.fromAsync(store.list("../")), TypeError);
    await assert.rejects(Array.fromAsync(store.list("a")), TypeError);
  },
  "the longest node's keys fit": async ({ store }) => {
    const key = `ohlcv/exchange=binance/symbol=${"A".repeat(180)}%2FUSDT/timeframe=1m/log/000000000001.json`;
    assert.equal(await store.putIfAbsent(key, bytesOf("x")), true);
    assert.equal(textOf(await store.get(key)), "x");
  },
  "probe() leaves nothing behind that list() would name": async ({ store }) => {
    await store.probe();
    assert.deepEqual(await Array.fromAsync(store.list("")), []);
  },
  "skewMs() is the distance of two clocks": async ({ store }) => {
    assert.equal(Number.isFinite(await store.skewMs()), true);
    assert.deepEqual(await Array.fromAsync(store.list("")), []);
  },
  "a closed store refuses work": async ({ store }) => {
    await store.close();
    const refused = (error: unknown) => error instanceof HistoryError && error.code === "CANCELLED";
    await assert.rejects(store.get("a"), refused);
    await assert.rejects(store.putIfAbsent("a", bytesOf("x")), refused);
    await assert.rejects(store.probe(), refused);
  },
};

/** Registers one test per promise of the port. `make` gives an empty store. */
export function artifactStoreContract(name: string, make: () => Promise<StoreUnderTest>): void {
  holdTo(name, { promises: CHECKS, make });
}
