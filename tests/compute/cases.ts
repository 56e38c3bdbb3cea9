/** How many random inputs each comparison of the core takes, and from which seed on: `deno task nightly` takes ten times as many. */

/** True in the nightly run. */
export const NIGHTLY = Deno.env.get("NIGHTLY") === "1";
/** Random inputs of each comparison. */
export const CASES = NIGHTLY ? 100_000 : 10_000;
/** The first seed: the one to replay, or each night another, or always the same. A failure names the one that failed. */
export const SEED = Number(Deno.env.get("TEST_SEED") ?? (NIGHTLY ? randomSeed() : 1));

function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] >>> 1;
}
