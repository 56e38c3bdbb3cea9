import assert from "node:assert/strict";
import { at, onVenue } from "./stand.ts";

const START = at("2024-01-01T00:00:00Z");

Deno.test("at most local_semaphore calls of a venue are under way, and all come to their end", async () => {
  await onVenue(
    "binance",
    { now: "2024-02-01T00:00:30Z", settings: { localSemaphore: 2 } },
    async (stand) => {
      await stand.exchange.market("BTC/USDT");
      let underWay = 0;
      let most = 0;
      const granted = stand.limiter.acquire.bind(stand.limiter);
      stand.limiter.acquire = async (request) => {
        // The slot is taken before tokens are asked for, so whoever asks here holds one.
        most = Math.max(most, ++underWay);
        await granted(request);
        for (let turn = 0; turn < 20; turn++) await Promise.resolve();
        underWay--;
      };
      const asks = Array.from(
        { length: 6 },
        (_, i) =>
          stand.exchange.fetchBars(stand.ask({ range: [START + i * 54_000, START + (i + 1) * 54_000] })),
      );
      const replies = await Promise.all(asks);
      assert.deepEqual(
        replies.map((reply) => reply.columns.ts.length >= 900),
        Array(6).fill(true),
      );
      assert.equal(most, 2);
    },
  );
});

Deno.test("a call that is given up while it waits for a slot leaves the others theirs", async () => {
  await onVenue(
    "binance",
    { now: "2024-02-01T00:00:30Z", settings: { localSemaphore: 1 } },
    async (stand) => {
      await stand.exchange.market("BTC/USDT");
      const stop = new AbortController();
      const range = (i: number): [number, number] => [START + i * 54_000, START + (i + 1) * 54_000];
      const first = stand.exchange.fetchBars(stand.ask({ range: range(0) }));
      const givenUp = stand.exchange.fetchBars(stand.ask({ range: range(1), signal: stop.signal }));
      const third = stand.exchange.fetchBars(stand.ask({ range: range(2) }));
      stop.abort();
      await assert.rejects(givenUp, { code: "CANCELLED" });
      assert.equal((await first).columns.ts.length >= 900, true);
      assert.equal((await third).columns.ts.length >= 900, true);
    },
  );
});
