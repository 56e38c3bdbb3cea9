/** `serve`: the service over HTTP, until it is told to stop. */

import type { Call, Verb } from "../call.ts";
import { numberOption, textOption } from "../options.ts";
import { usageError } from "../arguments.ts";

export const serveVerb: Verb = {
  name: "serve",
  summary: "answer over HTTP",
  usage: "serve",
  about:
    "Answers bars, coverage, gaps and the rest over HTTP until SIGTERM or Ctrl-C: then it drains and ends (exit 0).",
  options: [
    { name: "port", value: "N", doc: "default 8420 (server.port); 0: any free one" },
    { name: "hostname", value: "HOST", doc: "default 127.0.0.1; any other needs API keys" },
  ],
  examples: ["seamless serve --port 8420"],
  takes: { min: 0, max: 0, what: "nothing" },
  notOverHttp: "it is the service",
  run: serve,
};

async function serve(call: Call): Promise<number> {
  const port = numberOption(call.args, "port", { min: 0, max: 65_535, whole: true });
  const hostname = textOption(call.args, "hostname");
  if (hostname !== undefined && !/^[\w.:[\]-]+$/.test(hostname)) {
    throw usageError(
      `Cannot use --hostname ${JSON.stringify(hostname.slice(0, 60))}: it is no host`,
      "Write 127.0.0.1 or a host name",
    );
  }
  // They are flags of the configuration, so that its checks (keys off loopback) see them.
  if (port !== undefined) addSetting(call, `server.port=${port}`);
  if (hostname !== undefined) addSetting(call, `server.hostname=${hostname}`);
  const config = await call.config();
  if (call.dryRun) {
    const { server } = config.config;
    await call.out.result({ would_listen: { hostname: server.hostname, port: server.port } }, () => [
      `would listen on ${server.hostname}:${server.port}`,
    ]);
    return 0;
  }
  const { quiet, verbose, json } = call.out.mode;
  const running = await call.s.serve(config, { verbosity: quiet ? "quiet" : verbose ? "verbose" : "normal" });
  if (json) await call.out.json({ event: "listening", url: running.url });
  else {
    await call.out.line(`Seamless listens on ${running.url}`);
    await call.out.line(`try: curl '${running.url}/v1/bars?node_id=ohlcv:binance:BTC/USDT:1m&last=5'`);
    await call.out.note("Ctrl-C stops it");
  }
  await untilStopped(call, running);
  return 0;
}

function addSetting(call: Call, setting: string): void {
  call.args.options.set("set", [...(call.args.options.get("set") ?? []), setting]);
}

/** Until Ctrl-C, SIGTERM, the time-out, or until the server ends by itself. */
async function untilStopped(
  call: Call,
  running: { finished: Promise<void>; stop(): Promise<void> },
): Promise<void> {
  const told = Promise.withResolvers<void>();
  call.signal.addEventListener("abort", () => told.resolve(), { once: true });
  await Promise.race([told.promise, running.finished]);
  await running.stop();
}
