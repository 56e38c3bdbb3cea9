/**
 * What the command line stands in: everything that a verb reaches for besides its arguments. `machine.ts` makes it of
 * the real process; tests make their own, so that a whole run of a verb is one function call.
 */

import type { WarningListener } from "../core/ports.ts";
import type { HistoryService } from "../core/service.ts";
import type { LoadedConfig } from "../config/mod.ts";

/** Where text and bytes go. `write` resolves when all is written and rejects with `PipeClosed` when nobody reads. */
export interface Sink {
  write(bytes: Uint8Array): Promise<void>;
  isTerminal: boolean;
  /** Columns of the terminal as it is now; 0 when it does not say. */
  columns(): number;
}

/** The reader of a pipe went away (`| head`): a reason to stop, not a failure. */
export class PipeClosed extends Error {
  override readonly name = "PipeClosed";
}

/** A server that runs. */
export interface RunningServer {
  /** `http://127.0.0.1:8420` */
  url: string;
  /** Resolves when it has stopped, by `stop` or by itself. */
  finished: Promise<void>;
  /** Stops accepting, drains, and closes what stands behind it. */
  stop(): Promise<void>;
}

/** How much the service behind a verb says on stderr. */
export type Verbosity = "quiet" | "normal" | "verbose";

/** The parts of the machine that verbs use. */
export interface Surroundings {
  env: Readonly<Record<string, string>>;
  /** Folder that relative paths of arguments count from. */
  cwd: string;
  stdout: Sink;
  stderr: Sink;
  /** Epoch milliseconds. */
  nowMs(): number;
  /** Milliseconds that never go back. */
  monotonicMs(): number;
  /** Calls `then` after `ms`; the result takes it back. */
  after(ms: number, then: () => void): () => void;
  /** Calls the handler at each signal; the result takes it back. */
  onSignal(signal: "SIGINT" | "SIGTERM", handler: () => void): () => void;
  /** Ends the process at once: only for a second Ctrl-C. */
  exitNow(code: number): void;
  /** Whether there is a file of that path. */
  exists(path: string): boolean;
  fetch: typeof fetch;
  /** A service of this process over local stores. */
  wire(
    config: LoadedConfig,
    o: { verbosity: Verbosity; onWarning?: WarningListener },
  ): Promise<HistoryService>;
  /** A server of this process. `CONFIG_INVALID` when its address cannot be had. */
  serve(config: LoadedConfig, o: { verbosity: Verbosity }): Promise<RunningServer>;
}
