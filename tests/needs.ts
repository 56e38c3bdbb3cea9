/**
 * Tests that need something of the machine. What is missing makes them skip by name with the reason in it, so that
 * `deno task test` counts them; under CI a missing tool is a failure, only `../shared` may be absent.
 */

import { find, type Need } from "../scripts/testing/tools.ts";

export { find, type Need };

/**
 * Registers a test that runs only where everything it needs is there.
 *
 * ```ts
 * testNeeding(["../shared"], "conform() agrees with the recorded vectors", () => { … });
 * ```
 */
export function testNeeding(
  needs: Need[],
  name: string,
  fn: (t: Deno.TestContext) => void | Promise<void>,
): void {
  const missing = needs.filter((need) => find(need) === null);
  const ignore = missing.length > 0;
  Deno.test({ name: ignore ? `${name} [needs ${missing.join(", ")}]` : name, ignore, fn });
}
