/** `doctor`: looks at every part that the service stands on. */

import { HistoryError } from "../../core/errors.ts";
import type { Check } from "../../core/service.ts";
import type { Call, Verb } from "../call.ts";

export const doctorVerb: Verb = {
  name: "doctor",
  summary: "look at configuration, stores, clocks and venues",
  usage: "doctor",
  about:
    "Checks the configuration, the clock against each configured venue, that stores can be written and read, and the core.",
  options: [],
  examples: ["seamless doctor"],
  takes: { min: 0, max: 0, what: "nothing" },
  run: doctor,
};

async function doctor(call: Call): Promise<number> {
  if (call.dryRun) {
    const would = "configuration, clocks of venues, stores (a row and an object are written), and the core";
    await call.out.result({ would_check: would }, () => [`would check ${would}`]);
    return 0;
  }
  const checks = await allChecks(call);
  const report = { ok: checks.every((check) => check.ok), checks };
  await call.out.result(report, () => [
    ...checks.flatMap((check) => [
      `${check.ok ? "ok    " : "NOT OK"} ${check.name}: ${check.message}`,
      ...(check.ok || check.hint === "" ? [] : [`         → ${check.hint}`]),
    ]),
    report.ok ? "all is well" : "something needs you",
  ]);
  return report.ok ? 0 : 1;
}

/** Every check with its hint; a configuration or store that fails before the checks is one of them. */
async function allChecks(call: Call): Promise<Required<Check>[]> {
  try {
    const service = await call.service();
    const { checks } = await service.doctor();
    const told = checks.map((check) => ({ ...check, hint: check.hint ?? "" }));
    if (call.server !== undefined || told.some((check) => check.name.startsWith("config"))) return told;
    const { source } = await call.config();
    return [{ name: "config", ok: true, message: source ?? "defaults, no file", hint: "" }, ...told];
  } catch (error) {
    if (!(error instanceof HistoryError) || call.signal.aborted) throw error;
    const name = error.code === "CONFIG_INVALID" ? "config" : "start";
    return [{ name, ok: false, message: error.message, hint: error.hint }];
  }
}
