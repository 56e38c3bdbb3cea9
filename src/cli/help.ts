/** What `seamless` alone and `--help` print. */

import type { DataPaths } from "../config/mod.ts";
import type { OptionSpec } from "./arguments.ts";
import type { Verb } from "./call.ts";
import { EVERYWHERE } from "./options.ts";
import { table } from "./texts.ts";
import { UNBUILT_VERBS } from "./unbuilt.ts";
import { PRODUCT_VERSION } from "../core/version.ts";

const indent = (lines: string[]) => lines.map((line) => `  ${line}`);

/** The first page: what it is, the verbs, where its data lies. */
export function homePage(verbs: readonly Verb[], where: DataPaths | string): string[] {
  const places = typeof where === "string" ? [where] : [
    `bars       ${where.barsFile ?? "not in a file (storage.bars)"}`,
    `snapshots  ${where.artifactFolder ?? "not in a folder (seamless.artifact.object_store_uri)"}`,
  ];
  return [
    `Seamless ${PRODUCT_VERSION}: bars of any node from here to there. What storage lacks is fetched from the exchange,`,
    "checked and stored; every gap has its reason, every answer names the dataset it is.",
    "",
    "Usage: seamless VERB [ARGUMENTS] [OPTIONS]      seamless VERB --help says more",
    "",
    ...indent(table(["Verb", "What it does"], verbs.map((verb) => [verb.name, verb.summary]))),
    "",
    `Not built yet: ${UNBUILT_VERBS.join(" ")}`,
    "",
    "Data of this machine:",
    ...indent(places),
    "",
    "Begin: seamless get ohlcv:binance:BTC/USDT:1m --last 100",
  ];
}

function optionTable(options: readonly OptionSpec[]): string[] {
  return options.map((option) => {
    const short = option.short ? `-${option.short}, ` : "    ";
    const value = option.value ? ` ${option.value}` : "";
    return `  ${`${short}--${option.name}${value}`.padEnd(28)}  ${option.doc}`;
  });
}

/** The help page of one verb. */
export function helpPage(verb: Verb): string[] {
  const own = verb.options.length === 0 ? [] : ["", "Options:", ...optionTable(verb.options)];
  return [
    `Usage: seamless ${verb.usage} [OPTIONS]`,
    "",
    verb.about,
    "",
    verb.examples.length === 1 ? "Example:" : "Examples:",
    ...indent([...verb.examples]),
    ...own,
    "",
    "Options of every verb:",
    ...optionTable(EVERYWHERE),
  ];
}
