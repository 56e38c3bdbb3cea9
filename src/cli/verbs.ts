/** Every verb that is built, in the order in which a newcomer meets them. */

import type { Verb } from "./call.ts";
import { configVerb } from "./verbs/config.ts";
import { coverageVerb } from "./verbs/coverage.ts";
import { doctorVerb } from "./verbs/doctor.ts";
import { explainVerb } from "./verbs/explain.ts";
import { fillVerb } from "./verbs/fill.ts";
import { gapsVerb } from "./verbs/gaps.ts";
import { getVerb } from "./verbs/get.ts";
import { planVerb } from "./verbs/plan.ts";
import { publishVerb } from "./verbs/publish.ts";
import { serveVerb } from "./verbs/serve.ts";
import { snapshotsVerb } from "./verbs/snapshots.ts";
import { verifyVerb } from "./verbs/verify.ts";
import { versionVerb } from "./verbs/version.ts";

/** All verbs. */
export const VERBS: readonly Verb[] = [
  getVerb,
  fillVerb,
  planVerb,
  coverageVerb,
  gapsVerb,
  snapshotsVerb,
  publishVerb,
  verifyVerb,
  explainVerb,
  serveVerb,
  configVerb,
  doctorVerb,
  versionVerb,
];
