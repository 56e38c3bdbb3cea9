/**
 * Makes the Python of the tests: a virtual environment in `.cache/python` with what tests/requirements.txt pins.
 * Prints the path of its interpreter, which tests expect in `TEST_PYTHON`; made once, and anew when the pins change.
 *
 * Usage: TEST_PYTHON="$(deno task --quiet python)"
 */

import { fileURLToPath } from "node:url";
import { join } from "node:path";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const FOLDER = join(ROOT, ".cache", "python");
const PINS = join(ROOT, "tests", "requirements.txt");
const INTERPRETER = Deno.build.os === "windows"
  ? join(FOLDER, "Scripts", "python.exe")
  : join(FOLDER, "bin", "python");
/** Holds the pins that the environment was made of; written last, so that a broken one is made again. */
const STAMP = join(FOLDER, "pins.txt");

/** Run by the machine's own Python, so that this script needs leave to run no other program. */
const MAKE = `
import subprocess, sys, venv
folder, interpreter, pins = sys.argv[1:]
venv.create(folder, clear=True, with_pip=True)
subprocess.check_call([interpreter, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--quiet",
                       "--only-binary", ":all:", "-r", pins], stdout=sys.stderr)
`;

/** Makes the environment where it is missing or of other pins. Throws when the machine has no Python 3, or pip fails. */
async function ensurePython(): Promise<string> {
  const pins = await Deno.readTextFile(PINS);
  if (await readIfThere(STAMP) === pins) return INTERPRETER;
  await Deno.mkdir(FOLDER, { recursive: true });
  const args = ["-c", MAKE, FOLDER, INTERPRETER, PINS];
  const { success } = await new Deno.Command("python3", { args, stdout: "inherit", stderr: "inherit" })
    .output();
  if (!success) throw new Error(`Cannot make a Python environment in ${FOLDER}: see the messages above`);
  await Deno.writeTextFile(STAMP, pins);
  return INTERPRETER;
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

if (import.meta.main) console.log(await ensurePython());
