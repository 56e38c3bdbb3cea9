/**
 * Stores that could not be opened, for runs that may do without them: a backtest reads published files alone, and a
 * damaged or read-only hot store must not stand in its way.
 */

import { HistoryError } from "../../core/errors.ts";

/** What `open` gives; when it fails, ports of which every call throws why, and a `close` that has nothing to close. */
export function orUnopened<S extends { close: () => Promise<void> }>(open: () => S): S {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error;
    const close = () => Promise.resolve();
    return new Proxy({ close } as S, {
      get: (_, name) => (name === "close" ? close : failing(error)),
    });
  }
}

function failing(why: HistoryError): object {
  const fail = () => {
    throw why;
  };
  return new Proxy({}, { get: () => fail });
}
