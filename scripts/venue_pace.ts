/**
 * Writes src/config/venue_pace.ts: CCXT's own pace of every venue, so that configuration can be checked without loading
 * CCXT. `--check` compares instead. Run it after CCXT's version changed; a test does the comparison.
 *
 *   deno run --allow-read --allow-env --allow-net --allow-write=src/config scripts/venue_pace.ts
 */

import ccxt from "ccxt";

const TARGET = new URL("../src/config/venue_pace.ts", import.meta.url);

/** The module's text as CCXT's classes make it. */
export function venuePaceModule(): string {
  const classes: Record<string, unknown> = { ...ccxt };
  const lines = ccxt.exchanges.map((id: string) => {
    const Venue = classes[id] as new () => { rateLimit: number };
    return `  ${id}: ${new Venue().rateLimit},`;
  });
  return [
    "/** Made by scripts/venue_pace.ts from CCXT: milliseconds of one token (`rateLimit`) that each venue allows. */",
    "export const VENUE_PACE_MS: Readonly<Record<string, number>> = {",
    ...lines,
    "};",
    "",
  ].join("\n");
}

if (import.meta.main) {
  const text = venuePaceModule();
  if (!Deno.args.includes("--check")) await Deno.writeTextFile(TARGET, text);
  else if (await Deno.readTextFile(TARGET) !== text) {
    console.error("src/config/venue_pace.ts is not what CCXT says: run scripts/venue_pace.ts");
    Deno.exit(1);
  }
}
