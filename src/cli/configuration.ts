/** The configuration of one run of the command line: `--config`, `--set`, the environment. */

import type { ConfigRequest, LoadedConfig } from "../config/mod.ts";
import { type ParsedArguments, usageError } from "./arguments.ts";
import { textOption } from "./options.ts";
import type { Surroundings } from "./surroundings.ts";

/** Where the configuration of this command line comes from. */
export function configRequestOf(args: ParsedArguments, s: Pick<Surroundings, "env" | "cwd">): ConfigRequest {
  const flags: Record<string, string> = {};
  for (const setting of args.options.get("set") ?? []) {
    const at = setting.indexOf("=");
    if (at < 1) {
      throw usageError(
        `Cannot use --set ${JSON.stringify(setting.slice(0, 80))}: it is not KEY=VALUE`,
        "Write --set sla.total_deadline_ms=5000",
      );
    }
    flags[setting.slice(0, at)] = setting.slice(at + 1);
  }
  return { path: textOption(args, "config"), env: s.env, cwd: s.cwd, flags };
}

/** Loads it; `CONFIG_INVALID` with all that is wrong. The reader is loaded here, so that help answers without it. */
export async function loadConfiguration(
  args: ParsedArguments,
  s: Pick<Surroundings, "env" | "cwd">,
): Promise<LoadedConfig> {
  const { loadConfig } = await import("../config/mod.ts");
  return loadConfig(configRequestOf(args, s));
}
