/** A headless Chromium that reaches loopback and nothing else. */

import puppeteer, { type Page } from "puppeteer-core";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Whatever asks for another host, learns that there is none.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];
/** The whole suite of the core takes some ten seconds; a page that hangs is a failure, not a wait. */
const PATIENCE_MS = 180_000;

/** Opens a browser whose profile lies below `folder`, and closes it when `test` is done. */
export async function inChromium(
  { chromium, folder }: { chromium: string; folder: string },
  test: (newPage: () => Promise<Page>) => Promise<void>,
): Promise<void> {
  const browser = await puppeteer.launch({
    executablePath: chromium,
    args: FLAGS,
    userDataDir: `${folder}/profile`,
    protocolTimeout: PATIENCE_MS,
  });
  try {
    await test(() => browser.newPage());
  } finally {
    await browser.close();
  }
}

const TYPES: Record<string, string> = {
  html: "text/html",
  js: "text/javascript",
  mjs: "text/javascript",
  wasm: "application/wasm",
  json: "application/json",
};

/** The media type that a web server gives a file by its name. */
export function mediaType(path: string): string {
  return TYPES[path.split(".").pop()!] ?? "text/plain";
}

/** A file of a folder as a web server answers it: 404 for one that is not there. */
export async function fileResponse(file: string, headers: Record<string, string> = {}): Promise<Response> {
  const bytes = await Deno.readFile(file).catch((error) => {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.IsADirectory) return null;
    throw error;
  });
  if (bytes === null) return new Response("not found", { status: 404 });
  return new Response(bytes, { headers: { "content-type": mediaType(file), ...headers } });
}
