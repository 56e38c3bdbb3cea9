import { deepStrictEqual, throws } from "node:assert/strict";
import { type OptionSpec, parseArguments } from "../../src/cli/arguments.ts";
import { HistoryError } from "../../src/core/errors.ts";

const KNOWN: OptionSpec[] = [
  { name: "start", value: "TIME", doc: "" },
  { name: "config", short: "c", value: "FILE", doc: "" },
  { name: "set", value: "KEY=VALUE", many: true, doc: "" },
  { name: "json", doc: "" },
];

const parse = (...args: string[]) => parseArguments("get", args, KNOWN);

function refusal(message: RegExp, hint: RegExp) {
  return (error: unknown) =>
    error instanceof HistoryError && error.code === "BAD_REQUEST" && message.test(error.message) &&
    hint.test(error.hint);
}

Deno.test("parseArguments() takes values after a space or an equals sign, short and long", () => {
  const { positional, options } = parse(
    "NODE",
    "--start",
    "5",
    "-c=x.yaml",
    "--json",
    "--set",
    "a=b=c",
    "--set=d=",
  );
  deepStrictEqual(positional, ["NODE"]);
  deepStrictEqual(Object.fromEntries(options), {
    start: ["5"],
    config: ["x.yaml"],
    json: [""],
    set: ["a=b=c", "d="],
  });
});

Deno.test("parseArguments() takes a negative number as a value and as an argument of its own", () => {
  deepStrictEqual(parse("--start", "-86400").options.get("start"), ["-86400"]);
  deepStrictEqual(parse("NODE", "-86400").positional, ["NODE", "-86400"]);
});

Deno.test("parseArguments() takes everything after -- as it stands, and - as an argument", () => {
  deepStrictEqual(parse("--", "--json", "-c").positional, ["--json", "-c"]);
  deepStrictEqual(parse("-c", "-").options.get("config"), ["-"]);
});

Deno.test("parseArguments() names the option that is nearest to an unknown one", () => {
  throws(() => parse("--strat", "5"), refusal(/no option --strat/, /Did you mean --start\?/));
  throws(() => parse("--xyzzy"), refusal(/no option --xyzzy/, /get --help/));
  throws(() => parse("-x"), refusal(/no option -x/, /get --help/));
});

Deno.test("parseArguments() refuses missing, superfluous and doubled values", () => {
  throws(() => parse("--start"), refusal(/--start lacks its value/, /--start TIME/));
  throws(() => parse("--json=yes"), refusal(/--json takes no value/, /Write --json alone/));
  throws(() => parse("--start", "1", "--start", "2"), refusal(/--start is given twice/, /Keep one/));
});

Deno.test("parseArguments() takes no option for another one's value", () => {
  for (const next of ["-c", "--config"]) {
    throws(() => parse("N", "--start", next, "x.yaml"), /--start lacks its value/);
  }
  const parsed = parse("N", "--start", "-60", "-c", "-");
  deepStrictEqual([...parsed.options], [["start", ["-60"]], ["config", ["-"]]]);
});
