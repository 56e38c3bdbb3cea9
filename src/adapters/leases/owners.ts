/**
 * Which processes on this machine still live: each keeps a small file beside the store locked, and the system unlocks
 * it however the process ends. A lease whose owner is gone is free at once, so that a fill that was killed goes on
 * without waiting for the lease to run out.
 */

import type { Dice } from "../../core/ports.ts";

/** Between the owner's part of a token and the rest. */
const SEPARATOR = ".";

export class LeaseOwners {
  readonly #prefix: string;
  readonly #dice: Dice;
  readonly #id: string;
  #own: Deno.FsFile | null = null;

  /** `prefix`: where the files of all owners begin, the same for every process on one store. */
  constructor(parts: { prefix: string; dice: Dice }) {
    this.#prefix = parts.prefix;
    this.#dice = parts.dice;
    this.#id = parts.dice.id();
  }

  /** A new token of this process. From the first one on, others can see that it lives. */
  token(): string {
    this.#own ??= this.#show();
    return `${this.#id}${SEPARATOR}${this.#dice.id()}`;
  }

  /** Whether the process that made the token has ended. A token of no owner belongs to somebody unknown: false. */
  isGone(token: string): boolean {
    const [owner, rest] = token.split(SEPARATOR);
    if (rest === undefined || owner === this.#id) return false;
    const path = this.#path(owner);
    try {
      const file = Deno.openSync(path, { write: true });
      try {
        if (!file.tryLockSync(true)) return false;
        Deno.removeSync(path);
        return true;
      } finally {
        file.close();
      }
    } catch (error) {
      // Given back, or found by somebody else meanwhile: only who lives has a file.
      if (error instanceof Deno.errors.NotFound) return true;
      throw error;
    }
  }

  /** This process is about to end: what it still holds is free for others. */
  close(): void {
    if (this.#own === null) return;
    const file = this.#own;
    this.#own = null;
    try {
      Deno.removeSync(this.#path(this.#id));
    } catch (error) {
      // The whole folder may have been taken away while we ran.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    } finally {
      file.close();
    }
  }

  #show(): Deno.FsFile {
    const file = Deno.openSync(this.#path(this.#id), { write: true, create: true });
    if (!file.tryLockSync(true)) throw new Error(`unreachable: two processes are called ${this.#id}`);
    return file;
  }

  #path(owner: string): string {
    return `${this.#prefix}${owner}`;
  }
}
