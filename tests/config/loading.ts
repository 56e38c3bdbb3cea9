/** Loads configuration in tests: no environment, no file, a folder that is nobody's. */

import { fail } from "node:assert/strict";
import {
  checkConfig,
  ConfigInvalid,
  type ConfigRequest,
  loadConfig,
  type LoadedConfig,
} from "../../src/config/mod.ts";

/** Where the tests pretend to be. Nothing is there, and its nearest real folder can be written. */
export const CWD = "/tmp/seamless-nowhere/project";

type Given = Partial<ConfigRequest>;

/** Loads what is given and nothing else. */
export function load(given: Given = {}): LoadedConfig {
  return loadConfig({ env: {}, cwd: CWD, ...given });
}

/** The problems of what is given, each as `path: message`. */
export function problemsOf(given: Given): string[] {
  return checkConfig({ env: {}, cwd: CWD, ...given }).problems.map(({ path, message }) =>
    `${path}: ${message}`
  );
}

/** The warnings of what is given, each as `path: message`. */
export function warningsOf(given: Given): string[] {
  return load(given).warnings.map(({ path, message }) => `${path}: ${message}`);
}

/** The error that loading gives. */
export function refusalOf(given: Given): ConfigInvalid {
  try {
    load(given);
  } catch (error) {
    if (error instanceof ConfigInvalid) return error;
    throw error;
  }
  fail("the configuration was accepted");
}
