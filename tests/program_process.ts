/** The program as a process in a folder of its own: started, listened to, waited for. */

import { ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const DENO_CONFIG = fileURLToPath(new URL("../deno.json", import.meta.url));
/** A process that is not done by then hangs. */
const LIMIT_MS = 90_000;

/** What a process said, and how it ended. */
export interface Ended {
  code: number;
  out: string;
  err: string;
}

/** Starts the program with the folder as its working directory. */
export function spawnIn(folder: string, args: string[]): Deno.ChildProcess {
  // The variables of a test run would be unknown keys of the program's configuration.
  const env = Object.fromEntries(
    Object.entries(Deno.env.toObject()).filter(([name]) => !name.startsWith("SEAMLESS_")),
  );
  const permissions = ["--allow-read", "--allow-write", "--allow-env", "--allow-net", "--allow-sys=hostname"];
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-check",
      `--config=${DENO_CONFIG}`,
      ...permissions,
      MAIN,
      ...args,
    ],
    cwd: folder,
    clearEnv: true,
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** All that a process says until it ends; one that hangs is killed, and the test fails. */
export async function ended(child: Deno.ChildProcess): Promise<Ended> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, LIMIT_MS);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const text = new TextDecoder();
  const [out, err] = [text.decode(stdout), text.decode(stderr)];
  ok(!late, `not done after ${LIMIT_MS} ms: ${out}${err}`);
  return { code, out, err };
}

/** A service that runs. */
export interface Served {
  url: string;
  /** Ends it; its exit code. */
  stop: (signal?: "SIGTERM" | "SIGKILL") => Promise<number>;
}

/** Waits until a process that was started with `serve` listens. */
export async function listening(child: Deno.ChildProcess): Promise<Served> {
  const reader = child.stdout.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (!/curl .*\n/.test(text)) {
    const { value, done } = await reader.read();
    ok(!done, `serve ended before it listened: ${text}`);
    text += decoder.decode(value, { stream: true });
  }
  reader.releaseLock();
  const stop = async (signal: "SIGTERM" | "SIGKILL" = "SIGTERM") => {
    child.kill(signal);
    return (await ended(child)).code;
  };
  return { url: /listens on (http:\S+)/.exec(text)![1], stop };
}
