/** `config`: what the service would run with, and whether it could. */

import type { ConfigProblem } from "../../config/mod.ts";
import { usageError } from "../arguments.ts";
import type { Call, Verb } from "../call.ts";
import { configRequestOf } from "../configuration.ts";
import { nearestName } from "../../core/nearest_name.ts";
import { flagOption } from "../options.ts";
import { counted } from "../texts.ts";

const ACTS = ["print", "check", "schema"] as const;
/** Exit code of a configuration that cannot be used (surface §6). */
const EXIT_CONFIG = 2;

export const configVerb: Verb = {
  name: "config",
  summary: "print, check, or describe the configuration",
  usage: "config print|check|schema",
  about:
    "print: every key as it holds now, secrets masked. check: everything that is wrong, all at once. schema: JSON Schema.",
  options: [{ name: "resolved", doc: "print: with references expanded and paths absolute" }],
  examples: ["seamless config check -c seamless.yaml", "seamless config print --resolved"],
  takes: { min: 1, max: 1, what: "print, check or schema" },
  notOverHttp: "it reads the files of this machine",
  run: config,
};

async function config(call: Call): Promise<number> {
  const [act] = call.args.positional;
  switch (act) {
    case "print":
      return await print(call);
    case "check":
      return await check(call);
    case "schema": {
      const { configJsonSchema } = await import("../../config/mod.ts");
      await call.out.line(JSON.stringify(configJsonSchema(), null, 2));
      return 0;
    }
    default: {
      const near = nearestName(act, ACTS);
      throw usageError(
        `Cannot run config ${JSON.stringify(act.slice(0, 60))}: there is no such act`,
        near === null ? "Write config print, check or schema" : `Did you mean config ${near}?`,
      );
    }
  }
}

async function print(call: Call): Promise<number> {
  const { printableConfig, printConfig } = await import("../../config/mod.ts");
  const loaded = await call.config();
  const options = { resolved: flagOption(call.args, "resolved") };
  if (call.out.mode.json) await call.out.json(printableConfig(loaded, options));
  else await call.out.line(printConfig(loaded, options).trimEnd());
  return 0;
}

async function check(call: Call): Promise<number> {
  const { checkConfig, describe } = await import("../../config/mod.ts");
  const request = configRequestOf(call.args, call.s);
  const report = checkConfig(request);
  const source = request.path ?? call.s.env.SEAMLESS_CONFIG ?? "configuration";
  const text = (kind: string, list: readonly ConfigProblem[]) =>
    list.map((one) => `${kind}: ${describe(one, source)}`);
  await call.out.result(report, () => [
    ...text("problem", report.problems),
    ...text("warning", report.warnings),
    report.ok
      ? `the configuration can be used (${counted(report.warnings.length, "warning")})`
      : counted(report.problems.length, "problem"),
  ]);
  return report.ok ? 0 : EXIT_CONFIG;
}
