/** The tasks of `deno.json`: the ones that are promised, with no more permissions than they need (spec §23). */

import { deepStrictEqual, doesNotMatch, match } from "node:assert/strict";

const { tasks } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url))) as {
  tasks: Record<string, string>;
};

Deno.test("every task that users and CI are promised is there", () => {
  const promised = "demo serve seamless test preflight check bench build:wasm build:npm compile".split(" ");
  deepStrictEqual(promised.filter((name) => !Object.hasOwn(tasks, name)), []);
});

Deno.test("no task has every permission, nor may ask for more, nor run any program it likes", () => {
  for (const [name, command] of Object.entries(tasks)) {
    doesNotMatch(command, /(^|\s)-A(\s|$)|--allow-all|--allow-run(\s|$)|--allow-ffi/, name);
    match(command, /--no-prompt/, name);
  }
});

Deno.test("the program takes configuration, data and output wherever the user can write, and nothing else beside the network", () => {
  for (const name of ["seamless", "serve"]) {
    const allowed = tasks[name].match(/--allow-\S+/g);
    deepStrictEqual(allowed?.toSorted(), [
      "--allow-env",
      "--allow-net",
      "--allow-read",
      "--allow-sys=hostname",
      "--allow-write",
    ], name);
  }
});
