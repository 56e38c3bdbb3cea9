/**
 * The compute core beside its yardsticks: ratios inside one process, by turns, the best of five fresh processes. With
 * `--write` the table goes into docs/performance.md, between its markers.
 */

import { cpus } from "node:os";
import { join } from "node:path";
import type { Bench, Figure } from "./figure.ts";
import type { Times } from "./core_race.ts";
import { ROOT, Stage } from "./stage.ts";

const PROCESSES = 5;
const DISTURBED = 1.25;
const PAGE = join(ROOT, "docs/performance.md");
const BEGIN = "<!-- core figures: begin (deno task bench core --write) -->";
const END = "<!-- core figures: end -->";
const WASM = join(ROOT, "src/compute/compute.wasm");

/** One line of the table: what is held to what, of one race. */
interface Row {
  number: string;
  work: string;
  race: string;
  /** The contender that ours is divided by, or divides; without one the figure is milliseconds. */
  yardstick?: string;
  /** How often as fast as the yardstick at least; or at most what share of its time; or at most how many ms. */
  faster?: number;
  share?: number;
  mostMs?: number;
  /** Told beside the others, held to nothing. */
  told?: boolean;
}

const ROWS: readonly Row[] = [
  { number: "1", work: "`fingerprint`, 1M bars", race: "fingerprint", yardstick: "hash-wasm", faster: 2.5 },
  { number: "1", work: "the same", race: "fingerprint", yardstick: "node:crypto", faster: 0.6 },
  {
    number: "2",
    work: "the same, leaves by `node:crypto`",
    race: "fingerprintByHost",
    yardstick: "node:crypto",
    faster: 0.9,
  },
  { number: "3", work: "the same, two workers", race: "twoWorkers", yardstick: "one core", faster: 1.7 },
  { number: "4", work: "appender, 900 bars onto 10M", race: "appender", mostMs: 0.15 },
  {
    number: "5",
    work: "`conform`, clean 1M bars",
    race: "conformClean",
    yardstick: "a pass in JS",
    share: 0.6,
  },
  {
    number: "6",
    work: "`conform`, shuffled, 0.2 % twice",
    race: "conformShuffled",
    yardstick: "sort, dedupe, gather in JS",
    share: 0.2,
  },
  {
    number: "6",
    work: "the same",
    race: "conformShuffled",
    yardstick: "the same with packed keys",
    told: true,
  },
  { number: "7", work: "`segmentsOf`, 10M times", race: "segments", yardstick: "a loop in JS", share: 0.25 },
  { number: "7", work: "the same", race: "segments", yardstick: "one that trusts the grid", told: true },
  {
    number: "8",
    work: "`mergeRanges`, 1M unsorted",
    race: "merge",
    yardstick: "sort and sweep in JS",
    share: 0.08,
  },
  { number: "9", work: "`missingRanges`, 100k", race: "missing", yardstick: "a sweep in JS", share: 0.25 },
  {
    number: "9",
    work: "`subtractRanges`, 100k and 100k",
    race: "subtract",
    yardstick: "a sweep in JS",
    share: 0.25,
  },
  { number: "10", work: "`resample` 1m → 1h, 1M", race: "resample", yardstick: "a loop in JS", share: 0.4 },
  {
    number: "10",
    work: "`barsFromTrades`, 5M",
    race: "barsFromTrades",
    yardstick: "a loop in JS",
    share: 0.4,
  },
  { number: "11", work: "SHA-256 of one stream", race: "stream", yardstick: "hash-wasm", faster: 1.3 },
  { number: "12", work: "load and first call, cold", race: "load", mostMs: 5 },
];

type Measured = { row: Row; ratio: number; oursMs: number; theirsMs: number | null };

export const coreBench: Bench = {
  name: "core",
  what: "the compute core beside hash-wasm, node:crypto and plain JavaScript",
  limitSec: 900,
  async run(say) {
    const stage = new Stage();
    try {
      const runs: Record<string, Times>[] = [];
      for (let i = 1; i <= PROCESSES; i++) {
        say(`process ${i} of ${PROCESSES}`);
        runs.push(
          await stage.runJson({ args: ["run", "--no-prompt", "--allow-read", "scripts/bench/core_once.ts"] }),
        );
      }
      const measured = ROWS.map((row) => best(row, runs));
      if (Deno.args.includes("--write")) {
        writeTable(measured);
        say(`the table stands in ${PAGE}`);
      }
      const size = { name: "12 size of compute.wasm", value: sizeKb(), unit: "KB", most: 60 } as const;
      return [...measured.map(figureOf), size];
    } finally {
      await stage.close();
    }
  },
};

function sizeKb(): number {
  return Deno.statSync(WASM).size / 1024;
}

/**
 * The best of the processes, by the ratio of times inside each. One in which the yardstick itself was slowed (it took a
 * quarter longer than in another process) says nothing and is left out.
 */
function best(row: Row, runs: Record<string, Times>[]): Measured {
  const each = runs.map((races): Measured => {
    const times = races[row.race];
    const theirsMs = row.yardstick === undefined ? null : times[row.yardstick];
    return { row, oursMs: times.ours, theirsMs, ratio: times.ours / (theirsMs ?? 1) };
  });
  const least = Math.min(...each.map((one) => one.theirsMs ?? 1));
  const fair = each.filter((one) => (one.theirsMs ?? 1) <= DISTURBED * least);
  return fair.reduce((a, b) => b.ratio < a.ratio ? b : a);
}

function figureOf({ row, ratio, oursMs, theirsMs }: Measured): Figure {
  const beside = theirsMs === null
    ? ""
    : ` (${oursMs.toFixed(2)} ms; ${row.yardstick}: ${theirsMs.toFixed(2)} ms)`;
  const name = `${row.number} ${row.work.replaceAll("`", "")}${beside}`;
  if (row.mostMs !== undefined) return { name, value: oursMs, unit: "ms", most: row.mostMs };
  if (row.faster !== undefined) return { name, value: 1 / ratio, unit: "× as fast", least: row.faster };
  return { name, value: ratio, unit: "× its time", most: row.share };
}

/** One line of the page's table. */
function lineOf({ row, ratio, oursMs, theirsMs }: Measured): string {
  const held = row.told
    ? "–"
    : row.mostMs !== undefined
    ? `≤ ${row.mostMs} ms`
    : row.faster !== undefined
    ? `≥ ${row.faster}× as fast`
    : `≤ ${row.share}× its time`;
  const value = row.mostMs !== undefined ? ratio : row.faster !== undefined ? 1 / ratio : ratio;
  const kept = row.told || (row.mostMs ?? row.share ?? Infinity) >= value && (row.faster ?? 0) <= value;
  const shown = `${value.toFixed(2)}${row.mostMs === undefined ? "×" : " ms"}`;
  const beside = theirsMs === null ? "" : `${row.yardstick}: ${theirsMs.toFixed(2)} ms`;
  return `| ${row.number} | ${row.work} | ${held} | ${kept ? "" : "**missed**: "}${shown} | ${
    oursMs.toFixed(2)
  } ms | ${beside} |`;
}

function writeTable(measured: Measured[]): void {
  const page = Deno.readTextFileSync(PAGE);
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) {
    throw new Error(`docs/performance.md has lost the markers of the core's figures`);
  }
  const lines = [
    BEGIN,
    "",
    `Measured on ${new Date().toISOString().slice(0, 10)} with Deno ${Deno.version.deno} on ${machine()}.`,
    "",
    "| # | Work | Held to | Best of five | Ours | Yardstick, same process |",
    "| --- | --- | --- | --- | --- | --- |",
    ...measured.map(lineOf),
    `| 12 | size of compute.wasm, without imports | ≤ 60 KB | ${sizeKb().toFixed(1)} KB | | |`,
    "",
  ];
  Deno.writeTextFileSync(PAGE, page.slice(0, from) + lines.join("\n") + page.slice(to));
  // The gate compares the page with what the formatter makes of it, which pads the table's cells.
  const { success } = new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", PAGE] }).outputSync();
  if (!success) throw new Error(`deno fmt cannot format ${PAGE}`);
}

function machine(): string {
  return `${cpus().length} cores of ${cpus()[0].model}`;
}
