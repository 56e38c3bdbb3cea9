/** Listens: binds the address, and stops gracefully. */

import { HistoryError } from "../core/errors.ts";
import { DRAIN_MAX_MS } from "../core/limits.ts";
import type { App } from "./app.ts";
import { isLoopback } from "./settings.ts";

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
  const cut = new AbortController();
  const server = listen(app, cut.signal);
  const shutdown = async () => {
    app.close();
    const patience = new AbortController();
    const tooLong = clock.sleep(DRAIN_MAX_MS, patience.signal).then(
      () => {
        log.emit("warn", "seamless.http.drain_cut", { after_ms: DRAIN_MAX_MS });
        cut.abort();
      },
      () => {/* Everything ended in time. */},
    );
    await Promise.race([server.shutdown(), tooLong]);
    patience.abort();
    await server.finished;
  };
  const { hostname, port } = server.addr;
  return { url: `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`, shutdown };
}

function listen(app: App, signal: AbortSignal): Deno.HttpServer<Deno.NetAddr> {
  const { hostname, port } = app.parts.config;
  try {
    return Deno.serve({ hostname, port, signal, onListen: () => {} }, (request) => app(request));
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
