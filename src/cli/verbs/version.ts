/** `version`: what this program is, without any configuration. */

import { FINGERPRINT_VERSION, PRODUCT_VERSION } from "../../core/version.ts";
import type { Call, Verb } from "../call.ts";

export const versionVerb: Verb = {
  name: "version",
  summary: "version, fingerprint rules, and the digest of the core",
  usage: "version",
  about: "Says the version, the version of the fingerprint's rules, and the SHA-256 of the WASM core.",
  options: [],
  examples: ["seamless version --json"],
  takes: { min: 0, max: 0, what: "nothing" },
  notOverHttp: "it tells of this program; GET /openapi.json tells the service's version",
  run: version,
};

async function version(call: Call): Promise<number> {
  const { wasmSha256 } = await import("../../compute/wasm_digest.ts");
  const report = {
    version: PRODUCT_VERSION,
    fingerprint_version: FINGERPRINT_VERSION,
    wasm_sha256: await wasmSha256(),
  };
  await call.out.result(report, () => [
    `seamless ${report.version}`,
    `fingerprints ${report.fingerprint_version}`,
    `core ${report.wasm_sha256}`,
  ]);
  return 0;
}
