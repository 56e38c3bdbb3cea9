import { deepStrictEqual, rejects, strictEqual, throws } from "node:assert/strict";
import { CallSlots } from "../../src/core/call_slots.ts";
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
