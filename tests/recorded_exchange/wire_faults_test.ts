import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { RecordedExchange } from "../../scripts/recorded_exchange/mod.ts";
import { ask, FORMING, HOUR, klines, klinesUrl, MINUTE, NOW, withExchange } from "./asking.ts";
import { systemClock } from "../../src/adapters/system.ts";

const BARS = "/binance/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=100";

/** Fetches until the client's own deadline; tells what came until then. */
async function impatient(exchange: RecordedExchange): Promise<{ headers: boolean; text: string }> {
  const stop = new AbortController();
  const deadline = setTimeout(() => stop.abort(), 60);
  let text = "";
  let headers = false;
  try {
    const response = await fetch(klinesUrl(exchange, { limit: 100 }), { signal: stop.signal });
    headers = true;
    const decoder = new TextDecoder();
    for await (const chunk of response.body!) text += decoder.decode(chunk, { stream: true });
    throw new Error("the reply ended");
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    clearTimeout(deadline);
  }
  return { headers, text };
}

Deno.test("latency delays a whole reply by real time, and only the calls it strikes", async () => {
  await withExchange({ faults: [{ kind: "latency", ms: 40, match: { nth: 2 } }] }, async (exchange) => {
    equal((await klines(exchange, { limit: 5 })).length, 5);
    const before = systemClock.monotonicMs();
    equal((await klines(exchange, { limit: 5 })).length, 5);
    ok(systemClock.monotonicMs() - before >= 39);
    deepEqual(exchange.calls.map((call) => call.faults), [[], ["latency"]]);
  });
});

Deno.test("a stall sends nothing, the headers alone, or half the body, and then waits for ever", async () => {
  await withExchange({}, async (exchange) => {
    const whole = (await ask(exchange, BARS)).text;
    exchange.inject({ kind: "stall", after: "nothing", match: { nth: 1 } });
    deepEqual(await impatient(exchange), { headers: false, text: "" });
    exchange.inject({ kind: "stall", after: "headers", match: { nth: 1 } });
    deepEqual(await impatient(exchange), { headers: true, text: "" });
    exchange.inject({ kind: "stall", after: "half", match: { nth: 1 } });
    deepEqual(await impatient(exchange), {
      headers: true,
      text: whole.slice(0, Math.floor(whole.length / 2)),
    });
  });
});

Deno.test("closing the server ends stalled and late replies", async () => {
  for (const after of ["nothing", "headers", "half"] as const) {
    let pending: Promise<unknown> = Promise.resolve();
    await withExchange({ faults: [{ kind: "stall", after }] }, async (exchange) => {
      pending = ask(exchange, BARS).then((reply) => reply.text, (error: Error) => error.name);
      for (let tries = 0; exchange.calls.length === 0 && tries < 1_000; tries++) {
        await ask(exchange, "/nobody");
      }
      equal(exchange.calls.length, 1);
    });
    ok(["", "TypeError"].includes(String(await pending)), after);
  }
});

Deno.test("a reset breaks the connection inside the body", async () => {
  await withExchange({ faults: [{ kind: "reset", atShare: 0.3 }] }, async (exchange) => {
    const response = await fetch(exchange.url + BARS);
    equal(response.status, 200);
    await rejects(response.text(), TypeError);
    equal(exchange.calls[0].faults[0], "reset");
  });
});

Deno.test("a cut body is a whole HTTP message with broken JSON", async () => {
  await withExchange({ faults: [{ kind: "cut_body", atShare: 0.9 }] }, async (exchange) => {
    const { status, headers, text } = await ask(exchange, BARS);
    equal(status, 200);
    equal(Number(headers.get("content-length")), text.length);
    ok(text.startsWith("[[") && !text.endsWith("]]"));
  });
});

Deno.test("an empty body and an HTML page come with 200 or any other status", async () => {
  await withExchange({}, async (exchange) => {
    const reply = async () => {
      const { status, headers, text } = await ask(exchange, BARS);
      return [status, headers.get("content-type")?.split(";")[0], text.slice(0, 15)];
    };
    exchange.inject({ kind: "empty_body", match: { nth: 1 } });
    deepEqual(await reply(), [200, "application/json", ""]);
    exchange.inject({ kind: "html", match: { nth: 1 } });
    deepEqual(await reply(), [200, "text/html", "<!DOCTYPE html>"]);
    exchange.inject({ kind: "html", status: 503, match: { nth: 1 } });
    deepEqual(await reply(), [503, "text/html", "<!DOCTYPE html>"]);
    deepEqual(exchange.calls.map((call) => call.status), [200, 200, 503]);
  });
});

Deno.test("any status comes with the venue's own words and the headers asked for", async () => {
  await withExchange({}, async (exchange) => {
    for (const status of [401, 403, 418, 429, 451, 500, 502, 503]) {
      const lift = exchange.inject({
        kind: "status",
        status,
        retryAfterSec: 7,
        headers: { "x-test": "yes" },
      });
      const reply = await ask(exchange, BARS);
      deepEqual([reply.status, reply.headers.get("retry-after"), reply.headers.get("x-test")], [
        status,
        "7",
        "yes",
      ]);
      ok(reply.text.length > 10);
      if (status === 418) ok(reply.text.includes(`banned until ${NOW + 120_000}`), reply.text);
      if (status === 429) equal(JSON.parse(reply.text).code, -1003);
      lift();
    }
    equal((await klines(exchange, { limit: 1 })).length, 1);
    exchange.inject({ kind: "status", status: 500, body: '{"code":-1000,"msg":"own words"}' });
    equal((await ask(exchange, BARS)).text, '{"code":-1000,"msg":"own words"}');
  });
});

Deno.test("each venue has its own words for 429, 401 and 503", async () => {
  const paths = {
    kraken: ["/kraken/0/public/OHLC?pair=XBTUSDT", /EAPI:Rate limit/, /Invalid key/, /EService:Unavailable/],
    bitfinex: ["/bitfinex/v2/candles/trade:1m:tBTCUSD/hist", /ratelimit/, /apikey/, /maintenance/],
    okx: ["/okx/api/v5/market/candles?instId=BTC-USDT", /50011/, /50113/, /50001/],
  } as const;
  await withExchange({}, async (exchange) => {
    for (const [path, ...words] of Object.values(paths)) {
      for (const [index, status] of [429, 401, 503].entries()) {
        const lift = exchange.inject({ kind: "status", status });
        const reply = await ask(exchange, path);
        equal(reply.status, status);
        ok((words as RegExp[])[index].test(reply.text), reply.text);
        lift();
      }
    }
  });
});

Deno.test("a ban answers 418 on every endpoint until its time is over, and calls do not make it longer", async () => {
  await withExchange({}, async (exchange, clock) => {
    exchange.inject({ kind: "ban", forMs: 5 * MINUTE, match: { nth: 1 } });
    for (const path of [BARS, "/binance/api/v3/time", BARS]) {
      const reply = await ask(exchange, path);
      deepEqual([reply.status, reply.headers.get("retry-after")], [418, "300"]);
      ok(reply.text.includes(`IP banned until ${NOW + 5 * MINUTE}`), reply.text);
    }
    clock.advance(5 * MINUTE - 1);
    equal((await ask(exchange, BARS)).status, 418);
    clock.advance(1);
    equal((await ask(exchange, BARS)).status, 200);
    equal(exchange.meter("binance").bans, 1);
  });
});

Deno.test("faults strike by path, parameter, endpoint, venue, time, count and chance", async () => {
  await withExchange({}, async (exchange, clock) => {
    const struck = async (match: Parameters<RecordedExchange["inject"]>[0]["match"], paths: string[]) => {
      exchange.clearFaults();
      exchange.inject({ kind: "status", status: 500, match });
      const hits: number[] = [];
      for (const [index, path] of paths.entries()) {
        if ((await ask(exchange, path)).status === 500) hits.push(index);
      }
      return hits;
    };
    const time = "/binance/api/v3/time";
    const kraken = "/kraken/0/public/Time";
    const eth = BARS.replace("BTC", "ETH");
    deepEqual(await struck({ path: "klines" }, [BARS, time]), [0]);
    deepEqual(await struck({ path: /time$/i }, [BARS, time, kraken]), [1, 2]);
    deepEqual(await struck({ params: { symbol: "ETHUSDT", limit: 100 } }, [BARS, eth, time]), [1]);
    deepEqual(await struck({ params: { symbol: /^BTC/ } }, [BARS, eth]), [0]);
    deepEqual(await struck({ endpoint: "time" }, [BARS, time, kraken]), [1, 2]);
    deepEqual(await struck({ venue: "kraken" }, [BARS, time, kraken]), [2]);
    deepEqual(await struck({ between: { startMs: 0, endMs: NOW } }, [BARS]), []);
    deepEqual(await struck({ when: (call) => call.atMs === NOW }, [BARS]), [0]);
    const five = Array.from({ length: 5 }, () => BARS);
    deepEqual(await struck({ nth: 3 }, five), [2]);
    deepEqual(await struck({ every: 2 }, five), [1, 3]);
    deepEqual(await struck({ first: 2 }, five), [0, 1]);
    const often = Array.from({ length: 60 }, () => BARS);
    const drawn = await struck({ probability: 0.3 }, often);
    ok(drawn.length > 8 && drawn.length < 30, String(drawn.length));
    clock.advance(HOUR);
    deepEqual(await struck({ between: { startMs: FORMING + HOUR, endMs: Infinity } }, [BARS]), [0]);
  });
});

Deno.test("the same seed draws the same calls, another seed others", async () => {
  const run = async (seed: number) => {
    const statuses: number[] = [];
    await withExchange(
      { seed, faults: [{ kind: "status", status: 500, match: { probability: 0.5 } }] },
      async (one) => {
        for (let call = 0; call < 40; call++) statuses.push((await ask(one, BARS)).status);
      },
    );
    return statuses;
  };
  const first = await run(3);
  deepEqual(await run(3), first);
  ok((await run(4)).join() !== first.join());
});
