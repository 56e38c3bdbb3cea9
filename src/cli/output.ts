/** What a verb prints: results to standard output, everything else to standard error. */

import type { Sink } from "./surroundings.ts";

const encoder = new TextEncoder();

/** How this run was asked to print. */
export interface PrintMode {
  json: boolean;
  quiet: boolean;
  verbose: boolean;
}

/** Prints in one run's mode. Each call resolves when its text is written. */
export class Output {
  constructor(readonly stdout: Sink, readonly stderr: Sink, readonly mode: PrintMode) {}

  /** A line of the result. */
  line(text: string): Promise<void> {
    return this.stdout.write(encoder.encode(`${text}\n`));
  }

  /** The result as one line of JSON. */
  json(value: unknown): Promise<void> {
    return this.line(JSON.stringify(value));
  }

  /** The result: JSON where it was asked for, else the lines for people. */
  result(value: unknown, lines: () => string[]): Promise<void> {
    return this.mode.json ? this.json(value) : this.line(lines().join("\n"));
  }

  /** Something worth knowing beside the result; not under `--quiet`, nor where standard error is for programs. */
  async note(text: string): Promise<void> {
    if (!this.mode.quiet && !this.mode.json) await this.complain(text);
  }

  /** Something that was done, for those who asked to hear it (`-v`). */
  async detail(text: string): Promise<void> {
    if (this.mode.verbose) await this.complain(text);
  }

  /** Always printed. */
  complain(text: string): Promise<void> {
    return this.stderr.write(encoder.encode(`${text}\n`));
  }
}
