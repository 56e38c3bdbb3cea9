/** Real venues' bars, 85 files: the flags and the fingerprint of each. */
import { gunzipSync } from "node:zlib";
import { load } from "../../src/compute/mod.ts";
import { checkRecorded, type Recorded } from "./suite/recorded.ts";
import { sharedFile, sharedVectors } from "./shared.ts";

const recorded = sharedFile("data/bars/") === null ? null : sharedVectors(["recorded"]);
const compute = await load();

Deno.test({
  name: "every recorded file has the flags and the fingerprint that are known of it" +
    (recorded === null ? " (SKIPPED: ../shared/data/bars is not there)" : ""),
  ignore: recorded === null,
  sanitizeOps: true,
  sanitizeResources: true,
  async fn(t) {
    for (const known of recorded!.recorded.cases as Recorded[]) {
      await t.step(known.file, () => {
        const zipped = Deno.readFileSync(sharedFile(`data/bars/${known.file}`)!);
        checkRecorded(compute, known, gunzipSync(zipped).toString());
      });
    }
  },
});
