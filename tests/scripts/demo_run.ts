/** Runs the demo, and the commands that it prints, as a user would: in a process, from a folder of one's own. */

import { ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Under this the demo has to be done, and everything that it prints. */
const LIMIT_MS = 30_000;

/** What a process said, and how it ended. */
export interface Ended {
  code: number;
  out: string;
  err: string;
}

/** The demo over `folder`, started from `cwd`; fails when it takes longer than it promises. */
export async function runDemo(o: { folder: string; cwd: string }): Promise<Ended> {
  return await run("scripts/demo.ts", [o.folder], o.cwd);
}

/** A command line as the demo prints it: `… task --quiet seamless VERB …`. */
export async function runPrinted(line: string, cwd: string): Promise<Ended> {
  const [, args] = line.split(" seamless ");
  return await run("src/main.ts", args.split(" "), cwd);
}

async function run(script: string, args: string[], cwd: string): Promise<Ended> {
  const permissions = ["--allow-read", "--allow-write", "--allow-env", "--allow-net", "--allow-sys=hostname"];
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      `--config=${ROOT}deno.json`,
      ...permissions,
      `${ROOT}${script}`,
      ...args,
    ],
    cwd,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill("SIGKILL");
  }, LIMIT_MS);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  ok(!isLate, `${script} was not done after ${LIMIT_MS} ms`);
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}
