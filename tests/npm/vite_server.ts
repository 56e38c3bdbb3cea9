/** Vite's server for development, as a process of its own. */

import { find } from "../needs.ts";

/** Serves the app in `folder` on loopback while `test` runs; `/artifacts` is passed on to the service. */
export async function inViteServer(
  { folder, artifacts }: { folder: string; artifacts: string },
  test: (url: string) => Promise<void>,
): Promise<void> {
  const server = { host: "127.0.0.1", port: 0, proxy: { "/artifacts": artifacts }, hmr: false };
  await Deno.writeTextFile(`${folder}/vite.config.js`, `export default ${JSON.stringify({ server })};`);
  const vite = new Deno.Command(find("node24")!, {
    args: [find("vite")!, "dev"],
    cwd: folder,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = vite.stdout.pipeThrough(new TextDecoderStream());
  try {
    await test(await addressIn(lines));
  } finally {
    vite.kill("SIGTERM");
    await vite.status;
  }
}

/** The address that it prints once it listens. */
async function addressIn(output: ReadableStream<string>): Promise<string> {
  let said = "";
  for await (const text of output) {
    said += text;
    const [url] = /http:\/\/127\.0\.0\.1:\d+\//.exec(said) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error(`Vite ended before it listened:\n${said}`);
}
