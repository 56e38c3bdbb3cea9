import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { runDemo, runPrinted } from "./demo_run.ts";

/** Runs `test` in a folder of its own. */
async function inFolder(test: (cwd: string) => Promise<void>): Promise<void> {
  const cwd = await Deno.makeTempDir({ prefix: "seamless_demo_" });
  try {
    await test(cwd);
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

const fingerprintsOf = (text: string) => text.match(/sfp1:[0-9a-f]{64}/g) ?? [];

Deno.test("the demo fills its month, explains every hole, proves the dataset and reads it back to the byte", async () => {
  await inFolder(async (cwd) => {
    const { code, out, err } = await runDemo({ folder: "demo-data", cwd });
    strictEqual(code, 0, err);
    match(out, /filling .* 100 %/);
    match(out, /complete: [\d,]+ bars in \d+ windows/);
    deepStrictEqual(out.match(/^coverage .*$/gm), [
      "coverage 99.02 %, explained 99.02 %",
      "coverage 86.12 %, explained 99.02 %",
    ]);
    deepStrictEqual(out.match(/^20\S+ +20\S+ +[\d,]+ +[a-z_]+ /gm)?.map((row) => row.trim().split(/ +/)), [
      ["2024-01-09T10:30:00Z", "2024-01-09T13:00:00Z", "150", "absent_at_source"],
      ["2024-01-21T02:16:00Z", "2024-01-21T07:00:00Z", "284", "absent_at_source"],
      ["2024-01-01T00:00:00Z", "2024-01-05T00:00:00Z", "5,760", "not_listed"],
      ["2024-01-09T10:30:00Z", "2024-01-09T13:00:00Z", "150", "absent_at_source"],
      ["2024-01-21T02:16:00Z", "2024-01-21T07:00:00Z", "284", "absent_at_source"],
    ]);
    match(out, /^verified: 2 manifests, /m);
    match(out, /Equal, to the byte\./);
    strictEqual(fingerprintsOf(out).length, 1);
    match(out, /rm -r demo-data$/m);
  });
});

Deno.test("every command that the demo prints works on the folder that it leaves", async () => {
  await inFolder(async (cwd) => {
    const { out } = await runDemo({ folder: "demo-data", cwd });
    const commands = out.match(/^\$? +?deno task .*$|^ +npx .*$|^\$ (deno|npx) .*$/gm)?.map((line) =>
      line.replace(/^\$? */, "")
    );
    ok(commands !== undefined && commands.length >= 8, out);
    for (const command of commands) {
      const { code, out: said, err } = await runPrinted(command, cwd);
      strictEqual(code, 0, `${command}\n${err}`);
      ok(said.length > 0, command);
    }
    const explained = commands.find((command) => command.includes(" explain "))!;
    match((await runPrinted(explained, cwd)).out, /gap: absent_at_source/);
  });
});

Deno.test("the demo runs again over its own folder, and gives the same dataset its same name", async () => {
  await inFolder(async (cwd) => {
    const first = await runDemo({ folder: "demo-data", cwd });
    const second = await runDemo({ folder: "demo-data", cwd });
    strictEqual(second.code, 0, second.err);
    deepStrictEqual(fingerprintsOf(second.out), fingerprintsOf(first.out));
  });
});

Deno.test("the demo leaves a folder alone that is not its own", async () => {
  await inFolder(async (cwd) => {
    await Deno.mkdir(`${cwd}/mine`);
    await Deno.writeTextFile(`${cwd}/mine/seamless.yaml`, 'storage:\n  bars: "sqlite:./bars.db"\n');
    const { code, err } = await runDemo({ folder: "mine", cwd });
    strictEqual(code, 1);
    match(err, /not the demo's/);
    strictEqual(
      await Deno.readTextFile(`${cwd}/mine/seamless.yaml`),
      'storage:\n  bars: "sqlite:./bars.db"\n',
    );
  });
});
