/** `verify`: proves that published files are what their manifests say. */

import { HistoryError } from "../../core/errors.ts";
import type { VerifyProgress, VerifyReport } from "../../core/service.ts";
import { usageError } from "../arguments.ts";
import type { Call, Verb } from "../call.ts";
import { asOfOption, flagOption, nameOption, OPTIONS, textOption } from "../options.ts";
import { Progress } from "../progress.ts";
import { nodesOf } from "../request.ts";
import { counted, table } from "../texts.ts";

/** Exit code of a verification that failed (surface §6). */
const EXIT_VERIFY_FAILED = 4;
/** A public key in PEM is a few lines. */
const KEY_MAX_BYTES = 65_536;

export const verifyVerb: Verb = {
  name: "verify",
  summary: "prove published data down to the chunk",
  usage: "verify [NODE…]",
  about:
    "Reads the log, the manifests and every segment of the nodes (none named: all), recomputes each hash and compares.",
  options: [
    OPTIONS.asOf,
    OPTIONS.fingerprint,
    { name: "hot", doc: "the chunks of the hot store as well, also of nodes that were never published" },
    { name: "key", value: "PEM", doc: "file with the public key that manifests must be signed with" },
    { name: "lock", value: "FILE", doc: "what a lock file names (not built yet)" },
  ],
  examples: ["seamless verify ohlcv:binance:BTC/USDT:1m", "seamless verify --hot"],
  takes: { min: 0, max: Infinity, what: "NODE" },
  notOverHttp: "it reads the files themselves",
  run: verify,
};

async function verify(call: Call): Promise<number> {
  if (textOption(call.args, "lock") !== undefined) {
    throw new HistoryError("NOT_AVAILABLE", "Cannot use --lock: lock files are not built yet", {
      hint: "Name node and dataset themselves: seamless verify NODE --fingerprint FP",
    });
  }
  const nodeIds = nodesOf(call.args);
  const asOf = asOfOption(call.args);
  const fingerprint = nameOption(call.args, "fingerprint");
  if (nodeIds.length === 0 && fingerprint !== undefined) {
    throw usageError(
      "Cannot verify a fingerprint of no node",
      "Name its node: seamless verify NODE --fingerprint FP",
    );
  }
  const keyFile = textOption(call.args, "key");
  const keyPem = keyFile === undefined ? undefined : await readKey(keyFile, call.s.cwd);
  const service = await call.service();
  const progress = new Progress(call.s, call.out.mode.quiet, call.signal);
  const begunMs = call.s.monotonicMs();
  let proven: VerifyProgress = { segments: 0, bytes: 0 };
  const report = await service.verify({
    nodeIds,
    asOf,
    fingerprint,
    hot: flagOption(call.args, "hot"),
    keyPem,
    signal: call.signal,
    onProgress(done) {
      proven = done;
      progress.draw((o) => `verifying  ${speedText(done, o.elapsedSec)}`.slice(0, o.columns - 1));
    },
  }).finally(() => progress.clear());
  const tookSec = (call.s.monotonicMs() - begunMs) / 1000;
  await call.out.result(report, () => verifyLines(report, speedText(proven, tookSec)));
  return report.ok ? 0 : EXIT_VERIFY_FAILED;
}

/** The PEM of a public key; `BAD_REQUEST` when the file is none. */
async function readKey(file: string, cwd: string): Promise<string> {
  const { resolve } = await import("node:path");
  const path = resolve(cwd, file);
  try {
    const { size, isFile } = await Deno.stat(path);
    if (isFile && size <= KEY_MAX_BYTES) {
      const text = await Deno.readTextFile(path);
      if (text.includes("-----BEGIN PUBLIC KEY-----")) return text;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied)) {
      throw error;
    }
  }
  throw usageError(
    `Cannot use --key ${file}: it is no readable PEM file of a public key`,
    "Make one: openssl pkey -in private.pem -pubout -out public.pem",
  );
}

/** What was hashed, and how fast: `28 segments, 240 MB of bars, 0.25 GB/s`. */
function speedText({ segments, bytes }: VerifyProgress, seconds: number): string {
  const rate = seconds > 0 ? `, ${(bytes / 1e9 / seconds).toFixed(2)} GB/s` : "";
  return `${counted(segments, "segment")}, ${(bytes / 1e6).toFixed(1)} MB of bars${rate}`;
}

function verifyLines(report: VerifyReport, speed: string): string[] {
  const { manifests, segments, chunks, signatures } = report.checked;
  const looked = [
    counted(manifests, "manifest"),
    counted(segments, "segment"),
    counted(chunks, "chunk"),
    counted(signatures, "signature"),
  ].join(", ");
  const alone = (report.unpublished ?? []).map((nodeId) =>
    `${nodeId}  nothing published: its stored chunks alone were verified`
  );
  if (report.ok) return [`verified: ${looked}`, `read and hashed anew: ${speed}`, ...alone];
  const rows = report.failures.map((
    failure,
  ) => [failure.kind, failure.where, failure.expected, failure.found]);
  return [
    `FAILED: ${counted(report.failures.length, "difference")} (${looked})`,
    ...table(["kind", "where", "expected", "found"], rows),
    ...alone,
  ];
}
