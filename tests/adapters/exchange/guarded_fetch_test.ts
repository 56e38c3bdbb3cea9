import assert from "node:assert/strict";
import { type CallContext, newCall, runCall } from "../../../src/adapters/exchange/call_context.ts";
import { guardedFetch } from "../../../src/adapters/exchange/guarded_fetch.ts";
import { HistoryError } from "../../../src/core/errors.ts";
import { ExchangeFault } from "../../../src/core/exchange_fault.ts";
import { FakeClock, turn } from "../../fake_clock.ts";

const MAX_BYTES = 1000;

interface Tried {
  /** Sends a request with a secret in its query, as signed requests have. */
  send(call?: CallContext): Promise<{ text: string; status: number }>;
  clock: FakeClock;
  call: CallContext;
}

function aCall(o: { isBars?: boolean; signal?: AbortSignal } = {}): CallContext {
  const signal = o.signal ?? new AbortController().signal;
  return newCall({ what: "bars", isBars: o.isBars ?? true, priority: "live", signal });
}

/** Runs `test` against a server of one handler. */
async function against(handler: () => Response | Promise<Response>, test: (tried: Tried) => Promise<void>) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  const httpClient = Deno.createHttpClient({});
  const clock = new FakeClock();
  const call = aCall();
  const fetchGuarded = guardedFetch({
    exchange: "venue",
    clock,
    timeoutMs: 5_000,
    maxBytes: MAX_BYTES,
    httpClient,
    onReply: () => {},
  });
  try {
    const url = `http://127.0.0.1:${server.addr.port}/klines?signature=SECRET`;
    const request = { method: "GET", headers: {} };
    await test({
      clock,
      call,
      send: (own = call) =>
        runCall(own, async () => {
          const reply = await fetchGuarded(url, request);
          return { status: reply.status, text: await reply.text() };
        }),
    });
  } finally {
    httpClient.close();
    await server.shutdown();
  }
}

/** The fault that a reply ends in. */
async function faultOf(work: Promise<unknown>): Promise<ExchangeFault> {
  let seen: unknown;
  await work.then(() => {}, (error) => void (seen = error));
  assert.ok(seen instanceof ExchangeFault, `no fault but ${seen}`);
  return seen;
}

Deno.test("a whole reply comes through once, and leaves its bytes, JSON, status and times with the call", async () => {
  await against(
    () => new Response(' [[1,"2"]]\n', { headers: { "x-used": "7" } }),
    async ({ send, call, clock }) => {
      assert.deepEqual(await send(), { status: 200, text: '[[1,"2"]]' });
      assert.deepEqual([call.status, call.json, call.headers?.get("x-used")], [200, [[1, "2"]], "7"]);
      assert.equal(new TextDecoder().decode(call.bodies[0]), ' [[1,"2"]]\n');
      assert.deepEqual([call.sentAtMs, call.receivedAtMs, call.requests], [clock.nowMs(), clock.nowMs(), 1]);
      assert.equal(call.path, "/klines");
      assert.equal(clock.sleeping, 0);
    },
  );
});

Deno.test("raw bytes are kept of bars alone", async () => {
  await against(() => new Response("[]"), async ({ send }) => {
    const call = aCall({ isBars: false });
    await send(call);
    assert.deepEqual([call.bodies, call.json], [[], []]);
  });
});

Deno.test("a body that says it is too large is not read", async () => {
  const body = "[" + "1,".repeat(MAX_BYTES) + "1]";
  await against(() => new Response(body), async ({ send }) => {
    const fault = await faultOf(send());
    assert.equal(fault.kind, "refused");
    assert.match(fault.message, new RegExp(`${body.length} bytes or more; at most ${MAX_BYTES}`));
  });
});

Deno.test("a body that grows too large without saying so is given up on the way", async () => {
  let pulled = 0;
  const endless = () =>
    new Response(
      new ReadableStream<Uint8Array>({
        pull(controller) {
          pulled++;
          controller.enqueue(new Uint8Array(400).fill(32));
        },
      }, { highWaterMark: 0 }),
    );
  await against(endless, async ({ send }) => {
    assert.equal((await faultOf(send())).kind, "refused");
  });
  assert.ok(pulled < 100_000, `${pulled} chunks`);
});

Deno.test("a packed body counts as it unpacks, whatever length was told", async () => {
  const packed = async (bytes: Uint8Array<ArrayBuffer>) =>
    new Response(
      await new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"))).bytes(),
      {
        headers: { "content-encoding": "gzip" },
      },
    );
  await against(() => packed(new Uint8Array(20 * MAX_BYTES).fill(32)), async ({ send }) => {
    assert.equal((await faultOf(send())).kind, "refused");
  });
  await against(() => packed(new TextEncoder().encode("[[1,2]]")), async ({ send }) => {
    const call = aCall();
    await send(call);
    assert.deepEqual(call.json, [[1, 2]]);
  });
});

Deno.test("candles are handed to ccxt without their text; of a bad status the text stays", async () => {
  const candles = '[[1700000000000,"1.5"]]';
  await against(() => new Response(candles), async ({ send }) => {
    const call = aCall();
    assert.notEqual((await send(call)).text, candles);
    assert.deepEqual(call.json, [[1700000000000, 1.5]]);
    assert.equal(new TextDecoder().decode(call.bodies[0]), candles);
  });
  await against(() => new Response(candles, { status: 500 }), async ({ send }) => {
    assert.deepEqual(await send(), { status: 500, text: candles });
  });
});

const BROKEN: [string, BodyInit, string][] = [
  ["nothing", "", "an empty body"],
  ["blanks", "  \n", "an empty body"],
  ["an HTML page", "<!DOCTYPE html><html></html>", "an HTML page"],
  ["half a JSON text", "[[1,2", "broken JSON"],
  ["two JSON texts", "[][]", "broken JSON"],
  ["bytes that are no UTF-8", new Uint8Array([0x5b, 0x22, 0xff, 0xfe, 0x22, 0x5d]), "an empty body"],
  ["a bare null", "null", "broken JSON"],
  ["a bare text", '"[]"', "broken JSON"],
];

for (const [what, body, told] of BROKEN) {
  Deno.test(`${what} with status 200 is a fault that can pass`, async () => {
    await against(() => new Response(body), async ({ send }) => {
      const fault = await faultOf(send());
      assert.deepEqual([fault.kind, fault.code, fault.status], ["passing", "EXCHANGE_UNAVAILABLE", 200]);
      if (!(body instanceof Uint8Array)) assert.ok(fault.message.includes(told), fault.message);
    });
  });
}

Deno.test("a plain number is an answer where no bars were asked", async () => {
  await against(() => new Response("1700000000"), async ({ send }) => {
    assert.equal((await send(aCall({ isBars: false }))).text, "1700000000");
  });
});

Deno.test("the deadline is over the whole reply: a body that drips is given up", async () => {
  let stop = () => {};
  const dripping = () =>
    new Response(
      new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(new TextEncoder().encode("[1"));
          stop = () => controller.close();
        },
      }),
    );
  await against(dripping, async ({ send, clock }) => {
    const work = faultOf(send());
    for (let turns = 0; turns < 200; turns++) await turn();
    await clock.advance(4_999);
    assert.equal(clock.sleeping, 1);
    await clock.advance(1);
    assert.match((await work).message, /venue did not finish bars within 5000 ms/);
    stop();
  });
});

Deno.test("a call that is cancelled before it is sent is not sent", async () => {
  let asked = 0;
  const count = () => {
    asked++;
    return new Response("[]");
  };
  await against(count, async ({ send }) => {
    const given = new HistoryError("SLA_EXCEEDED", "too late", { hint: "raise the budget" });
    for (const reason of [undefined, given]) {
      const call = aCall({ signal: AbortSignal.abort(reason) });
      await assert.rejects(send(call), (error) => {
        assert.ok(error instanceof HistoryError);
        assert.equal(error.code, reason === undefined ? "CANCELLED" : "SLA_EXCEEDED");
        return true;
      });
    }
    assert.equal(asked, 0);
  });
});

Deno.test("redirects are not followed", async () => {
  let asked = 0;
  const redirect = () => {
    asked++;
    return new Response(null, { status: 307, headers: { location: "/elsewhere" } });
  };
  await against(redirect, async ({ send }) => {
    const fault = await faultOf(send());
    assert.deepEqual([fault.kind, fault.status, asked], ["passing", 307, 1]);
  });
});

Deno.test("a refused status with a page that is no JSON is not tried again", async () => {
  await against(() => new Response("<html>", { status: 404 }), async ({ send }) => {
    assert.equal((await faultOf(send())).kind, "refused");
  });
});

Deno.test("no message shows a query: it may hold a signature", async () => {
  const replies = [
    () => new Response("", { status: 500 }),
    () => new Response("<html>"),
    () => new Response("[1"),
  ];
  for (const reply of replies) {
    await against(reply, async ({ send }) => {
      const fault = await faultOf(send());
      assert.doesNotMatch(`${fault.message} ${fault.hint} ${Deno.inspect(fault)}`, /SECRET|signature/);
      assert.match(fault.message, /127\.0\.0\.1:\d+\/klines/);
    });
  }
});
