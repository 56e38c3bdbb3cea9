/**
 * What a bench stands on: a temporary folder, and processes of its own that are gone when the stage is closed, however
 * the bench ended.
 */

import { fileURLToPath } from "node:url";
import { join } from "node:path";

/** The checkout. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The virtual environment of the tests that open our files with other tools (scripts/python_env.ts); null where there is none. */
export function pythonOfTests(): string | null {
  const python = join(ROOT, ".cache/python/bin/python");
  try {
    Deno.statSync(python);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  return python;
}

/** A process that goes on until the stage is closed. */
export interface Running {
  pid: number;
  /** The first line that it printed. */
  line: string;
  stop(): Promise<void>;
}

/** A program with its arguments, and what it finds in its environment besides what it needs to start. */
export interface Command {
  program?: string;
  args: string[];
  cwd?: string;
}

/** Processes and files of one bench run. */
export class Stage {
  readonly folder = Deno.makeTempDirSync({ prefix: "seamless-bench-" });
  readonly #children = new Set<Deno.ChildProcess>();
  readonly #draining = new Map<Deno.ChildProcess, Promise<void>>();
  #folders = 0;

  /** A new empty folder. */
  newFolder(): string {
    const folder = join(this.folder, String(this.#folders++));
    Deno.mkdirSync(folder);
    return folder;
  }

  /** Runs a program to its end and gives what it printed. Throws when it failed. */
  async run(command: Command): Promise<string> {
    const child = this.#spawn(command);
    const text = new Response(child.stdout).text();
    const { success, code } = await child.status;
    this.#children.delete(child);
    if (!success) throw new Error(`${nameOf(command)} ended with ${code}`);
    return await text;
  }

  /** As `run`, with the last line as JSON. */
  async runJson<T>(command: Command): Promise<T> {
    return JSON.parse((await this.run(command)).trimEnd().split("\n").at(-1)!) as T;
  }

  /** Starts a program and resolves when it has printed its first line. What it prints later is thrown away. */
  async start(command: Command): Promise<Running> {
    const child = this.#spawn(command);
    const first = Promise.withResolvers<string>();
    const drain = async () => {
      let seen = "";
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
        if (!seen.includes("\n")) seen += text;
        if (seen.includes("\n")) first.resolve(seen.slice(0, seen.indexOf("\n")));
      }
      first.reject(new Error(`${nameOf(command)} ended before it was ready`));
    };
    this.#draining.set(child, drain());
    return { pid: child.pid, line: await first.promise, stop: () => this.#end(child) };
  }

  /** Ends what still runs and removes the folder. */
  async close(): Promise<void> {
    await Promise.all([...this.#children].map((child) => this.#end(child)));
    Deno.removeSync(this.folder, { recursive: true });
  }

  #spawn({ program = Deno.execPath(), args, cwd = ROOT }: Command): Deno.ChildProcess {
    const child = new Deno.Command(program, { args, cwd, stdin: "null", stdout: "piped", stderr: "inherit" })
      .spawn();
    this.#children.add(child);
    return child;
  }

  /** What was killed may still be writing for a moment: the folder goes when it is gone. */
  async #end(child: Deno.ChildProcess): Promise<void> {
    if (!this.#children.delete(child)) return;
    try {
      child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
    await (this.#draining.get(child) ?? child.stdout.cancel());
    await child.status;
  }
}

function nameOf({ program = "deno", args }: Command): string {
  return [program, ...args.filter((arg) => !arg.startsWith("--"))].slice(0, 3).join(" ");
}
