/** Venues in trouble, and venues that refuse (spec §16's table, the rows about failures). */

import assert from "node:assert/strict";
import type { Fault } from "../../../scripts/recorded_exchange/mod.ts";
import { HistoryError } from "../../../src/core/errors.ts";
import { ExchangeFault } from "../../../src/core/exchange_fault.ts";
import type { Attempt } from "../../../src/core/ports.ts";
import { turn } from "../../fake_clock.ts";
import { at, onVenue, type Stand, type VenueId } from "./stand.ts";

const NOW = "2024-01-02T00:00:30Z";
const RANGE = [at("2024-01-01T20:00:00Z"), at("2024-01-01T21:00:00Z")] as const;
const VENUES: VenueId[] = ["binance", "kraken", "bitfinex", "okx"];
/** ccxt knows the time of these; Bitfinex's is its `Date` header. */
const BARS = { match: { endpoint: "bars" as const } };

/** The fault that a call ends in. */
async function faultOf(work: Promise<unknown>): Promise<ExchangeFault> {
  let seen: ExchangeFault | undefined;
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof ExchangeFault, `no fault but ${error}`);
    assert.ok(error.hint.length > 10);
    seen = error;
    return true;
  });
  return seen!;
}

/** Tries again as long as faults can pass, and notes each. */
function retrying(times: number): { attempt: Attempt; faults: ExchangeFault[] } {
  const faults: ExchangeFault[] = [];
  const attempt: Attempt = async (call) => {
    for (let tries = 1;; tries++) {
      try {
        return await call(new AbortController().signal);
      } catch (error) {
        if (!(error instanceof ExchangeFault) || error.kind === "refused" || tries >= times) throw error;
        faults.push(error);
      }
    }
  };
  return { attempt, faults };
}

const PASSING: [string, Fault][] = [
  ["breaks the connection inside the body", { kind: "reset" }],
  ["breaks the connection after a few bytes", { kind: "reset", atShare: 0.01 }],
  ["cuts the body in half", { kind: "cut_body" }],
  ["cuts the last byte off", { kind: "cut_body", atShare: 0.9999 }],
  ["sends an empty body", { kind: "empty_body" }],
  ["sends HTML with 200", { kind: "html" }],
  ["sends HTML with 502", { kind: "html", status: 502 }],
  ["answers 500", { kind: "status", status: 500 }],
  ["answers 503", { kind: "status", status: 503 }],
  ["answers 507, which ccxt takes for good", { kind: "status", status: 507, body: "[]" }],
  ["answers with an object that says nothing", { kind: "status", status: 200, body: "{}" }],
  ["answers with a bare number", { kind: "status", status: 200, body: "17" }],
  ["answers with rows without a time", { kind: "status", status: 200, body: "[[null,1,2,3,4,5]]" }],
  ["redirects elsewhere", { kind: "status", status: 302, headers: { location: "http://127.0.0.1:9/" } }],
];

for (const venue of VENUES) {
  for (const [name, fault] of PASSING) {
    Deno.test(`${venue} that ${name} is tried again, and the whole window comes`, async () => {
      const faults = [{ ...fault, match: { endpoint: "bars" as const, first: 2 } }];
      await onVenue(venue, { now: NOW, faults }, async ({ exchange, ask, barCalls }) => {
        const { attempt, faults: seen } = retrying(3);
        const reply = await exchange.fetchBars({ ...ask({ range: RANGE }), attempt });
        assert.equal(reply.columns.ts.length, 60);
        assert.deepEqual(seen.map(({ kind, code }) => [kind, code]), [
          ["passing", "EXCHANGE_UNAVAILABLE"],
          ["passing", "EXCHANGE_UNAVAILABLE"],
        ]);
        assert.equal(barCalls().length, 3);
        assert.equal(reply.calls, 1, "only what was answered counts for the reply");
      });
    });
  }

  Deno.test(`${venue} that goes on failing ends in the last fault, with nothing answered`, async () => {
    const faults: Fault[] = [{ kind: "status", status: 500, ...BARS }];
    await onVenue(venue, { now: NOW, faults }, async ({ exchange, ask, barCalls }) => {
      const { attempt } = retrying(4);
      const fault = await faultOf(exchange.fetchBars({ ...ask({ range: RANGE }), attempt }));
      assert.deepEqual([fault.kind, fault.status], ["passing", 500]);
      assert.equal(barCalls().length, 4);
    });
  });

  for (const after of ["nothing", "headers", "half"] as const) {
    Deno.test(`${venue} that stalls after ${after} is given up at the deadline over the whole reply`, async () => {
      const faults: Fault[] = [{ kind: "stall", after, ...BARS }];
      await onVenue(venue, { now: NOW, faults, settings: { timeoutMs: 7_000 } }, async (stand) => {
        const work = faultOf(stand.exchange.fetchBars(stand.ask({ range: RANGE })));
        await untilAsked(stand);
        await stand.clock.advance(6_999);
        assert.equal(stand.clock.sleeping, 1, "the deadline is not over yet");
        await stand.clock.advance(1);
        const fault = await work;
        assert.equal(fault.kind, "passing");
        assert.match(fault.message, /within 7000 ms/);
      });
    });
  }

  Deno.test(`${venue}: a caller that gives up ends the call at once with CANCELLED`, async () => {
    const faults: Fault[] = [{ kind: "stall", after: "half", ...BARS }];
    await onVenue(venue, { now: NOW, faults }, async (stand) => {
      const stop = new AbortController();
      const work = stand.exchange.fetchBars(stand.ask({ range: RANGE, signal: stop.signal }));
      const failed = assert.rejects(
        work,
        (error) => error instanceof HistoryError && error.code === "CANCELLED",
      );
      await untilAsked(stand);
      stop.abort();
      await failed;
      assert.equal(stand.clock.sleeping, 0, "no deadline is left behind");
    });
  });

  for (const status of [401, 403, 451]) {
    Deno.test(`${venue} that answers ${status} is asked once: EXCHANGE_REFUSED, and what to do`, async () => {
      const faults: Fault[] = [{ kind: "status", status }];
      await onVenue(venue, { now: NOW, faults }, async ({ exchange, ask, server, limiter }) => {
        const { attempt } = retrying(5);
        const fault = await faultOf(exchange.fetchBars({ ...ask({ range: RANGE }), attempt }));
        assert.deepEqual([fault.code, fault.kind, fault.status], ["EXCHANGE_REFUSED", "refused", status]);
        assert.equal(server.calls.length, 1);
        if (status === 451) assert.match(fault.hint, /location/);
        assert.deepEqual(limiter.penalties, []);
      });
    });
  }

  Deno.test(`${venue} that answers 429 closes the gate for everybody and is not a spent attempt`, async () => {
    const faults: Fault[] = [{ kind: "status", status: 429, match: { endpoint: "bars", first: 1 } }];
    await onVenue(venue, { now: NOW, faults }, async ({ exchange, ask, limiter, log, clock }) => {
      const { attempt, faults: seen } = retrying(2);
      const reply = await exchange.fetchBars({ ...ask({ range: RANGE }), attempt });
      assert.equal(reply.columns.ts.length, 60);
      assert.deepEqual(seen.map(({ kind, code }) => [kind, code]), [["rate_limited", "RATE_LIMITED"]]);
      const untilMs = clock.nowMs() + 30_000;
      assert.deepEqual(limiter.penalties, [{ key: `ccxt:${venue}`, untilMs }]);
      assert.deepEqual([seen[0].retryAtMs, seen[0].retryAfter], [untilMs, 30]);
      assert.equal(log.events.filter(({ event }) => event === "seamless.rate_limit.penalty").length, 1);
    });
  });
}

Deno.test("the gate stays closed for Retry-After where that is longer than the configured pause", async () => {
  const fault: Fault = { kind: "status", status: 429, retryAfterSec: 75, ...BARS };
  await onVenue(
    "binance",
    { now: NOW, faults: [fault] },
    async ({ exchange, ask, limiter, clock }) => {
      const fault = await faultOf(exchange.fetchBars(ask({ range: RANGE })));
      assert.equal(fault.kind, "rate_limited");
      assert.deepEqual(limiter.penalties.map(({ untilMs }) => untilMs - clock.nowMs()), [75_000]);
    },
  );
});

Deno.test("the gate stays closed until the end of a ban that only the body tells", async () => {
  const untilMs = Date.parse(NOW) + 1_234_567;
  const body =
    `{"code":-1003,"msg":"Way too many requests; IP(1.2.3.4) banned until ${untilMs}. Please use the websocket."}`;
  const faults: Fault[] = [{ kind: "status", status: 418, body, ...BARS }];
  await onVenue("binance", { now: NOW, faults }, async ({ exchange, ask, limiter }) => {
    const fault = await faultOf(exchange.fetchBars(ask({ range: RANGE })));
    assert.deepEqual([fault.kind, fault.status], ["rate_limited", 418]);
    assert.deepEqual(limiter.penalties.map((penalty) => penalty.untilMs), [untilMs]);
  });
});

Deno.test("a ban that the recorded exchange keeps up is met with the time it ends", async () => {
  const faults: Fault[] = [{ kind: "ban", forMs: 120_000, match: { endpoint: "bars", first: 1 } }];
  await onVenue("binance", { now: NOW, faults }, async ({ exchange, ask, limiter, clock }) => {
    const fault = await faultOf(exchange.fetchBars(ask({ range: RANGE })));
    assert.equal(fault.status, 418);
    assert.deepEqual(limiter.penalties.map(({ untilMs }) => untilMs - clock.nowMs()), [120_000]);
  });
});

Deno.test("Kraken says 'too many' with status 200, and is understood", async () => {
  const body = '{"error":["EAPI:Rate limit exceeded"]}';
  const faults: Fault[] = [{ kind: "status", status: 200, body, ...BARS }];
  await onVenue("kraken", { now: NOW, faults }, async ({ exchange, ask, limiter }) => {
    const fault = await faultOf(exchange.fetchBars(ask({ range: RANGE })));
    assert.equal(fault.kind, "rate_limited");
    assert.equal(limiter.penalties.length, 1);
  });
});

for (
  const [venue, body] of [
    ["binance", '{"code":-1121,"msg":"Invalid symbol."}'],
    ["bitfinex", '["error",10020,"symbol: invalid"]'],
  ] as [VenueId, string][]
) {
  Deno.test(`${venue}: a symbol that the venue itself does not know is asked once`, async () => {
    const status = venue === "binance" ? 400 : 500;
    const faults: Fault[] = [{ kind: "status", status, body, ...BARS }];
    await onVenue(venue, { now: NOW, faults }, async ({ exchange, ask, barCalls }) => {
      const { attempt } = retrying(5);
      await assert.rejects(exchange.fetchBars({ ...ask({ range: RANGE }), attempt }), (error) => {
        assert.ok(error instanceof HistoryError);
        assert.equal(error.code, "SYMBOL_UNKNOWN");
        return true;
      });
      assert.equal(barCalls().length, 1);
    });
  });
}

Deno.test("a bad request is asked once, and refused with the venue's own words", async () => {
  const body = '{"code":-1100,"msg":"Illegal characters found in parameter \'interval\'."}';
  const faults: Fault[] = [{ kind: "status", status: 400, body, ...BARS }];
  await onVenue("binance", { now: NOW, faults }, async ({ exchange, ask, barCalls }) => {
    const { attempt } = retrying(5);
    const fault = await faultOf(exchange.fetchBars({ ...ask({ range: RANGE }), attempt }));
    assert.equal(fault.kind, "refused");
    assert.match(fault.message, /Illegal characters/);
    assert.equal(barCalls().length, 1);
  });
});

Deno.test("a venue that nobody answers for is unavailable, and says where it was looked for", async () => {
  const urls = { api: { public: "http://127.0.0.1:1/api/v3" } };
  await onVenue("binance", { now: NOW, settings: { urls } }, async ({ exchange, ask }) => {
    const fault = await faultOf(exchange.fetchBars(ask({ range: RANGE })));
    assert.deepEqual([fault.code, fault.kind], ["EXCHANGE_UNAVAILABLE", "passing"]);
    assert.match(fault.message, /127\.0\.0\.1:1\/api\/v3/);
  });
});

/** Lets the call get to the server; bounded. */
async function untilAsked({ server, clock }: Stand): Promise<void> {
  for (let turns = 0; turns < 20_000; turns++) {
    if (server.calls.some(({ endpoint }) => endpoint === "bars") && clock.sleeping > 0) {
      // Whatever the server still sends before it stalls arrives in these turns.
      for (let more = 0; more < 50; more++) await turn();
      return;
    }
    await turn();
  }
  throw new Error("no call for bars reached the server");
}
