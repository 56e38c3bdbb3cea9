import { deepStrictEqual, rejects, strictEqual, throws } from "node:assert/strict";
import { CallSlots } from "../../src/core/call_slots.ts";
import { Urgency } from "../../src/core/urgency.ts";
import { HistoryError } from "../../src/core/errors.ts";
import type { Priority } from "../../src/core/ports.ts";
import { turn } from "../fake_clock.ts";

Deno.test("CallSlots hands a slot to the most urgent caller, in order of arrival within one priority", async () => {
  const slots = new CallSlots(1);
  const held = await slots.take({ priority: "backfill" });
  const order: string[] = [];
  const take = async (name: string, priority: Priority) => {
    const giveBack = await slots.take({ priority });
    order.push(name);
    giveBack();
  };
  const all = [take("b1", "backfill"), take("b2", "backfill"), take("d", "dryrun"), take("l", "live")];
  await turn();
  deepStrictEqual([order.length, slots.waiting], [0, 4]);
  held();
  await Promise.all(all);
  deepStrictEqual(order, ["l", "d", "b1", "b2"]);
});

Deno.test("parties of one priority take turns, however many calls each has waiting", async () => {
  const slots = new CallSlots(1);
  const held = await slots.take({ priority: "live", party: "a" });
  const order: string[] = [];
  const take = async (name: string, party: string, signal?: AbortSignal) => {
    const giveBack = await slots.take({ priority: "live", party, signal });
    order.push(name);
    giveBack();
  };
  const stop = new AbortController();
  const given = take("a2", "a", stop.signal);
  const all = [
    ...[1, 3, 4, 5].map((i) => take(`a${i}`, "a")),
    take("b1", "b"),
    take("b2", "b"),
    take("c1", "c"),
    take("d1", "d", stop.signal),
  ];
  strictEqual(slots.waiting, 9);
  stop.abort();
  await rejects(given, { code: "CANCELLED" });
  await rejects(all.pop()!, { code: "CANCELLED" });
  strictEqual(slots.waiting, 7);
  held();
  await Promise.all(all);
  deepStrictEqual(order, ["a1", "b1", "c1", "a3", "b2", "a4", "a5"]);
  strictEqual(slots.waiting, 0);
});

Deno.test("CallSlots never lends more slots than it has, also when one is given back twice", async () => {
  const slots = new CallSlots(2);
  const first = await slots.take({ priority: "live" });
  await slots.take({ priority: "live" });
  first();
  first();
  await slots.take({ priority: "live" });
  const waiting = slots.take({ priority: "live" });
  await turn();
  strictEqual(slots.waiting, 1);
  void waiting;
});

Deno.test("a caller who gives up waiting for a slot leaves it to the next one", async () => {
  const slots = new CallSlots(1);
  const held = await slots.take({ priority: "live" });
  const stop = new AbortController();
  const late = rejects(slots.take({ priority: "live", signal: stop.signal }), { code: "CANCELLED" });
  const next = slots.take({ priority: "backfill" });
  stop.abort();
  await late;
  held();
  (await next)();
  const reason = new HistoryError("SLA_EXCEEDED", "Cannot wait longer", { hint: "Ask again" });
  await rejects(slots.take({ priority: "live", signal: AbortSignal.abort(reason) }), {
    code: "SLA_EXCEEDED",
  });
  throws(() => new CallSlots(0), RangeError);
});

Deno.test("CallSlots moves a caller up when its urgency is raised while it waits", async () => {
  const slots = new CallSlots(1);
  const held = await slots.take({ priority: "live" });
  const served: string[] = [];
  const urgency = new Urgency("backfill");
  const take = async (name: string, priority: "backfill" | "live" | Urgency) => {
    const giveBack = await slots.take({ priority });
    served.push(name);
    giveBack();
  };
  const all = [take("first", "backfill"), take("raised", urgency), take("urgent", "live")];
  urgency.raise("live");
  urgency.raise("backfill");
  strictEqual(urgency.priority, "live");
  strictEqual(slots.waiting, 3);
  held();
  await Promise.all(all);
  deepStrictEqual(served, ["urgent", "raised", "first"]);
  strictEqual(slots.waiting, 0);
});
