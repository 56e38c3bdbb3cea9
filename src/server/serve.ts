/** Listens: binds the address, and stops gracefully. */

import { HistoryError } from "../core/errors.ts";
import { DRAIN_MAX_MS } from "../core/limits.ts";
import type { Clock } from "../core/ports.ts";
import type { App } from "./app.ts";
import { isLoopback } from "./settings.ts";
import { errorResponse } from "./errors.ts";

/** Given up requests have so long to say so. */
const CUT_MAX_MS = 1_000;

/** A server that listens. */
export interface RunningServer {
  /** Where it is reached: `http://127.0.0.1:8420`. */
  url: string;
  /** Ends event streams, takes nothing new, lets the rest finish for at most 20 s, then cuts it off. */
  shutdown(): Promise<void>;
}

/** Listens at the configured address. `CONFIG_INVALID` off loopback without API keys, or when the address is taken. */
export function startServer(app: App): RunningServer {
  const { config, clock, log } = app.parts;
  if (!isLoopback(config.hostname) && config.apiKeys.length === 0) {
    throw new HistoryError(
      "CONFIG_INVALID",
      `Cannot listen on ${config.hostname}: others reach it, and no API key is set`,
      {
        hint: "Set server.api_keys, or listen on 127.0.0.1",
      },
    );
  }
  const server = listen(app);
  const shutdown = async () => {
    app.close();
    const drained = server.shutdown();
    if (await endsWithin(drained, { ms: DRAIN_MAX_MS, clock })) return;
    log.emit("warn", "seamless.http.drain_cut", { after_ms: DRAIN_MAX_MS });
    app.cut();
    // What does not even end when it is given up dies with the process.
    await endsWithin(drained, { ms: CUT_MAX_MS, clock });
  };
  const { hostname, port } = server.addr;
  return { url: `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`, shutdown };
}

/** Waits for work, but not for longer than `ms`; says whether it ended. */
async function endsWithin(work: Promise<void>, o: { ms: number; clock: Clock }): Promise<boolean> {
  const patience = new AbortController();
  const tooLong = o.clock.sleep(o.ms, patience.signal).then(() => false, () => true);
  const ended = await Promise.race([work.then(() => true), tooLong]);
  patience.abort();
  return ended;
}

function listen(app: App): Deno.HttpServer<Deno.NetAddr> {
  const { hostname, port } = app.parts.config;
  try {
    // Else the host prints what interrupts a body, as text and once more: it was logged where it happened.
    const onError = (error: unknown) => errorResponse(error, { id: app.parts.dice.id(), log: app.parts.log });
    return Deno.serve({ hostname, port, onError, onListen: () => {} }, (request) => app(request));
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse || error instanceof Deno.errors.AddrNotAvailable)) {
      throw error;
    }
    throw new HistoryError("CONFIG_INVALID", `Cannot listen on ${hostname}:${port}: ${error.message}`, {
      hint: "Another service may run there: stop it, or set server.port (0: any free one)",
      cause: error,
    });
  }
}
