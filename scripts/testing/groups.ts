/**
 * The bounded groups that `deno task test` runs one after the other. A file's place decides its group, and with it
 * what its tests may touch; `unit` holds all that no other group claims. Nothing may write outside the run's own
 * temporary folder, and nothing may reach any host but loopback.
 */

import { find, type Need } from "./tools.ts";

/** One group of test files. */
export interface Group {
  name: string;
  /** Chosen by path from the root; the first group that matches takes the file. */
  takes: (path: string) => boolean;
  /** Killed, and named, when it takes longer. */
  limitSec: number;
  /** Processes side by side. */
  shards: number;
  /** Programs that its tests may run besides Deno; `run` false: none, Deno neither. */
  run: boolean;
  tools: Need[];
  /** More permissions of `deno test`. */
  flags: string[];
}

/** A folder of that name right below tests/, or a file whose name ends in the word: `tests/node/…`, `…/fill_kill_test.ts`. */
const named = (words: string) => new RegExp(`^tests/(${words})/|(?<!/in)[/_](${words})_test\\.ts$`);

function group(name: string, words: string, o: Partial<Group>): Group {
  const pattern = named(words);
  return {
    name,
    takes: (path) => pattern.test(path),
    limitSec: 240,
    shards: 1,
    run: false,
    tools: [],
    flags: [],
    ...o,
  };
}

/** All groups in the order in which they run: what is quick and narrow first. */
export const GROUPS: readonly Group[] = [
  group("unit", "", {
    takes: (path) => GROUPS.every((one) => one.name === "unit" || !one.takes(path)),
    shards: 2,
  }),
  group("contract", "contract", { takes: (path) => path.startsWith("tests/contract/") && !needsMore(path) }),
  group("story", "story", {
    takes: (path) => path.startsWith("tests/story/") && !needsMore(path),
    shards: 2,
  }),
  group("sim", "sim", { takes: (path) => path.startsWith("tests/sim/") && !needsMore(path) }),
  group("node", "node", { run: true, tools: ["node", "node20", "node24", "npm"], limitSec: 420 }),
  group("kill", "kill|crash", { run: true, limitSec: 600 }),
  group("process", "process|scripts", { run: true, tools: ["git", "node"], limitSec: 420 }),
  group("browser", "browser", { run: true, tools: ["chromium", "node24", "npm"], flags: ["--allow-sys"] }),
  group("python", "python", { run: true, tools: ["python"] }),
];

/** True for files that run programs, wherever they stand. */
function needsMore(path: string): boolean {
  return GROUPS.some((one) => one.run && one.takes(path));
}

/** The group that takes a file. */
export function groupOf(path: string): Group {
  return GROUPS.find((one) => one.name !== "unit" && one.takes(path)) ?? GROUPS[0];
}

/** The permissions of a group's `deno test`: read everywhere, write only below `tempFolder`, loopback only (0.0.0.0: to listen). */
export function permissionsOf(one: Group, tempFolder: string): string[] {
  const programs = one.run
    ? [Deno.execPath(), "kill", ...one.tools.map(find).filter((path) => path !== null)]
    : [];
  return [
    "--no-prompt",
    "--allow-read",
    "--allow-env",
    `--allow-write=${tempFolder}`,
    "--allow-net=127.0.0.1,localhost,[::1],0.0.0.0",
    "--allow-sys=hostname",
    ...(programs.length > 0 ? [`--allow-run=${programs.join(",")}`] : []),
    ...one.flags,
  ];
}
