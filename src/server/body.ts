/** Reads JSON bodies: bounded in size and time, of the right type, well-formed. */

import { BODY_MAX_BYTES } from "../core/limits.ts";
import { cancelled, HistoryError } from "../core/errors.ts";
import { concatBytes } from "../formats/encode.ts";
import { badRequest, shown } from "./query.ts";
import type { Call } from "./route.ts";

/**
 * The JSON value of a request's body. `UNSUPPORTED_MEDIA` by its type, `BODY_TOO_LARGE` by its size, `BAD_REQUEST` by its
 * text or because it does not come, `CANCELLED` when the client leaves before it has sent it.
 */
export async function readJson(call: Call): Promise<unknown> {
  const { request } = call;
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/(json|[a-z0-9.-]+\+json)\s*(;|$)/i.test(type)) {
    throw new HistoryError("UNSUPPORTED_MEDIA", `Cannot read a body of type "${shown(type)}"`, {
      hint: "Send JSON with Content-Type: application/json",
    });
  }
  const text = decode(await readInTime(call));
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw badRequest(`Cannot read the body: it is no JSON (${shown(error.message)})`, "Send one JSON object");
  }
}

/** A client that stops sending would hold its place for ever, and many of them all places. */
async function readInTime({ request, standing: { clock, config } }: Call): Promise<Uint8Array> {
  const done = new AbortController();
  const late = clock.sleep(config.writeTimeoutMs, done.signal).then(
    () => Promise.reject(stalled(config.writeTimeoutMs)),
    () => NEVER,
  );
  try {
    return await Promise.race([readBounded(request), late]);
  } catch (error) {
    // What the stream itself throws is that nothing more comes: the client is gone.
    throw error instanceof HistoryError ? error : cancelled("Reading the body");
  } finally {
    done.abort();
  }
}

const NEVER = new Promise<never>(() => {});

async function readBounded(request: Request): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > BODY_MAX_BYTES) throw tooLarge();
  if (request.body === null) return new Uint8Array(0);
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of request.body) {
    size += piece.length;
    if (size > BODY_MAX_BYTES) throw tooLarge();
    pieces.push(piece);
  }
  return concatBytes(pieces);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw badRequest("Cannot read the body: it is no UTF-8", "Send JSON in UTF-8");
  }
}

function stalled(timeoutMs: number): HistoryError {
  return badRequest(`Cannot read the body: it did not come whole within ${timeoutMs} ms`, "Send it at once");
}

function tooLarge(): HistoryError {
  return new HistoryError("BODY_TOO_LARGE", `Cannot read a body of more than ${BODY_MAX_BYTES} bytes`, {
    hint: "Send fewer nodes or requests at a time",
  });
}
