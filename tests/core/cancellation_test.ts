import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { underSignals, whyCancelled } from "../../src/core/cancellation.ts";
import { HistoryError } from "../../src/core/errors.ts";

Deno.test("underSignals() gives work a signal whose reason is CANCELLED, whatever the caller aborted with", async () => {
  for (const reason of [undefined, "enough", new Error("enough")]) {
    const caller = new AbortController();
    const work = underSignals([undefined, caller.signal], "The fill", (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        caller.abort(reason);
      }));
    await rejects(work, { code: "CANCELLED", message: "The fill was cancelled" });
  }
});

Deno.test("underSignals() hands on a reason that is an expected failure already", async () => {
  const why = new HistoryError("SLA_EXCEEDED", "too late", { hint: "ask again" });
  const caller = AbortSignal.abort(why);
  await underSignals([caller], "The fill", (signal) => {
    strictEqual(signal.aborted, true);
    strictEqual(signal.reason, why);
    strictEqual(whyCancelled(signal, "The fill"), why);
    return Promise.resolve();
  });
});

Deno.test("underSignals() lets go of the callers' signals when the work is done", async () => {
  const caller = new AbortController();
  let inner: AbortSignal | null = null;
  const value = await underSignals([caller.signal], "The fill", (signal) => {
    inner = signal;
    return Promise.resolve(7);
  });
  caller.abort();
  deepStrictEqual([value, inner!.aborted], [7, false]);
});
