/**
 * A worker of a crew (spread.ts), for Deno, browsers and Node: loads a core of its own and answers tasks as they come.
 * In browsers it needs the core beside it or the npm package, which carries it along.
 */
import { load } from "./load.ts";
import { answerSpread, type SpreadPort } from "./spread.ts";

type Scope = SpreadPort & { onmessage: ((event: { data: unknown }) => void) | null };

/** Node's end of the line; `null` where the global scope itself is it. */
async function nodePort(): Promise<
  (SpreadPort & { on(type: "message", listen: (data: unknown) => void): void }) | null
> {
  if ("postMessage" in globalThis) return null;
  // The name is put together at run time, so that bundlers for browsers leave the import alone.
  const name = ["node", "worker_threads"].join(":");
  return (await import(name)).parentPort;
}

// Tasks that come before the core is loaded wait for it: their order is that of the messages.
const core = load();
const port = await nodePort();
if (port !== null) port.on("message", async (data) => answerSpread(await core, port, data));
else {
  const scope = globalThis as unknown as Scope;
  scope.onmessage = async (event) => answerSpread(await core, scope, event.data);
}
