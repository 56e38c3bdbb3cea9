/** The log: JSON lines with stable event names, one sink, nothing below the configured level (spec §22). */

import type { Clock, Log, LogLevel, WarningListener } from "../core/ports.ts";

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Writes each event as one line `{ts, level, event, …fields}`; `ts` is RFC 3339. */
export function createJsonLog(o: { level: LogLevel; clock: Clock; write: (line: string) => void }): Log {
  return {
    emit(level, event, fields = {}) {
      if (RANK[level] < RANK[o.level]) return;
      const ts = new Date(o.clock.nowMs()).toISOString();
      o.write(JSON.stringify({ ts, level, event, ...fields }, (_, value) => plain(value)));
    },
  };
}

/** Errors and big numbers as text: a log line must never fail to be written. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  return value;
}

/** The log, with somebody beside it who hears every warning and error, also those below the log's level. */
export function overheard(log: Log, onWarning: WarningListener): Log {
  return {
    emit(level, event, fields = {}) {
      log.emit(level, event, fields);
      if (RANK[level] >= RANK.warn) onWarning(event, fields);
    },
  };
}

/** A JSON log on standard error: standard output is for data. */
export function stderrLog(level: LogLevel, clock: Clock): Log {
  const encoder = new TextEncoder();
  return createJsonLog({
    level,
    clock,
    write: (line) => void Deno.stderr.writeSync(encoder.encode(`${line}\n`)),
  });
}
