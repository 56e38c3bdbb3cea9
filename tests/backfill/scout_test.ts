import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { isRefusal, Scout } from "../../src/backfill/scout.ts";
import { turn } from "../fake_clock.ts";
import { rejection } from "../refusal.ts";
import { awayFault, refusedFault, unknownSymbol } from "./fake_exchange.ts";

/** Asks that come back when the test says so. */
function asks() {
  const scout = new Scout();
  const begun: string[] = [];
  const ends = new Map<string, { come: (value: string) => void; fail: (error: Error) => void }>();
  const ask = (name: string, nodeId = "n", signal = new AbortController().signal) =>
    scout.follow(nodeId, signal, () => {
      begun.push(name);
      return new Promise<string>((come, fail) => ends.set(name, { come, fail }));
    });
  return { begun, ends, ask };
}

Deno.test("the first ask of a node goes alone, then all go at once", async () => {
  const { begun, ends, ask } = asks();
  const all = [ask("first"), ask("second"), ask("third"), ask("other node", "m")];
  await turn();
  deepStrictEqual(begun, ["first", "other node"]);
  ends.get("first")!.come("bars");
  await turn();
  deepStrictEqual(begun, ["first", "other node", "second", "third"]);
  all.push(ask("fourth"));
  await turn();
  strictEqual(begun.at(-1), "fourth");
  for (const end of ends.values()) end.come("bars");
  await Promise.all(all);
});

Deno.test("a refusal is met once and shared; whoever comes later tries again", async () => {
  const { begun, ends, ask } = asks();
  const refused = refusedFault();
  const all = ["a", "b", "c"].map((name) => rejection(ask(name)));
  await turn();
  ends.get("a")!.fail(refused);
  for (const error of await Promise.all(all)) strictEqual(error, refused);
  deepStrictEqual(begun, ["a"]);
  const later = ask("later");
  await turn();
  deepStrictEqual(begun, ["a", "later"]);
  ends.get("later")!.come("bars");
  strictEqual(await later, "bars");
});

Deno.test("what may pass is no reason for the others not to try", async () => {
  const { begun, ends, ask } = asks();
  const first = rejection(ask("first"));
  const second = ask("second");
  await turn();
  ends.get("first")!.fail(awayFault());
  strictEqual((await first).code, "EXCHANGE_UNAVAILABLE");
  await turn();
  deepStrictEqual(begun, ["first", "second"]);
  ends.get("second")!.come("bars");
  await second;
});

Deno.test("whoever waits for the first one can leave", async () => {
  const { begun, ends, ask } = asks();
  const abort = new AbortController();
  const first = ask("first");
  const second = rejection(ask("second", "n", abort.signal));
  await turn();
  abort.abort();
  strictEqual((await second).code, "CANCELLED");
  ends.get("first")!.come("bars");
  await first;
  await turn();
  deepStrictEqual(begun, ["first"]);
});

Deno.test("isRefusal() names what another window would only meet again", () => {
  deepStrictEqual([refusedFault(), unknownSymbol(), awayFault(), new Error("x")].map(isRefusal), [
    true,
    true,
    false,
    false,
  ]);
});
