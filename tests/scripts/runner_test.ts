/** The test runner counts right, names a hang, and takes nothing but its own process group along. */

import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { environment, judge, planTests, sideBySide } from "../../scripts/test.ts";
import { parseJunit, skipReason, type TestCase } from "../../scripts/testing/junit.ts";
import { runGroup } from "../../scripts/testing/run_group.ts";

const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="6" failures="1" errors="0" time="0.029">
    <testsuite name="./a_test.ts" tests="6" disabled="2" errors="0" failures="1">
        <testcase name="passes &gt; as &quot;said&quot;" classname="./a_test.ts" time="0.000"></testcase>
        <testcase name="fails" classname="./a_test.ts" time="0.001">
            <failure message="Uncaught Error: boom">Error: boom &lt;here&gt;</failure>
        </testcase>
        <testcase name="skipped [needs chromium]" classname="./a_test.ts" time="0.000"><skipped/></testcase>
        <testcase name="has steps" classname="./a_test.ts" time="0.001"></testcase>
        <testcase name="has steps &gt; inner" classname="./a_test.ts" time="0.000"></testcase>
        <testcase name="has steps &gt; left out" classname="./a_test.ts" time="0.000"><skipped/></testcase>
    </testsuite>
</testsuites>`;

Deno.test("parseJunit() counts tests, not their steps, but every skip", () => {
  const cases = parseJunit(REPORT);
  deepStrictEqual(cases.map(({ name, outcome }) => [name, outcome]), [
    ['passes > as "said"', "passed"],
    ["fails", "failed"],
    ["skipped [needs chromium]", "skipped"],
    ["has steps", "passed"],
    ["has steps > left out", "skipped"],
  ]);
  strictEqual(cases[1].detail, "Error: boom <here>");
  strictEqual(cases[1].file, "a_test.ts");
});

Deno.test("under CI a skip has failed, unless the recorded data alone is missing", () => {
  const skipped = (name: string): TestCase => ({ file: "a_test.ts", name, outcome: "skipped", detail: "" });
  strictEqual(judge(skipped("x [needs chromium]"), true).outcome, "failed");
  strictEqual(judge(skipped("x"), true).outcome, "failed");
  strictEqual(judge(skipped("x [needs ../shared, chromium]"), true).outcome, "failed");
  strictEqual(judge(skipped("x [needs ../shared]"), true).outcome, "skipped");
  strictEqual(judge(skipped("x (SKIPPED: ../shared/data/bars is not there)"), true).outcome, "skipped");
  strictEqual(judge(skipped("x (SKIPPED: /usr/bin/chromium is not there)"), true).outcome, "failed");
  strictEqual(judge(skipped("x [needs chromium]"), false).outcome, "skipped");
  strictEqual(skipReason("x [needs ../shared, chromium] "), "../shared, chromium");
});

Deno.test("tests see nothing that steers the product, and kill 200 times under CI unless told otherwise", () => {
  const machine = { HOME: "/home/x", SEAMLESS_CONFIG: "x.yaml", AWS_REGION: "x", TMPDIR: "/elsewhere" };
  const here = environment(machine, { tempFolder: "/t", ci: false });
  deepStrictEqual(here, { HOME: "/home/x", NO_COLOR: "1", TMPDIR: "/t", DENO_NO_PROMPT: "1" });
  strictEqual(environment(machine, { tempFolder: "/t", ci: true }).TEST_KILLS, "200");
  for (const ci of [true, false]) {
    strictEqual(environment({ TEST_KILLS: "7" }, { tempFolder: "/t", ci }).TEST_KILLS, "7");
  }
});

Deno.test("every test file runs in exactly one group", () => {
  const files = [
    "tests/core/node_id_test.ts",
    "tests/compute/node_test.ts",
    "tests/cli/a_process_test.ts",
    "tests/story/a_test.ts",
    "tests/cli/fill_kill_test.ts",
  ];
  const planned = planTests([...files, "tests/core/bench.ts"], []);
  deepStrictEqual(planned.flatMap((part) => part.files).sort(), files.toSorted());
  deepStrictEqual(planned.map((part) => part.group.name), ["unit", "story", "node", "kill", "process"]);
  deepStrictEqual(planTests(files, ["story"]).flatMap((part) => part.files), ["tests/story/a_test.ts"]);
});

Deno.test("groups run side by side as far as there are places, begin in order, and a failure ends the run", async () => {
  const log: string[] = [];
  const ends = new Map<string, () => void>();
  const parts = [["a", 2], ["b", 1], ["c", 1], ["d", 1]].map(([name, shards]) => ({
    group: { name: name as string, shards: shards as number },
  }));
  const done = sideBySide(parts, ({ group }) => {
    log.push(group.name);
    return new Promise((resolve) => ends.set(group.name, resolve));
  });
  const turn = () => new Promise((next) => setTimeout(next, 0));
  deepStrictEqual(log, ["a"]);
  for (const [ending, begun] of [["a", "abc"], ["c", "abcd"], ["b", "abcd"], ["d", "abcd"]]) {
    ends.get(ending)!();
    await turn();
    strictEqual(log.join(""), begun);
  }
  await done;
  await rejects(sideBySide(parts, () => Promise.reject(new Error("broken"))), /broken/);
});

/** Runs one file of tests as a group. */
async function runText(text: string, limitSec: number) {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/a_test.ts`, text);
  const said: string[] = [];
  const outcome = await runGroup({
    label: "group",
    files: ["a_test.ts"],
    flags: ["--no-prompt", `--allow-run=${Deno.execPath()}`, "--allow-read", "--no-config"],
    limitSec,
    root: folder,
    tempFolder: folder,
    env: { ...Deno.env.toObject(), NO_COLOR: "1" },
    say: (line) => void said.push(line),
  });
  await Deno.remove(folder, { recursive: true });
  return { ...outcome, named: outcome.cases.map(({ name, outcome }) => `${outcome} ${name}`) };
}

Deno.test("a group's outcomes come from its report", async () => {
  const { named } = await runText(
    `Deno.test("a", () => {}); Deno.test("b", () => { throw new Error("x"); });`,
    60,
  );
  deepStrictEqual(named, ["passed a", "failed b"]);
});

Deno.test("a file that does not load is a failure, not an absence of tests", async () => {
  const { named, cases } = await runText(`import "./missing.ts"; Deno.test("a", () => {});`, 60);
  deepStrictEqual(named, ["failed loads and ends without an error"]);
  match(cases[0].detail, /missing\.ts/);
});

Deno.test("a test that hangs is named, and ends with everything it started", async () => {
  const listen =
    "console.log('port ' + Deno.listen({ hostname: '127.0.0.1', port: 0 }).addr.port); setTimeout(() => {}, 60000)";
  const text = `Deno.test("quick", () => {});
    Deno.test("hangs", async () => {
      const child = new Deno.Command(Deno.execPath(), { args: ["eval", ${JSON.stringify(listen)}] }).spawn();
      await child.status;
    });`;
  const { named, cases, output, seconds } = await runText(text, 3);
  deepStrictEqual(named, ["passed quick", "failed hangs"], output);
  match(cases[1].detail, /hung: group was not done after 3 s and was killed/);
  ok(seconds < 30);
  const port = Number(/port (\d+)/.exec(output)![1]);
  await rejects(Deno.connect({ hostname: "127.0.0.1", port }), Deno.errors.ConnectionRefused);
});
