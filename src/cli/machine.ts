/** The surroundings of the real process. */

import { existsSync } from "node:fs";
import process from "node:process";
import { PipeClosed, type Sink, type Surroundings } from "./surroundings.ts";

/** How a process that was ended from outside by a signal is waited for; platforms without SIGTERM skip it. */
const hasSigterm = Deno.build.os !== "windows";

/** A standard stream. Text and bytes are written whole; a closed pipe is told as `PipeClosed`. */
function sinkOf(stream: typeof Deno.stdout, columns: () => number): Sink {
  // Writes wait for one another, so that pieces never mix.
  let last: Promise<void> = Promise.resolve();
  const writeAll = async (bytes: Uint8Array) => {
    try {
      for (let at = 0; at < bytes.length;) at += await stream.write(bytes.subarray(at));
    } catch (error) {
      throw error instanceof Deno.errors.BrokenPipe ? new PipeClosed() : error;
    }
  };
  return {
    isTerminal: stream.isTerminal(),
    columns,
    write(bytes) {
      const written = last.then(() => writeAll(bytes));
      last = written.catch(() => {});
      return written;
    },
  };
}

/** Width of the terminal now; 0 where there is none or it will not say. */
function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns;
  } catch (error) {
    if (error instanceof Error) return 0;
    throw error;
  }
}

/** The real process as surroundings. What stands behind verbs is loaded when the first verb needs it. */
export function machineSurroundings(): Surroundings {
  return {
    env: Deno.env.toObject(),
    cwd: Deno.cwd(),
    stdout: sinkOf(Deno.stdout, terminalColumns),
    stderr: sinkOf(Deno.stderr, terminalColumns),
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    after(ms, then) {
      const timer = setTimeout(then, ms);
      return () => clearTimeout(timer);
    },
    onSignal(signal, handler) {
      if (signal === "SIGTERM" && !hasSigterm) return () => {};
      Deno.addSignalListener(signal, handler);
      return () => Deno.removeSignalListener(signal, handler);
    },
    exitNow: (code) => process.exit(code),
    exists: existsSync,
    fetch,
    async wire(config, o) {
      const { wire } = await import("../wire.ts");
      return await wire(config, { ...o, evenWithoutBars: true });
    },
    async serve(config, o) {
      const { serve } = await import("../wire.ts");
      return await serve(config, o);
    },
  };
}
