import { strictEqual } from "node:assert/strict";
import { parseDomain } from "../../src/core/domain.ts";
import { refusal } from "../refusal.ts";

const NAMES = {
  backtest: ["backtest", "backtesting", "compute", "compute-only", "offline", "validate"],
  dryrun: ["dryrun", "dry-run", "paper", "papertrade", "sim", "simulation"],
  live: ["live", "prod", "production"],
};

Deno.test("parseDomain() knows every alias of spec §11, whatever its case and separators", () => {
  for (const [domain, names] of Object.entries(NAMES)) {
    for (const name of names) {
      const plain = name.replace("-", "");
      const forms = [
        name,
        plain,
        name.toUpperCase(),
        [...plain].join("_"),
        [...plain].join("-"),
        ` ${plain} `,
        `${plain.slice(0, 2)} ${plain.slice(2)}`,
      ];
      for (const form of forms) strictEqual(parseDomain(form), domain, form);
    }
  }
});

Deno.test("parseDomain() refuses every other word and names the three", () => {
  for (
    const text of ["", "back.test", "lives", "paper\ttrade", "constructor", "__proto__", "live;", "papers"]
  ) {
    const error = refusal(() => parseDomain(text));
    strictEqual(error.code, "UNKNOWN_DOMAIN", text);
    strictEqual(/backtest.*dryrun.*live/.test(error.hint), true);
  }
  strictEqual(refusal(() => parseDomain("x".repeat(100_000))).message.length < 200, true);
});
