/**
 * Reads configuration: a file, a program's object, the environment and flags become one `Config`, or one error with
 * everything that is wrong. Nothing else in the project reads files of settings or the environment.
 */

import { closeSync, openSync, readSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { CONFIG_MAX_BYTES } from "../core/limits.ts";
import { type Collected, Collector, type Setting } from "./collect.ts";
import { crossChecks, type Finding } from "./cross_checks.ts";
import { collectEnvironment, collectFlags } from "./environment.ts";
import { type Config, type ConfigInput, KEYS } from "./keys.ts";
import { absoluteValues, type DataPaths, dataPathsOf } from "./paths.ts";
import { ConfigInvalid, type ConfigProblem } from "./problem.ts";
import { freezeDeep, type Merged, mergeLayers, resolveConfig, withValues } from "./resolve.ts";
import { type SourceTree, treeOfValue, treeOfYaml } from "./source_tree.ts";
import { VENUE_PACE_MS } from "./venue_pace.ts";

/** Where configuration comes from. Of `text`, `input` and `path` the first that is given is taken. */
export interface ConfigRequest {
  /** A file; `-` is standard input. Without it: `SEAMLESS_CONFIG`, else `./seamless.yaml` if it is there. */
  path?: string;
  /** YAML. */
  text?: string;
  /** A program's object in the shape of a file. */
  input?: ConfigInput;
  /** All environment variables. */
  env: Readonly<Record<string, string>>;
  /** `--set` keys and values. */
  flags?: Readonly<Record<string, string>>;
  /** The working directory, absolute. */
  cwd: string;
  /** Milliseconds of one token that a venue allows (null: not known), where that is not what CCXT says. */
  venueRateLimitMs?: (exchange: string) => number | null;
}

/** A configuration that can be used. */
export interface LoadedConfig {
  config: Config;
  warnings: ConfigProblem[];
  /** Absolute path of the file; `-` for standard input; null when there was none. */
  source: string | null;
  /** The folder that relative paths count from. */
  baseDir: string;
  paths: DataPaths;
  /** What was written, by path; for printing. */
  settings: ReadonlyMap<string, Setting>;
}

/** What `config check` answers. */
export interface ConfigReport {
  ok: boolean;
  problems: ConfigProblem[];
  warnings: ConfigProblem[];
}

/** Loads configuration. Throws `ConfigInvalid` (`CONFIG_INVALID`) with all problems at once. */
export function loadConfig(request: ConfigRequest): LoadedConfig {
  const { problems, loaded, label } = examine(request);
  if (problems.length > 0) throw new ConfigInvalid({ source: label, problems, warnings: loaded.warnings });
  return loaded;
}

/** Says everything that is wrong with a configuration, and what is worth a warning. Never throws for its content. */
export function checkConfig(request: ConfigRequest): ConfigReport {
  const { problems, loaded } = examine(request);
  return { ok: problems.length === 0, problems, warnings: loaded.warnings };
}

interface Examined {
  problems: ConfigProblem[];
  loaded: LoadedConfig;
  /** What messages call the source. */
  label: string;
}

function examine(request: ConfigRequest): Examined {
  const { env, flags = {} } = request;
  const source = readSource(request);
  const file = new Collector({
    layer: "file",
    env,
    expands: true,
    untyped: false,
    refusesSecrets: request.input === undefined || request.text !== undefined,
  });
  file.problems.push(...source.problems);
  file.collect(KEYS, source.tree, []);
  const layers = [file.finish(), collectEnvironment(env), collectFlags(flags, env)];
  const merged = mergeLayers(layers);
  const resolved = resolveConfig(merged);
  const paths = dataPathsOf(resolved, source.baseDir);
  const venueRateLimitMs = request.venueRateLimitMs ?? venuePaceMs;
  const findings = crossChecks({ config: resolved, merged, paths, venueRateLimitMs });
  const { problems, warnings } = sorted(layers, findings, merged);
  const config = freezeDeep(withValues(resolved, absoluteValues(paths)));
  const loaded = {
    config,
    warnings,
    source: source.path,
    baseDir: source.baseDir,
    paths,
    settings: merged.settings,
  };
  return { problems, loaded, label: labelOf(request, source.path) };
}

function venuePaceMs(exchange: string): number | null {
  return Object.hasOwn(VENUE_PACE_MS, exchange) ? VENUE_PACE_MS[exchange] : null;
}

/** Problems in the order in which they stand in the file; those of no place come last. */
function sorted(
  layers: readonly Collected[],
  findings: readonly Finding[],
  merged: Merged,
): { problems: ConfigProblem[]; warnings: ConfigProblem[] } {
  const unreadable = new Set(layers.flatMap((layer) => [...layer.unreadable]));
  const sound = findings.filter(({ keys }) => !keys.some((key) => unreadable.has(key)));
  const found = (level: Finding["level"]) =>
    sound.filter((finding) => finding.level === level).map((finding) => placed(finding, merged));
  const inOrder = (list: ConfigProblem[]) =>
    list.sort((a, b) =>
      (a.line ?? Infinity) - (b.line ?? Infinity) || (a.column ?? 0) - (b.column ?? 0) || 0
    );
  return {
    problems: inOrder([...layers.flatMap((layer) => layer.problems), ...found("problem")]),
    warnings: inOrder([...layers.flatMap((layer) => layer.warnings), ...found("warning")]),
  };
}

function placed({ keys: [path], message }: Finding, merged: Merged): ConfigProblem {
  const setting = merged.settings.get(path);
  const said = setting?.name ? `${message} (${setting.name})` : message;
  return {
    path,
    line: setting?.at?.line ?? null,
    column: setting?.at?.column ?? null,
    message: said,
    nearest: null,
  };
}

interface Source {
  tree: SourceTree;
  problems: ConfigProblem[];
  path: string | null;
  baseDir: string;
}

function readSource(request: ConfigRequest): Source {
  const { text, input, cwd } = request;
  if (text !== undefined) return { ...treeOfYaml(text), path: null, baseDir: cwd };
  if (input !== undefined) return { tree: treeOfValue(input), problems: [], path: null, baseDir: cwd };
  const path = request.path ?? defaultPath(request.env, cwd);
  if (path === null) return { tree: treeOfValue(null), problems: [], path: null, baseDir: cwd };
  const absolute = path === "-" ? "-" : resolve(cwd, path);
  const baseDir = path === "-" ? cwd : dirname(absolute);
  const read = readText(absolute);
  if ("text" in read) return { ...treeOfYaml(read.text), path: absolute, baseDir };
  const problem = {
    path: "",
    line: null,
    column: null,
    message: `${path} cannot be read: ${read.refusal}`,
    nearest: null,
  };
  return { tree: treeOfValue(null), problems: [problem], path: absolute, baseDir };
}

function defaultPath(env: Readonly<Record<string, string>>, cwd: string): string | null {
  if (env.SEAMLESS_CONFIG) return env.SEAMLESS_CONFIG;
  const beside = resolve(cwd, "seamless.yaml");
  return statSync(beside, { throwIfNoEntry: false })?.isFile() ? beside : null;
}

/** A file's text, or why there is none. */
function readText(path: string): { text: string } | { refusal: string } {
  try {
    const bytes = readAtMost(path, CONFIG_MAX_BYTES + 1);
    if (bytes.length > CONFIG_MAX_BYTES) return { refusal: `it has more than ${CONFIG_MAX_BYTES} bytes` };
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch (error) {
    const refusal = whyUnread(error);
    if (refusal === null) throw error;
    return { refusal };
  }
}

/** The first bytes of a file or of standard input: a device has no size, and may have no end. */
function readAtMost(path: string, most: number): Uint8Array {
  const file = path === "-" ? 0 : openSync(path, "r");
  try {
    const buffer = new Uint8Array(most);
    let filled = 0;
    while (filled < most) {
      const read = readSync(file, buffer, filled, most - filled, null);
      if (read === 0) break;
      filled += read;
    }
    return buffer.subarray(0, filled);
  } finally {
    if (file !== 0) closeSync(file);
  }
}

function whyUnread(error: unknown): string | null {
  if (error instanceof TypeError && !("code" in error && String(error.code).startsWith("E"))) {
    return "it is not UTF-8 text";
  }
  if (error instanceof Deno.errors.NotCapable) return "this process has no permission to read it";
  const code = (error as { code?: unknown }).code;
  const said: Record<string, string> = {
    ENOENT: "there is no such file",
    EISDIR: "it is a folder",
    ENOTDIR: "part of its path is a file",
    EACCES: "it may not be read",
  };
  return said[String(code)] ?? null;
}

/** What messages call the source. */
function labelOf({ text, input, cwd }: ConfigRequest, path: string | null): string {
  if (path === "-") return "(standard input)";
  if (path !== null) return path.startsWith(`${cwd}/`) ? path.slice(cwd.length + 1) : path;
  return text !== undefined ? "(text)" : input !== undefined ? "(object)" : "(defaults)";
}
