/**
 * What was last measured of venues' clocks, kept beside the markets: reports and plans ask no venue, and yet what has
 * closed there is judged by its time. A word of an earlier process counts for a day, and never against one's own.
 *
 * A file is keyed by what decides which clock it is (URLs, sandbox) and is written whole or not at all; one that cannot
 * be read is as good as none.
 */

import { createHash } from "node:crypto";
import type { VenueClock } from "../../core/ports.ts";
import type { ExchangesInput } from "./settings.ts";

const KEPT_MS = 24 * 3_600_000;
const FORMAT = 1;

interface ClockFile {
  format: number;
  exchange: string;
  skewMs: number;
  measuredAtMs: number;
}

/** The clocks of the venues of one data folder. Without a folder it knows nothing and keeps nothing. */
export class ClockBook {
  readonly #input: ExchangesInput;
  /** By exchange, read once: what others write meanwhile, this process measures itself. */
  readonly #read = new Map<string, ClockFile | null>();

  constructor(input: ExchangesInput) {
    this.#input = input;
  }

  /** What an earlier process measured, if that was within a day. */
  earlier(id: string): VenueClock | null {
    let file = this.#read.get(id);
    if (file === undefined) this.#read.set(id, file = readFile(this.#path(id), id));
    if (file === null) return null;
    const ageMs = this.#input.clock.nowMs() - file.measuredAtMs;
    if (ageMs < 0 || ageMs >= KEPT_MS) return null;
    return { skewMs: file.skewMs, measuredAtMs: file.measuredAtMs, isOwn: false };
  }

  /** Keeps a measurement. A folder that cannot be written costs later processes a question, not this one its answer. */
  keep(id: string, { skewMs, measuredAtMs }: { skewMs: number; measuredAtMs: number }): void {
    const path = this.#path(id);
    if (path === null) return;
    const file: ClockFile = { format: FORMAT, exchange: id, skewMs, measuredAtMs };
    const temporary = `${path}.${this.#input.dice.id()}.tmp`;
    try {
      Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      Deno.writeTextFileSync(temporary, JSON.stringify(file));
      Deno.renameSync(temporary, path);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const { message } = error;
      this.#input.log.emit("warn", "seamless.exchange.clock_not_kept", { exchange: id, error: message });
    }
  }

  #path(id: string): string | null {
    const { clocksDir, settings } = this.#input;
    if (clocksDir === undefined || clocksDir === null || !/^[a-z0-9_]+$/.test(id)) return null;
    const { urls, sandbox } = settings(id);
    const key = JSON.stringify([FORMAT, id, urls ?? {}, sandbox]);
    return `${clocksDir}/${id}-${createHash("sha256").update(key).digest("hex").slice(0, 16)}.json`;
  }
}

/** The file's content if it is there, whole, and this venue's. */
function readFile(path: string | null, id: string): ClockFile | null {
  if (path === null) return null;
  try {
    const file: unknown = JSON.parse(Deno.readTextFileSync(path));
    return isClockOf(file, id) ? file : null;
  } catch (error) {
    // Not there, not ours to read, or somebody else's bytes: measured anew and replaced.
    if (error instanceof Error) return null;
    throw error;
  }
}

function isClockOf(file: unknown, id: string): file is ClockFile {
  if (file === null || typeof file !== "object") return false;
  const { format, exchange, skewMs, measuredAtMs } = file as ClockFile;
  return format === FORMAT && exchange === id && Number.isFinite(skewMs) && Number.isFinite(measuredAtMs);
}
