import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { onAbort, underSignals, whyCancelled } from "../../src/core/cancellation.ts";
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

Deno.test("onAbort() calls each act once, in order, but those that were taken back, also while it calls", () => {
  const stop = new AbortController();
  const called: string[] = [];
  const both = () => void called.push("both");
  const acts: (() => void)[] = [];
  onAbort(stop.signal, () => {
    called.push("first");
    acts[2]();
    onAbort(stop.signal, () => void called.push("too late"));
  });
  acts[0] = onAbort(stop.signal, both);
  acts[1] = onAbort(stop.signal, both);
  acts[2] = onAbort(stop.signal, () => void called.push("taken back by the first"));
  acts[0]();
  acts[0]();
  stop.abort();
  deepStrictEqual(called, ["first", "both"]);
  onAbort(stop.signal, both)();
  deepStrictEqual(called, ["first", "both"]);
});

Deno.test("a thousand waits for one signal are one listener of it", () => {
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener;
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add.apply(signal, args);
  };
  for (let i = 0; i < 1_000; i++) onAbort(signal, () => {});
  strictEqual(listeners, 1);
});
