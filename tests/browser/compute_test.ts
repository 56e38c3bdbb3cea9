/** The suite in headless Chromium: the npm package and its WebAssembly, fetched from a page on loopback. */
import { buildPackages, expectAllPassed, sharedCases, toolTest } from "../compute/packages.ts";
import type { Outcome } from "../compute/suite/mod.ts";
import { fileResponse, inChromium } from "./chromium.ts";

/** Serves the folder's files, and recorded bars as the gzip that they are. */
function serve(folder: string, bars: string | null): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const path = decodeURIComponent(new URL(request.url).pathname);
    if (path === "/") return new Response("<!doctype html>", { headers: { "content-type": "text/html" } });
    if (path.startsWith("/bars/") && bars !== null) {
      const headers = { "content-type": "text/csv", "content-encoding": "gzip" };
      return new Response(await Deno.readFile(bars + path.slice("/bars/".length)), { headers });
    }
    return await fileResponse(folder + path);
  });
}

/** Runs in the page: loads the package and the suite as modules, and answers the outcome as JSON. */
const IN_PAGE = `(async (seed) => {
  const { load } = await import("/npm/compute.js");
  const { runSuite } = await import("/suite.js");
  const { vectors, recorded } = await (await fetch("/cases.json")).json();
  const compute = await load(fetch("/npm/compute.wasm"));
  const read = async (file) => (await fetch("/bars/" + encodeURIComponent(file))).text();
  return JSON.stringify(await runSuite({ compute, vectors, recorded: { cases: recorded, read }, seed }));
})`;

toolTest({
  name: "the compute core passes its whole suite in headless Chromium, fetched from a page",
  tool: "chromium",
  async fn(chromium) {
    const folder = await buildPackages();
    const { vectors, recorded, folder: bars } = sharedCases();
    await Deno.writeTextFile(`${folder}/cases.json`, JSON.stringify({ vectors, recorded }));
    const server = serve(folder, bars);
    try {
      await inChromium({ chromium, folder }, async (newPage) => {
        const page = await newPage();
        await page.goto(`http://127.0.0.1:${server.addr.port}/`);
        const seed = Number(Deno.env.get("SEAMLESS_TEST_SEED") ?? 1);
        const told = await page.evaluate(`${IN_PAGE}(${seed})`) as string;
        expectAllPassed(JSON.parse(told) as Outcome);
      });
    } finally {
      await server.shutdown();
      await Deno.remove(folder, { recursive: true });
    }
  },
});
