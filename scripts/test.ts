/**
 * Runs every test of the project in bounded groups and closes with one line: `N passed, N failed`, and
 * `, N skipped` when there are any. Each failing test is shown, each skipped one named with its reason. Under CI
 * a test that is skipped because a tool is missing has failed; only `../shared` may be absent.
 *
 * Usage: deno task test [group or part of a path]…
 */

import { filesBelow, ROOT } from "./gate/tree.ts";
import { type Group, groupOf, GROUPS, permissionsOf } from "./testing/groups.ts";
import { lacksSharedAlone, skipReason, type TestCase } from "./testing/junit.ts";
import { killAll, runGroup } from "./testing/run_group.ts";
import { find } from "./testing/tools.ts";

/** Variables that would change what the code under test does: each test sets its own. */
const NOT_FOR_TESTS = /^(SEAMLESS_|QMTL_|CCXT_|AWS_|OTEL_|NO_COLOR$|FORCE_COLOR$)/;

/** Random moments at which writing, publication and a fill are killed under CI, each. */
const CI_KILLS = "200";

/** Processes of tests at once: the machine that all of this is measured for has two cores. */
const PLACES = 2;

const underCi = ["1", "true"].includes(Deno.env.get("CI") ?? "");

function say(line: string): void {
  console.log(line);
}

/**
 * The environment of tests: the machine's (`machine`), without what steers the product, and with a temporary folder of
 * its own. Under CI each test of `kill -9` kills the full number of times, here a sample of it, unless told otherwise.
 */
export function environment(
  machine: Record<string, string>,
  { tempFolder, ci }: { tempFolder: string; ci: boolean },
): Record<string, string> {
  const kept = Object.entries(machine).filter(([name]) => !NOT_FOR_TESTS.test(name));
  return {
    ...(ci ? { TEST_KILLS: CI_KILLS } : {}),
    ...Object.fromEntries(kept),
    NO_COLOR: "1",
    TMPDIR: tempFolder,
    DENO_NO_PROMPT: "1",
  };
}

/** Test files by group, in the order of the groups; `wanted` picks groups by name or files by part of their path. */
export function planTests(files: string[], wanted: string[]): { group: Group; files: string[] }[] {
  const isWanted = (path: string) =>
    wanted.length === 0 || wanted.some((word) => groupOf(path).name === word || path.includes(word));
  const chosen = files.filter((path) => path.endsWith("_test.ts") && isWanted(path));
  return GROUPS.map((group) => ({ group, files: chosen.filter((path) => groupOf(path) === group) }))
    .filter((part) => part.files.length > 0);
}

/** Splits files into `count` lists of about equal length. */
function shardsOf(files: string[], count: number): string[][] {
  const shards = Array.from({ length: Math.min(count, files.length) }, (): string[] => []);
  for (const [index, file] of files.entries()) shards[index % shards.length].push(file);
  return shards;
}

async function runPart({ group, files }: { group: Group; files: string[] }, tempFolder: string) {
  const flags = [...permissionsOf(group, tempFolder), ...(underCi ? ["--frozen"] : [])];
  const shards = shardsOf(files, group.shards);
  const outcomes = await Promise.all(shards.map((shard, index) =>
    runGroup({
      label: shards.length > 1 ? `${group.name}-${index + 1}` : group.name,
      files: shard,
      flags,
      limitSec: group.limitSec,
      root: ROOT,
      tempFolder,
      env: environment(Deno.env.toObject(), { tempFolder, ci: underCi }),
      say,
    })
  ));
  return {
    cases: outcomes.flatMap((one) => one.cases),
    seconds: Math.max(...outcomes.map((one) => one.seconds)),
  };
}

/** Runs parts in their order, as many at once as there are places for their processes. */
export async function sideBySide<P extends { group: { shards: number } }>(
  parts: P[],
  run: (part: P) => Promise<void>,
): Promise<void> {
  let free = PLACES;
  const running = new Set<Promise<void>>();
  for (const part of parts) {
    const places = Math.min(part.group.shards, PLACES);
    while (free < places) await Promise.race(running);
    free -= places;
    const done = run(part).finally(() => {
      free += places;
      running.delete(done);
    });
    running.add(done);
  }
  await Promise.all(running);
}

/** Under CI a skip is a failure, unless all that is missing is the recorded data. */
export function judge(one: TestCase, ci: boolean): TestCase {
  if (one.outcome !== "skipped" || !ci || lacksSharedAlone(one.name)) return one;
  const reason = skipReason(one.name) ?? "something that its name does not say";
  return { ...one, outcome: "failed", detail: `skipped for want of ${reason}, which CI must have` };
}

function show(cases: TestCase[]): void {
  for (const { file, name, detail } of cases.filter((one) => one.outcome === "failed")) {
    say(`FAILED ${file}: ${name}\n${detail.trimEnd().replaceAll(/^/gm, "    ")}`);
  }
  for (const { file, name } of cases.filter((one) => one.outcome === "skipped")) {
    const reason = skipReason(name) ? "" : " (its name does not say why)";
    say(`skipped ${file}: ${name}${reason}`);
  }
}

async function main(wanted: string[]): Promise<number> {
  const files = ["tests", "docs"].flatMap((folder) => filesBelow(folder, ["_test.ts"])).map((file) =>
    file.path
  );
  const tempFolder = Deno.makeTempDirSync({ prefix: "seamless-test-" });
  const stop = async () => {
    await killAll();
    Deno.removeSync(tempFolder, { recursive: true });
    Deno.exit(130);
  };
  Deno.addSignalListener("SIGINT", stop);
  Deno.addSignalListener("SIGTERM", stop);
  const all: TestCase[] = [];
  try {
    await sideBySide(planTests(files, wanted), async (part) => {
      const { cases, seconds } = await runPart(part, tempFolder);
      const judged = cases.map((one) => judge(one, underCi));
      show(judged);
      const bad = judged.filter((one) => one.outcome === "failed").length;
      const size = `${part.files.length} files, ${judged.length} tests`;
      say(
        `${part.group.name.padEnd(9)} ${bad === 0 ? "fine" : `${bad} broken`} (${size}, ${
          seconds.toFixed(1)
        } s)`,
      );
      all.push(...judged);
    });
  } finally {
    Deno.removeSync(tempFolder, { recursive: true });
  }
  if (find("../shared") === null) {
    say("ATTENTION: ../shared is missing; all that needs recorded data was skipped");
  }
  const count = (outcome: TestCase["outcome"]) => all.filter((one) => one.outcome === outcome).length;
  const skipped = count("skipped");
  say(`${count("passed")} passed, ${count("failed")} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  return count("failed") > 0 || count("passed") === 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
