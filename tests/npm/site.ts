/** The web servers of the tests: a folder of pages with packages beside it, and a service's artifacts behind it. */

import { loadConfig } from "../../src/config/mod.ts";
import { serve } from "../../src/wire.ts";
import { fileResponse } from "../browser/chromium.ts";

/** What a site answers from. */
export interface Site {
  /** Its files. */
  folder: string;
  /** A `node_modules`, served below `/lib/`. */
  packages: string;
  /** Where the service is that `/artifacts/` is passed on to. */
  artifacts: string;
  /** Content-Security-Policy of every file. */
  policy?: string;
}

/** Runs `test` while the site is served on loopback. */
export async function withSite(site: Site, test: (url: string) => Promise<void>): Promise<void> {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => answer(site, request),
  );
  try {
    await test(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
}

/** A proxy as one configures it: the path is passed on as it came. */
async function answer(site: Site, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname.startsWith("/artifacts/")) return await fetch(site.artifacts + pathname);
  const headers: Record<string, string> = site.policy === undefined
    ? {}
    : { "content-security-policy": site.policy };
  const file = pathname.startsWith("/lib/")
    ? `${site.packages}/${pathname.slice("/lib/".length)}`
    : site.folder + pathname;
  return await fileResponse(file, headers);
}

/** Runs `test` while a service serves the artifacts below `root`. */
export async function withArtifacts(root: string, test: (url: string) => Promise<void>): Promise<void> {
  const text = JSON.stringify({
    storage: { bars: "memory:" },
    seamless: { artifact: { object_store_uri: root } },
  });
  const path = `${root}/../seamless.yaml`;
  await Deno.writeTextFile(path, text);
  const loaded = loadConfig({ path, env: {}, flags: { "server.port": "0" }, cwd: root });
  const running = await serve(loaded, { verbosity: "quiet" });
  try {
    await test(running.url);
  } finally {
    await running.stop();
  }
}
