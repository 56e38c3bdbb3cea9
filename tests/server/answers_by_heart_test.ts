/**
 * Answers known by heart, through the HTTP door over a whole service whose clock the test holds: what is sent again
 * is what would be worked out, and it is worked out anew as soon as anything that it says may have changed.
 */

import { deepStrictEqual, notStrictEqual, strictEqual } from "node:assert/strict";
import type { LocalService } from "../../src/core/service.ts";
import { BY_HEART_KEY_MAX_CHARS, BY_HEART_MAX_BYTES } from "../../src/core/limits.ts";
import { AnswersByHeart } from "../../src/server/answers_by_heart.ts";
import { createApp } from "../../src/server/app.ts";
import type { ApiKey } from "../../src/server/settings.ts";
import { SeededDice } from "../fake_clock.ts";
import { FORMING, inWorld, NODE, type World } from "../story/world.ts";
import { DEFAULTS, problemOf } from "./harness.ts";

const RANGE = [FORMING - 3_600, FORMING - 1_800] as const;
const QUESTION = `/v1/bars?node_id=${NODE}&execution_domain=live&start=${RANGE[0]}&end=${RANGE[1]}`;

/** Counts the questions that reach the service. */
function counting(service: LocalService): { service: LocalService; asked: () => number } {
  let asked = 0;
  const counted = new Proxy(service, {
    get(target, name) {
      if (name === "bars") {
        return (...args: Parameters<LocalService["bars"]>) => {
          asked++;
          return target.bars(...args);
        };
      }
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { service: counted, asked: () => asked };
}

function doorOf(world: World, apiKeys: ApiKey[] = []) {
  const { service, asked } = counting(world.service);
  const app = createApp({
    service,
    config: { ...DEFAULTS, apiKeys },
    clock: world.clock,
    dice: new SeededDice(7),
    log: { emit() {/* Nothing here looks at it. */} },
    version: "0.1.0",
  });
  const get = (path: string, headers: Record<string, string> = {}, host = "127.0.0.1:8420") =>
    world.settled(app(new Request(`http://${host}${path}`, { headers })));
  return { app, get, asked };
}

/** The range is stored and published, and its `as_of` was told once: what a first question writes down is written. */
async function hold(world: World): Promise<void> {
  await world.fill(RANGE);
  await world.ask({ start: RANGE[0], end: RANGE[1], executionDomain: "live" });
}

/** Everything that is not of one request alone. */
async function told(response: Response): Promise<{ headers: string[][]; body: Uint8Array }> {
  const headers = [...response.headers].filter(([name]) => name !== "seamless-request-id");
  return { headers, body: await response.bytes() };
}

Deno.test("the same question is answered the same, to the byte, without asking the service", () =>
  inWorld({}, async (world) => {
    await hold(world);
    for (const format of ["arrow", "json", "csv", "ndjson", "parquet"]) {
      const { get, asked, app } = doorOf(world);
      await told(await get(`${QUESTION}&format=${format}`));
      const first = await get(`${QUESTION}&format=${format}`);
      const second = await get(`${QUESTION}&format=${format}`);
      strictEqual(asked(), 2, format);
      notStrictEqual(
        first.headers.get("seamless-request-id"),
        second.headers.get("seamless-request-id"),
      );
      deepStrictEqual(await told(second), await told(first));
      app.close();
    }
  }));

Deno.test("what is sent again is what another door, which knows nothing, works out", () =>
  inWorld({}, async (world) => {
    await hold(world);
    const { get, asked } = doorOf(world);
    await told(await get(`${QUESTION}&format=arrow`));
    for (let minute = 0; minute < 3; minute++) {
      await told(await get(`${QUESTION}&format=arrow`));
      const known = await told(await get(`${QUESTION}&format=arrow`));
      deepStrictEqual(known, await told(await doorOf(world).get(`${QUESTION}&format=arrow`)));
      await world.clock.advance(60_000);
    }
    strictEqual(asked(), 4);
  }));

Deno.test("the age of the newest bar goes on: an answer is known for the second that it tells", () =>
  inWorld({}, async (world) => {
    await hold(world);
    const { get, asked } = doorOf(world);
    const age = async () => (await (await get(QUESTION)).json()).metadata.staleness_seconds;
    const before = await age();
    for (let i = 0; i < 3; i++) strictEqual(await age(), before);
    strictEqual(asked(), 2);
    await world.clock.advance(1_000);
    strictEqual(await age(), before + 1);
    strictEqual(asked(), 3);
  }));

Deno.test("whatever is written or published makes the question be asked anew", () =>
  inWorld({ config: { seamless: { artifact: { publish_fingerprint: true } } } }, async (world) => {
    await hold(world);
    const { get, asked } = doorOf(world);
    const first = await (await get(QUESTION)).json();
    for (let i = 0; i < 3; i++) await get(QUESTION);
    strictEqual(asked(), 2);
    await world.fill([RANGE[1], RANGE[1] + 600]);
    const second = await (await get(QUESTION)).json();
    strictEqual(asked(), 3);
    strictEqual(second.metadata.snapshot.seq, first.metadata.snapshot.seq + 1);
    notStrictEqual(second.metadata.dataset_fingerprint, first.metadata.dataset_fingerprint);
    strictEqual(second.metadata.answer_fingerprint, first.metadata.answer_fingerprint);
  }));

Deno.test("what may change by itself is never known by heart", () =>
  inWorld({}, async (world) => {
    await world.fill([RANGE[0], FORMING - 600]);
    const unsure: Record<string, string> = {
      "no end": `/v1/bars?node_id=${NODE}&execution_domain=live&start=${FORMING - 900}`,
      "newest bars": QUESTION.replace(`end=${RANGE[1]}`, `end=${FORMING}`),
      "open slots": `${QUESTION.replace(String(RANGE[0]), String(RANGE[0] - 600))}&strategy=PARTIAL_FILL`,
      "a next page": `${QUESTION}&format=json&limit=7`,
      "a verdict that is logged": `${QUESTION}&as_of=2031-01-01T00:00:00Z`,
    };
    for (const [why, question] of Object.entries(unsure)) {
      const { get, asked } = doorOf(world);
      for (let i = 1; i <= 4; i++) {
        strictEqual((await told(await get(question))).headers.length > 5, true);
        strictEqual(asked(), i, why);
      }
    }
  }));

Deno.test("an answer that was fetched for its question is not told as fetched again", () =>
  inWorld({}, async (world) => {
    const { get, asked } = doorOf(world);
    const sources = async () => (await (await get(QUESTION)).json()).metadata.sources;
    strictEqual((await sources()).backfill, 30);
    strictEqual((await sources()).storage, 30);
    strictEqual(asked(), 2);
  }));

Deno.test("a pinned answer is known for good, a later publication or not", () =>
  inWorld({}, async (world) => {
    await hold(world);
    const { metadata: { dataset_fingerprint, as_of } } = await (await doorOf(world).get(QUESTION)).json();
    await world.clock.advance(1_000);
    const range = `node_id=${NODE}&start=${RANGE[0]}&end=${RANGE[1]}&format=arrow`;
    for (const pin of [`fingerprint=${dataset_fingerprint}`, `as_of=${as_of}`]) {
      const { get, asked } = doorOf(world);
      const question = `/v1/bars?${range}&${pin}`;
      await told(await get(question));
      const first = await get(question);
      const tag = first.headers.get("etag")!;
      const before = await told(first);
      await world.fill([RANGE[1], RANGE[1] + 600]);
      await world.clock.advance(1_000);
      deepStrictEqual(await told(await get(question)), before);
      strictEqual(asked(), 2);
      strictEqual((await get(question, { "if-none-match": tag })).status, 304);
      strictEqual((await get(question, { "if-none-match": '"other"' })).status, 200);
    }
  }));

Deno.test("Accept decides where no format is named", () =>
  inWorld({}, async (world) => {
    await hold(world);
    const { get, asked } = doorOf(world);
    for (let round = 0; round < 4; round++) {
      for (const type of ["text/csv", "application/json", "application/x-ndjson"]) {
        const response = await get(QUESTION, { accept: type });
        strictEqual(response.headers.get("content-type")!.startsWith(type), true);
        await response.body?.cancel();
      }
    }
    strictEqual(asked(), 6);
  }));

Deno.test("a value that reads like a format leaves the choice to Accept", () =>
  inWorld({}, async (world) => {
    await hold(world);
    const { get } = doorOf(world);
    for (const like of ["&world_id=format=csv", "&world_id=?format=csv", "#?format=csv", "#&format=csv"]) {
      for (let round = 0; round < 4; round++) {
        for (const type of ["text/csv", "application/json"]) {
          const response = await get(`${QUESTION}${like}`, { accept: type });
          strictEqual(response.headers.get("content-type")!.startsWith(type), true, like);
          await response.body?.cancel();
        }
      }
    }
  }));

Deno.test("a question as long as a book is answered, and not kept", () =>
  inWorld({}, async (world) => {
    await hold(world);
    const long = " ".repeat(BY_HEART_KEY_MAX_CHARS);
    for (
      const [path, headers] of [[QUESTION, { accept: `*/*,${long}x/y` }], [
        `${QUESTION}&${long}`,
        {},
      ]] as const
    ) {
      const { get, asked } = doorOf(world);
      for (let i = 1; i <= 3; i++) {
        await (await get(path.replaceAll(" ", "&"), headers)).body?.cancel();
        strictEqual(asked(), i);
      }
    }
  }));

Deno.test("what is known is bound by all that it takes, short answers to long questions too", () => {
  const known = new AnswersByHeart();
  const question = (i: number) =>
    new Request(`http://127.0.0.1/?${String(i).padStart(BY_HEART_KEY_MAX_CHARS / 2, "&")}`);
  const many = Math.ceil(BY_HEART_MAX_BYTES / BY_HEART_KEY_MAX_CHARS) + 1;
  const answer = () => ({ response: new Response("a"), bodyBytes: 1, isStill: () => true });
  for (let i = 0; i < many; i++) {
    for (let times = 0; times < 2; times++) known.keep(question(i), answer);
  }
  strictEqual(known.find(question(0)), null);
  notStrictEqual(known.find(question(many - 1)), null);
});

Deno.test("what is known by heart is told to nobody who may not ask", () =>
  inWorld({}, async (world) => {
    await hold(world);
    const sha256 = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683";
    const guarded = doorOf(world, [{ name: "k", sha256, role: "read" }]);
    for (let i = 0; i < 3; i++) {
      strictEqual((await guarded.get(QUESTION, { authorization: "Bearer key" })).status, 200);
    }
    await problemOf(await guarded.get(QUESTION), "UNAUTHENTICATED");
    await problemOf(await guarded.get(QUESTION, { authorization: "Bearer other" }), "UNAUTHENTICATED");
    strictEqual((await guarded.get(QUESTION, { authorization: "Bearer key" })).status, 200);
    strictEqual(guarded.asked(), 2);
    const open = doorOf(world);
    for (let i = 0; i < 3; i++) strictEqual((await open.get(QUESTION)).status, 200);
    await problemOf(await open.get(QUESTION, {}, "evil.example"), "FORBIDDEN");
  }));

Deno.test("a question that comes once is not kept", () =>
  inWorld({}, async (world) => {
    await hold(world);
    const { get, asked } = doorOf(world);
    await told(await get(QUESTION));
    await told(await get(QUESTION));
    strictEqual(asked(), 2);
  }));

Deno.test("HEAD is not answered with what GET left behind", () =>
  inWorld({}, async (world) => {
    await hold(world);
    const { app, get, asked } = doorOf(world);
    for (let i = 0; i < 3; i++) await told(await get(QUESTION));
    const request = new Request(`http://127.0.0.1:8420${QUESTION}`, {
      method: "HEAD",
      headers: { host: "127.0.0.1" },
    });
    const head = await world.settled(app(request));
    strictEqual((await head.bytes()).length, 0);
    strictEqual(asked(), 3);
  }));
