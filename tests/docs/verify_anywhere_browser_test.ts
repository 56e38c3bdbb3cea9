/**
 * docs/verify-anywhere.md in headless Chromium, without a network: its lines as they stand, in a page without a
 * bundler, in a worker, and in apps that Vite builds and serves. `/artifacts` is a running service's own.
 */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Page } from "puppeteer-core";
import { inChromium } from "../browser/chromium.ts";
import { find, type Need, testNeeding } from "../needs.ts";
import { publish, type Published } from "../npm/published.ts";
import { type Site, withArtifacts, withSite } from "../npm/site.ts";
import { inUserFolder, run } from "../npm/user_folder.ts";
import { inViteServer } from "../npm/vite_server.ts";
import { blocksOf, readDocument } from "./documents.ts";

const NEEDS: Need[] = ["npm", "node24", "vite", "chromium"];
const PAGE = await readDocument("docs/verify-anywhere.md");

/** The one block of the page in a language. */
function block(language: string): string {
  const [lines, ...more] = blocksOf(PAGE, language);
  ok(lines !== undefined && more.length === 0, `the page has not one block of ${language}`);
  return lines;
}

/** What stands in a page's inline module, so that it can be a file under a strict policy. */
const inlineModule = (html: string) => /<script type="module">\n([\s\S]*)<\/script>/.exec(html)![1];
const pageOf = (module: string) => `<!doctype html><script type="module" src="${module}"></script>`;
/** What a test calls is not the page's to show: here it gets a name. */
const callable = (lines: string) => `${lines}\nglobalThis.verify = verify;\n`;

const FILES: Record<string, string> = {
  "script.html": block("html script"),
  "strict.html": pageOf("/strict.js"),
  "strict.js": inlineModule(block("html script")),
  "worker.html": pageOf("/page.js"),
  "page.js": callable(block("js page")),
  "verify_worker.js": block("js worker"),
};

/** An app for Vite: the page's lines beside it and, with bare names as the page says, in a worker. */
const APP: Record<string, string> = {
  "index.html": pageOf("/main.js"),
  "verify.js": block("js vite"),
  "app_worker.js": block("js worker").replaceAll(
    /"\/lib\/(@seamless\/seamless\/compute|[a-z]+)[^"]*"/g,
    `"$1"`,
  )
    .replaceAll("compute.js", "compute"),
  "main.js": `
    import { verify } from "./verify.js";
    const worker = new Worker(new URL("./app_worker.js", import.meta.url), { type: "module" });
    globalThis.verify = verify;
    globalThis.verifyBeside = (manifestUri, expected) => new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data.verified);
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage({ manifestUri, expected });
    });
  `,
};

async function write(folder: string, files: Record<string, string>): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/${name}`, text);
}

/** Opens an address; whatever the page complains of, fails the test at its end. */
async function opened(
  newPage: () => Promise<Page>,
  url: string,
): Promise<{ page: Page; complaints: string[] }> {
  const page = await newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    // Browsers ask every site for an icon.
    const icon = message.location().url?.endsWith("/favicon.ico");
    if (message.type() === "error" && !icon) complaints.push(`${message.text()} ${message.location().url}`);
  });
  page.on("requestfailed", (request) => complaints.push(`${request.url()} failed`));
  await page.goto(url);
  return { page, complaints };
}

/** A function of the page says yes to the genuine dataset, and no to others. */
async function expectVerdicts(page: Page, name: string, published: Published): Promise<void> {
  const { manifestUri, forgedUri, fingerprint } = published;
  await page.waitForFunction(`typeof globalThis.${name} === "function"`);
  const ask = (...o: string[]) => page.evaluate(`globalThis.${name}(${o.map((one) => JSON.stringify(one))})`);
  strictEqual(await ask(manifestUri, fingerprint), true);
  strictEqual(await ask(manifestUri, fingerprint.replace("sfp1:", "sfp1:0")), false);
  strictEqual(await ask(forgedUri, fingerprint), false);
}

/** A page that says in its title what came of the dataset in its address. */
async function expectTitles(newPage: () => Promise<Page>, url: string, published: Published): Promise<void> {
  const { manifestUri, forgedUri, fingerprint } = published;
  for (const [uri, title] of [[manifestUri, "verified"], [forgedUri, "NOT VERIFIED"]]) {
    const query = new URLSearchParams([["of", uri], ["of", fingerprint]]);
    const { page, complaints } = await opened(newPage, `${url}?${query}`);
    await page.waitForFunction(`document.title === "${title}"`);
    deepStrictEqual(complaints, []);
    await page.close();
  }
}

interface Setting {
  newPage: () => Promise<Page>;
  published: Published;
  site: Site;
  path: string;
}

async function inSetting(test: (setting: Setting) => Promise<void>): Promise<void> {
  await inUserFolder(async ({ path }) => {
    const published = await publish(`${path}/artifacts`);
    const site = { folder: `${path}/site`, packages: `${path}/node_modules` };
    await write(site.folder, FILES);
    await write(path, APP);
    await withArtifacts(published.root, (artifacts) =>
      inChromium(
        { chromium: find("chromium")!, folder: path },
        (newPage) => test({ newPage, published, site: { ...site, artifacts }, path }),
      ));
  });
}

testNeeding(
  NEEDS,
  "in a browser the page's lines verify a published dataset, and not others",
  (t) =>
    inSetting(async ({ newPage, published, site, path }) => {
      await t.step(
        "in a page without a bundler",
        () => withSite(site, (url) => expectTitles(newPage, `${url}/script.html`, published)),
      );

      await t.step("in a worker", () => withSite(site, (url) => expectInWorker(newPage, url, published)));

      await t.step("under the policy that the page names, in a page and in a worker", () =>
        withSite({ ...site, policy: block("").trim() }, async (url) => {
          await expectTitles(newPage, `${url}/strict.html`, published);
          await expectInWorker(newPage, url, published);
        }));

      await t.step("and load() says so when the policy has no wasm-unsafe-eval", () =>
        withSite({ ...site, policy: block("").replace(" 'wasm-unsafe-eval'", "").trim() }, async (url) => {
          const { page } = await opened(newPage, `${url}/worker.html`);
          const load = `import("/lib/@seamless/seamless/compute.js").then(({ load }) => load())`;
          strictEqual(
            await page.evaluate(`${load}.then(() => "loaded", (error) => error.name)`),
            "CompileError",
          );
          await page.close();
        }));

      await t.step("in an app that Vite builds", async () => {
        const said = await run(find("node24")!, [
          find("vite")!,
          "build",
          "--outDir",
          "site/app",
          "--base",
          "/app/",
        ], {
          cwd: path,
        });
        ok(!/warn|\(!\)/i.test(said), said);
        await withSite(site, (url) =>
          expectApp(newPage, `${url}/app/index.html`, published));
      });

      await t.step(
        "in an app that Vite serves while it is written",
        () =>
          inViteServer({ folder: path, artifacts: site.artifacts }, (url) =>
            expectApp(newPage, url, published)),
      );
    }),
);

async function expectInWorker(
  newPage: () => Promise<Page>,
  url: string,
  published: Published,
): Promise<void> {
  const { page, complaints } = await opened(newPage, `${url}/worker.html`);
  await expectVerdicts(page, "verify", published);
  deepStrictEqual(complaints, []);
  await page.close();
}

async function expectApp(newPage: () => Promise<Page>, url: string, published: Published): Promise<void> {
  const { page, complaints } = await opened(newPage, url);
  await expectVerdicts(page, "verify", published);
  await expectVerdicts(page, "verifyBeside", published);
  deepStrictEqual(complaints, []);
  await page.close();
}
