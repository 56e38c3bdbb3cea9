/** What it means that a port is taken. */

import { HistoryError } from "../core/errors.ts";

/** The port is taken: exit 2, found before anything runs. */
export function portTaken(server: { hostname: string; port: number }, cause: unknown): HistoryError {
  const next = server.port >= 65_535 ? 8420 : server.port + 1;
  return new HistoryError(
    "CONFIG_INVALID",
    `Cannot listen on ${server.hostname}:${server.port}: another program uses that port`,
    {
      hint: `Stop the other one, or choose another port: seamless serve --port ${next} (0: any free one)`,
      cause,
    },
  );
}
