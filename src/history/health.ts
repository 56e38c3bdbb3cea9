/** Whether everything that the service stands on works: for `readyz`, and in more detail for `doctor`. */

import { HistoryError } from "../core/errors.ts";
import { SKEW_WARN_MS } from "../core/limits.ts";
import type { ArtifactStore, BarStore, Exchanges } from "../core/ports.ts";
import type { Check } from "../core/service.ts";

export interface HealthParts {
  store: BarStore;
  artifacts: ArtifactStore | null;
  exchanges: Exchanges;
  /** Venues that the configuration names. */
  configured: string[];
  /** Whether the core and the host's SHA-256 give one golden frame the same fingerprint. */
  golden: () => boolean;
  /** What start-up found about the configuration. */
  warnings: string[];
}

export class Health {
  readonly #parts: HealthParts;

  constructor(parts: HealthParts) {
    this.#parts = parts;
  }

  /** Stores and core. */
  async ready(): Promise<{ ready: boolean; checks: Check[] }> {
    const checks = [
      await attempt("bar store", "written and read back", () => this.#parts.store.probe()),
      ...(this.#parts.artifacts === null
        ? []
        : [await attempt("artifact store", "put-if-absent holds", () => this.#parts.artifacts!.probe())]),
      this.#golden(),
    ];
    return { ready: checks.every((check) => check.ok), checks };
  }

  /** Everything of `ready`, the configuration, and the clock against each configured venue. */
  async doctor(): Promise<{ ok: boolean; checks: Check[] }> {
    const { checks } = await this.ready();
    const { warnings, configured } = this.#parts;
    checks.unshift({
      name: "config",
      ok: true,
      message: warnings.length === 0 ? "valid" : `valid, with warnings: ${warnings.join("; ")}`,
    });
    for (const id of configured) checks.push(await this.#venue(id));
    return { ok: checks.every((check) => check.ok), checks };
  }

  #golden(): Check {
    if (this.#parts.golden()) {
      return { name: "wasm golden", ok: true, message: "the core and the host agree" };
    }
    return {
      name: "wasm golden",
      ok: false,
      message: "the core and the host's SHA-256 give different fingerprints",
      hint: "The installation is damaged: install it again; answers made now must not be trusted",
    };
  }

  async #venue(id: string): Promise<Check> {
    const name = `clock of ${id}`;
    const check = await attempt(name, "", async () => {
      const exchange = await this.#parts.exchanges.get(id);
      await exchange.syncClock(undefined, { strict: true });
    });
    if (!check.ok) return check;
    const skewMs = Math.round(this.#parts.exchanges.peek(id)?.skewMs() ?? 0);
    const message = `local clock ${skewMs >= 0 ? "ahead" : "behind"} by ${Math.abs(skewMs)} ms`;
    if (Math.abs(skewMs) <= SKEW_WARN_MS) return { name, ok: true, message };
    return {
      name,
      ok: false,
      message,
      hint: "Set this machine's clock (NTP): publication refuses clocks that are far off",
    };
  }
}

/** A check that passes unless the act fails; only expected failures are findings, others are bugs. */
async function attempt(name: string, fine: string, act: () => Promise<void>): Promise<Check> {
  try {
    await act();
    return { name, ok: true, message: fine };
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error;
    return { name, ok: false, message: error.message, hint: error.hint };
  }
}
