import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { checkOutputPlace, openOutputFile } from "../../src/cli/output_file.ts";
import { HistoryError } from "../../src/core/errors.ts";

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const names = (folder: string) => [...Deno.readDirSync(folder)].map((entry) => entry.name);

Deno.test("a file is not to be seen under its name before it is whole", () =>
  inFolder(async (folder) => {
    const file = await openOutputFile("bars.csv", folder);
    await file.write(new TextEncoder().encode("ts\n"));
    strictEqual(names(folder).includes("bars.csv"), false);
    await file.keep();
    deepStrictEqual(names(folder), ["bars.csv"]);
    strictEqual(await Deno.readTextFile(join(folder, "bars.csv")), "ts\n");
  }));

Deno.test("a file that is discarded leaves what stood there", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "bars.csv"), "old");
    const file = await openOutputFile(join(folder, "bars.csv"), "/");
    await file.write(new Uint8Array(10));
    await file.discard();
    deepStrictEqual(names(folder), ["bars.csv"]);
    strictEqual(await Deno.readTextFile(join(folder, "bars.csv")), "old");
  }));

Deno.test("places where nothing can be written are refused with the way out", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "plain"), "");
    const cases: [string, RegExp][] = [
      [".", /it is a folder/],
      ["no/such/bars.csv", /its folder does not exist/],
      ["plain/bars.csv", /part of its path is a file/],
    ];
    for (const [path, why] of cases) {
      for (const act of [checkOutputPlace, openOutputFile]) {
        await rejects(
          async () => void await act(path, folder),
          (error) =>
            error instanceof HistoryError && error.code === "BAD_REQUEST" && why.test(error.message) &&
            error.hint.length > 5,
        );
      }
    }
  }));

Deno.test("a full disk is told as one, and not as a fault of the program", () =>
  inFolder(async (folder) => {
    const file = await openOutputFile("bars.csv", folder);
    const { write } = Deno.FsFile.prototype;
    const noSpace = Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" });
    Deno.FsFile.prototype.write = () => Promise.reject(noSpace);
    try {
      await rejects(file.write(new Uint8Array(10)), (error) => {
        return error instanceof HistoryError && error.code === "STORE_UNAVAILABLE" &&
          /Cannot write bars.csv: the disk is full/.test(error.message) && error.hint !== "";
      });
    } finally {
      Deno.FsFile.prototype.write = write;
    }
    await file.discard();
    deepStrictEqual([...Deno.readDirSync(folder)], []);
  }));
