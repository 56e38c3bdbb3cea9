/**
 * Runs one group of test files as a process of its own, in its own process group, with a time limit: a hang is
 * named and killed with everything it started, and nothing else is.
 */

import { join } from "node:path";
import { parseJunit, type TestCase } from "./junit.ts";
import { systemClock } from "../../src/adapters/system.ts";

/** Says what runs, at this pace, so that a long group does not look dead. */
const STILL_RUNNING_MS = 60_000;

/** How long a group that was told to stop may take before it is killed outright. */
const GRACE_MS = 2_000;

export interface GroupRun {
  /** Unique in the run: names the report file. */
  label: string;
  files: string[];
  flags: string[];
  limitSec: number;
  root: string;
  tempFolder: string;
  env: Record<string, string>;
  say: (line: string) => void;
}

/** What came of it. `output` is all that the tests printed. */
export interface GroupOutcome {
  cases: TestCase[];
  output: string;
  seconds: number;
}

/** Processes under way, so that an interrupted run takes its children along. */
const running = new Set<Deno.ChildProcess>();

/** Ends every process group that this run started. */
export async function killAll(): Promise<void> {
  await Promise.all([...running].map((child) => killGroup(child.pid, "-KILL")));
}

async function killGroup(pid: number, signal: "-TERM" | "-KILL"): Promise<void> {
  // A process group is named by its negative number; Deno.kill would need leave to run anything at all.
  await new Deno.Command("kill", { args: [signal, "--", `-${pid}`], stderr: "null" }).output();
}

/** Runs the files of one group to their end, or to its limit. */
export async function runGroup(run: GroupRun): Promise<GroupOutcome> {
  const reportFile = join(run.tempFolder, `${run.label}.xml`);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "--no-check", `--junit-path=${reportFile}`, ...run.flags, ...run.files],
    cwd: run.root,
    env: run.env,
    clearEnv: true,
    detached: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  running.add(child);
  const startedMs = systemClock.monotonicMs();
  const seen = { output: "" };
  let hung = false;
  const ticker = setInterval(() => run.say(`  … ${run.label}: ${lastLine(seen.output)}`), STILL_RUNNING_MS);
  const timers = [setTimeout(() => {
    hung = true;
    killGroup(child.pid, "-TERM");
    timers.push(setTimeout(() => killGroup(child.pid, "-KILL"), GRACE_MS));
  }, run.limitSec * 1000)];
  const [status] = await Promise.all([child.status, follow(child.stdout, seen), follow(child.stderr, seen)]);
  timers.forEach(clearTimeout);
  clearInterval(ticker);
  // Whatever the tests left behind in their process group goes with them.
  await killGroup(child.pid, "-KILL");
  running.delete(child);
  const cases = hung ? casesOfHang(run, seen.output) : casesOf(run, reportFile, status.code, seen.output);
  return { cases, output: seen.output, seconds: (systemClock.monotonicMs() - startedMs) / 1000 };
}

async function follow(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  into: { output: string },
): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) into.output += text;
}

function lastLine(output: string): string {
  return output.trimEnd().split("\n").at(-1) ?? "";
}

/** The report's cases; a run that failed without a failing test (a file that does not load) is a failure too. */
function casesOf(run: GroupRun, reportFile: string, code: number, output: string): TestCase[] {
  const cases = parseJunit(readReport(reportFile));
  if (code !== 0 && !cases.some((one) => one.outcome === "failed")) {
    cases.push({
      file: run.label,
      name: "loads and ends without an error",
      outcome: "failed",
      detail: output,
    });
  }
  return cases;
}

/** No report is written when the run ends before its tests do. */
function readReport(file: string): string {
  try {
    return Deno.readTextFileSync(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** Of a run that was killed there is no report: what its output says has passed, and the test that hung. */
function casesOfHang(run: GroupRun, output: string): TestCase[] {
  const cases: TestCase[] = [];
  let file = run.label;
  for (const line of output.split("\n")) {
    file = /^running \d+ tests? from (?:\.\/)?(.*)$/.exec(line)?.[1] ?? file;
    const end = /^(\S.*) \.\.\. (ok|FAILED|ignored)\b/.exec(line);
    if (!end) continue;
    const outcome = end[2] === "ok" ? "passed" : end[2] === "FAILED" ? "failed" : "skipped";
    cases.push({ file, name: end[1], outcome, detail: "" });
  }
  const ended = new Set(cases.map((one) => one.name));
  const begun = [...output.matchAll(/^(\S.*) \.\.\. *$/gm)].map(([, name]) => name);
  const open = begun.findLast((name) => !ended.has(name)) ?? lastLine(output);
  cases.push({
    file,
    name: open,
    outcome: "failed",
    detail: `hung: ${run.label} was not done after ${run.limitSec} s and was killed\n${
      output.split("\n").slice(-20).join("\n")
    }`,
  });
  return cases;
}
