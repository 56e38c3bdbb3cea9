/** How a port's contract becomes tests: one for each promise, each on an adapter of its own that is disposed of afterwards. */

/** The promises of a port: a sentence each, and the check that holds an adapter to it. */
export type Promises<Under> = Record<string, (under: Under) => Promise<void>>;

/** Registers one test per promise, under the adapter's name. */
export function holdTo<Under extends { dispose(): Promise<void> }>(
  name: string,
  o: { promises: Promises<Under>; make: () => Promise<Under> },
): void {
  for (const [promise, check] of Object.entries(o.promises)) {
    Deno.test({
      name: `${name}: ${promise}`,
      sanitizeOps: true,
      sanitizeResources: true,
      async fn() {
        const under = await o.make();
        try {
          await check(under);
        } finally {
          await under.dispose();
        }
      },
    });
  }
}
