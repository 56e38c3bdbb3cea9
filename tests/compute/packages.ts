/** Builds what Node and browsers run: the npm package, as users get it, and the suite as one module. */
import { find, type Need } from "../../scripts/testing/tools.ts";
import { sharedFile, sharedVectors } from "./shared.ts";
import type { Recorded } from "./suite/recorded.ts";
import { VECTOR_FILES, type Vectors } from "./suite/vectors.ts";

const ROOT = new URL("../../", import.meta.url);

/** A temporary folder with `npm/` (the package) and `suite.js`. The caller removes it. */
export async function buildPackages(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "seamless-compute-" });
  const read = "--allow-read";
  await deno([
    "run",
    read,
    "--allow-write",
    `--allow-run=${Deno.execPath()}`,
    "scripts/build_npm.ts",
    `${folder}/npm`,
  ]);
  const suite = "tests/compute/suite/mod.ts";
  await deno(["bundle", "--quiet", "--no-lock", "--output", `${folder}/suite.js`, suite]);
  return folder;
}

async function deno(args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT }).output();
  if (!success) throw new Error(`deno ${args.join(" ")} failed:\n${new TextDecoder().decode(stderr)}`);
}

/** The shared vectors and the cases of the recorded files, as far as they are there. */
export function sharedCases(): { vectors: Vectors; recorded: Recorded[]; folder: string | null } {
  const vectors = sharedVectors(VECTOR_FILES);
  const folder = sharedFile("data/bars/")?.pathname ?? null;
  const recorded = folder === null ? null : sharedVectors(["recorded"]);
  return { vectors: vectors ?? {}, recorded: (recorded?.recorded.cases ?? []) as Recorded[], folder };
}

/** Registers a test that needs a tool: skipped by name where it is absent, failed where `CI` demands it. */
export function toolTest(o: { name: string; tool: Need; fn: (path: string) => Promise<void> }): void {
  const demanded = ["1", "true"].includes(Deno.env.get("CI") ?? "");
  const path = find(o.tool);
  if (path !== null) {
    Deno.test({ name: o.name, sanitizeOps: true, sanitizeResources: true, fn: () => o.fn(path) });
  } else if (demanded) {
    Deno.test(o.name, () => {
      throw new Error(`${o.tool} is not there, and CI demands it`);
    });
  } else {
    Deno.test({ name: `${o.name} (SKIPPED: ${o.tool} is not there)`, ignore: true, fn() {} });
  }
}

/** Throws with all failures of an outcome. */
export function expectAllPassed(
  outcome: { passed: number; failures: { name: string; message: string }[] },
): void {
  if (outcome.failures.length === 0 && outcome.passed > 0) return;
  const told = outcome.failures.slice(0, 5).map(({ name, message }) => `${name}\n${message}`).join("\n\n");
  throw new Error(`${outcome.passed} passed, ${outcome.failures.length} failed\n${told}`);
}
