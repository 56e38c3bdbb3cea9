/** HTTP in the hands of people who know nothing of Seamless: their readers take each format, schemathesis the document. */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { filled, withRealService } from "../server/real_service.ts";
import { find, testNeeding } from "../needs.ts";

const ROWS = 28 * 1440 - 150 - 284;
const WIDE = "start=2024-01-03&end=2024-01-31&execution_domain=live";

/**
 * Two things that schemathesis expects are not so here: that whatever fits the schema is accepted (start ≤ end, and
 * that a cursor was issued, cannot be said in one), and that a job is gone once it was deleted (surface §4 keeps it).
 */
const NOT_OURS = "positive_data_acceptance,use_after_free,ensure_resource_availability";
const RUN_SCHEMATHESIS = "from schemathesis.cli import schemathesis; schemathesis()";

async function python(args: string[]): Promise<{ success: boolean; text: string }> {
  const command = new Deno.Command(find("python")!, { args, stdout: "piped", stderr: "piped" });
  const { success, stdout, stderr } = await command.output();
  const text = new TextDecoder().decode(stdout);
  return { success, text: success ? text : text + new TextDecoder().decode(stderr) };
}

testNeeding(
  ["python"],
  "pyarrow, polars, pandas and DuckDB read the same bits from every format",
  () =>
    withRealService(async ({ url, folder }) => {
      const answer = await filled(url, WIDE);
      await answer.body?.cancel();
      const { success, text } = await python([
        fileURLToPath(new URL("read_answers.py", import.meta.url)),
        `${answer.url}`,
        folder,
      ]);
      ok(success, text);
      const seen = JSON.parse(text);
      deepStrictEqual(new Set(Object.values(seen.rows)), new Set([ROWS]), text);
      const types = {
        ts: "int64",
        open: "double",
        high: "double",
        low: "double",
        close: "double",
        volume: "double",
      };
      deepStrictEqual(seen.types, { arrow: types, parquet: types });
      strictEqual(new Set(seen.digests).size, 1);
      for (const form of ["arrow", "parquet"]) strictEqual(JSON.parse(seen.metadata[form]).rows, ROWS);
      deepStrictEqual(seen.statistics[0], Date.UTC(2024, 0, 3) / 1000);
      strictEqual(seen.statistics[2], 0);
      ok(Math.abs(seen.volume[0] - seen.volume[1]) < 1e-6 * seen.volume[1]);
    }),
);

testNeeding(
  ["python"],
  "schemathesis finds no 5xx and no undocumented answer in /openapi.json",
  () =>
    withRealService(async ({ url, folder }) => {
      await (await filled(url, WIDE)).body?.cancel();
      const { success, text } = await python([
        "-c",
        RUN_SCHEMATHESIS,
        "run",
        `${url}/openapi.json`,
        ...["--max-examples", "40", "--seed", "1", "--no-color", "--exclude-checks", NOT_OURS],
        ...["--generation-database", "none", "--report-dir", folder],
      ]);
      ok(success, text.slice(-8_000));
      ok(/Tested: 1[5-9]|Tested: [2-9]\d/.test(text), text.slice(-2_000));
    }),
);
