/** Where the bars of a `get` go, and in which format: decided before anything is asked. */

import { encodePart } from "../core/node_id.ts";
import type { Answer } from "../core/service.ts";
import { encodeBars } from "../formats/encode.ts";
import { FORMAT_NAMES, type FormatName, formatOfFile } from "../formats/format.ts";
import { usageError } from "./arguments.ts";
import { EdgeRows } from "./bars_view.ts";
import type { Call } from "./call.ts";
import { choiceOption, flagOption, textOption } from "./options.ts";
import { openOutputFile } from "./output_file.ts";
import type { Sink } from "./surroundings.ts";

/** `table` is for eyes; the others are formats. */
export interface BarsTarget {
  format: FormatName | "table";
  /** Name of the file, in which `{node}` stands for the node; null: standard output. */
  file: string | null;
  /** Several nodes share one stream: its rows name their node. */
  shared: boolean;
}

const encoder = new TextEncoder();

/** Decides format and place; refuses what cannot be read back. */
export function targetOf(call: Call, nodes: number): BarsTarget {
  const named = textOption(call.args, "output");
  const file = named === undefined || named === "-" ? null : named;
  const asked = choiceOption(call.args, "format", FORMAT_NAMES);
  const format = asked ?? (file === null ? standardFormat(call) : fileFormat(file));
  const shared = nodes > 1 && !(file ?? "").includes("{node}");
  if (shared && (format === "arrow" || format === "parquet")) {
    throw usageError(
      `Cannot write ${nodes} nodes into one ${format} ${file === null ? "stream" : "file"}`,
      `Give each its own file: -o '{node}.${format}'`,
    );
  }
  if (file === null && call.s.stdout.isTerminal && (format === "arrow" || format === "parquet")) {
    throw usageError(`Cannot show ${format} on a terminal`, `Write it to a file: -o bars.${format}`);
  }
  if (file === null && asked !== undefined && flagOption(call.args, "json") && LOSES_METADATA.has(asked)) {
    throw usageError(
      `Cannot print ${asked} with --json: the metadata would have no place`,
      `Leave out --format, or --json, or write the bars to a file: -o bars.${asked}`,
    );
  }
  return { format, file, shared };
}

/** Formats without a place for metadata. */
const LOSES_METADATA: ReadonlySet<FormatName> = new Set(["csv", "ndjson"]);

function standardFormat(call: Call): FormatName | "table" {
  if (flagOption(call.args, "json")) return "json";
  return call.s.stdout.isTerminal ? "table" : "csv";
}

function fileFormat(file: string): FormatName {
  const format = formatOfFile(file);
  if (format !== null) return format;
  throw usageError(
    `Cannot tell the format of ${file.slice(-80)} from its name`,
    `End it in .parquet, .arrow, .csv, .ndjson or .json, or add --format ${FORMAT_NAMES.join("|")}`,
  );
}

/** Writes answers one after the other to the target. A file appears when its answer is whole. */
export class BarsWriter {
  #written = 0;
  #sharedFile: Awaited<ReturnType<typeof openOutputFile>> | null = null;

  constructor(readonly call: Call, readonly target: BarsTarget) {}

  /** Writes one answer; `limit` cuts it. The file it went to, or null for standard output. */
  async write(
    answer: Answer,
    limit: number | undefined,
  ): Promise<{ file: string; format: string } | null> {
    const slices = answer.slices({ limit, signal: this.call.signal });
    const { file, shared, format } = this.target;
    if (format === "table") {
      await this.#table(slices);
      return null;
    }
    const input = { metadataJson: JSON.stringify(answer.metadata), slices, next: null };
    const pieces = encodeBars(format, input);
    const named = shared ? this.#naming(pieces, answer.metadata.node_id) : pieces;
    if (file === null) {
      await copy(named, this.call.s.stdout);
      return null;
    }
    if (shared) {
      await copy(named, this.#sharedFile ??= await openOutputFile(file, this.call.s.cwd));
      return { file, format };
    }
    const name = file.replaceAll("{node}", encodePart(answer.metadata.node_id));
    await this.#ownFile(named, name);
    return { file: name, format };
  }

  /** The shared file becomes visible, when all went well. */
  async finish(): Promise<void> {
    await this.#sharedFile?.keep();
    this.#sharedFile = null;
  }

  /** The shared file leaves nothing behind. */
  async discard(): Promise<void> {
    await this.#sharedFile?.discard();
    this.#sharedFile = null;
  }

  async #ownFile(pieces: AsyncIterable<Uint8Array>, name: string): Promise<void> {
    const file = await openOutputFile(name, this.call.s.cwd);
    try {
      await copy(pieces, file);
    } catch (error) {
      await file.discard();
      throw error;
    }
    await file.keep();
  }

  async #table(slices: AsyncIterable<{ rows: number; bytes: Uint8Array }>): Promise<void> {
    const edges = new EdgeRows();
    for await (const slice of slices) edges.add(slice);
    await this.call.out.line(edges.lines().join("\n"));
  }

  /** Rows of several nodes in one stream begin with their node; the header of CSV stands once. */
  async *#naming(pieces: AsyncIterable<Uint8Array>, nodeId: string): AsyncIterable<Uint8Array> {
    const { format } = this.target;
    if (format === "json") return yield* pieces;
    const first = this.#written++ === 0;
    const csvName = /[",\n]/.test(nodeId) ? `"${nodeId.replaceAll('"', '""')}"` : nodeId;
    const decoder = new TextDecoder();
    let header = format === "csv";
    // Pieces of these formats end with whole lines.
    for await (const piece of pieces) {
      const lines = decoder.decode(piece).split("\n").slice(0, -1);
      let text = "";
      for (const line of lines) {
        if (header) text += first ? `node_id,${line}\n` : "";
        else {text += format === "csv"
            ? `${csvName},${line}\n`
            : `{"node_id":${JSON.stringify(nodeId)},${line.slice(1)}\n`;}
        header = false;
      }
      if (text !== "") yield encoder.encode(text);
    }
  }
}

async function copy(pieces: AsyncIterable<Uint8Array>, sink: Sink): Promise<void> {
  for await (const piece of pieces) await sink.write(piece);
}
