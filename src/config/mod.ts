/** Configuration: one YAML file in the shape of docs/configuration.md, the environment, and flags. */

export { checkConfig, type ConfigReport, type ConfigRequest, loadConfig, type LoadedConfig } from "./load.ts";
export type { Config, ConfigInput, ExchangeConfig, RateLimitConfig } from "./keys.ts";
export { configJsonSchema } from "./json_schema.ts";
export { isLoopback } from "./cross_checks.ts";
export type { DataPaths } from "./paths.ts";
export { printableConfig, printConfig, type PrintOptions } from "./print.ts";
export { ConfigInvalid, type ConfigProblem, describe } from "./problem.ts";
export { exchangeConfig } from "./resolve.ts";
