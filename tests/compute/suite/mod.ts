/** The whole suite, the same on every host. */
import type { Compute } from "../../../src/compute/mod.ts";
import { agreementCases } from "./agreement.ts";
import type { Case } from "./case.ts";
import { hostileFrameCases } from "./hostile_frames.ts";
import { hostileCases } from "./hostile.ts";
import { largeCases } from "./large.ts";
import { proofCases } from "./proofs.ts";
import { checkRecorded, type Recorded } from "./recorded.ts";
import { shaCases } from "./sha.ts";
import { slabCases } from "./slabs.ts";
import { vectorCases, type Vectors } from "./vectors.ts";

/** Random inputs for each function. */
export const INPUTS = 10_000;
/** Random inputs for what must hold of fingerprints: each makes many calls. */
const PROOF_INPUTS = 1_000;

/** Everything but the recorded files. `vectors` may lack files; then their cases are not there. */
export function suiteCases(
  o: { vectors: Vectors; seed: number; splitLongest?: number; inputs?: number },
): Case[] {
  return [
    ...vectorCases(o.vectors),
    ...hostileCases(),
    ...hostileFrameCases(),
    ...largeCases(),
    ...slabCases(),
    ...shaCases(o.splitLongest),
    ...proofCases(PROOF_INPUTS, o.seed),
    ...agreementCases(o.inputs ?? INPUTS, o.seed),
  ];
}

/** What a whole run found: how many cases passed, and which failed with what. */
export type Outcome = { passed: number; failures: { name: string; message: string }[] };

/** What a host brings: an instance, the vectors, and the text of a recorded file where it has them. */
export type Host = {
  compute: Compute;
  vectors: Vectors;
  recorded?: { cases: Recorded[]; read(file: string): Promise<string> };
  seed: number;
};

/** Runs everything, one case after the other. For hosts that have no test runner of ours. */
export async function runSuite(host: Host): Promise<Outcome> {
  const outcome: Outcome = { passed: 0, failures: [] };
  const attempt = async (name: string, run: () => void | Promise<void>) => {
    try {
      await run();
      outcome.passed++;
    } catch (error) {
      outcome.failures.push({ name, message: String((error as Error).stack).slice(0, 2000) });
    }
  };
  for (const { name, run } of suiteCases(host)) await attempt(name, () => run(host.compute));
  for (const known of host.recorded?.cases ?? []) {
    const check = async () => checkRecorded(host.compute, known, await host.recorded!.read(known.file));
    await attempt(known.file, check);
  }
  return outcome;
}
