/** What operators must hear of answers that may not be traded on, under the stable names of metrics.md (spec §10, §11). */

import type { ErrorCode } from "../core/errors.ts";
import { HistoryError } from "../core/errors.ts";
import type { Metadata, SlaViolation } from "../core/metadata.ts";
import type { Log } from "../core/ports.ts";
import type { FetchRequest } from "../core/request.ts";
import type { Question } from "./question.ts";

/** A verdict other than PASS: `seamless.domain_gate.downgrade`, naming the dataset. */
export function logVerdict(log: Log, metadata: Metadata): void {
  const { verdict, node_id, world_id, execution_domain, dataset_fingerprint, as_of } = metadata;
  if (verdict.mode === "PASS") return;
  log.emit("warn", "seamless.domain_gate.downgrade", {
    ...{ node_id, world_id, execution_domain, dataset_fingerprint, as_of },
    mode: verdict.mode,
    reasons: verdict.reasons,
  });
}

/** A broken budget: `seamless.sla.phase_exceeded`, whatever became of the answer. */
export function logViolation(log: Log, question: Question, violation: SlaViolation | null): void {
  if (violation === null) return;
  log.emit("warn", "seamless.sla.phase_exceeded", {
    node_id: question.nodeId,
    world_id: question.worldId,
    action: question.sla.on_violation,
    ...violation,
  });
}

const REFUSALS: Partial<Record<ErrorCode, string>> = {
  AS_OF_REQUIRED: "seamless.domain_gate.missing_as_of",
  ARTIFACT_MISSING: "seamless.domain_gate.missing_artifact",
};

/** A request that the domain's own rules refuse. Other failures are told by who meets them. */
export function logRefusal(log: Log, request: FetchRequest, error: unknown): void {
  const event = error instanceof HistoryError ? REFUSALS[error.code] : undefined;
  if (event === undefined) return;
  const { nodeId, worldId, fingerprint, asOf } = request;
  log.emit("warn", event, {
    node_id: nodeId,
    world_id: worldId ?? "default",
    dataset_fingerprint: fingerprint ?? null,
    as_of: asOf ?? null,
  });
}
