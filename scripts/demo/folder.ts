/** The demo's folder: made anew on each run, and never at the cost of anything that is not the demo's own. */

import { join } from "node:path";

/** The first line of the demo's configuration; a folder whose file begins so may be emptied. */
const MARK = "# Written by the Seamless demo.";
export const CONFIG_NAME = "seamless.yaml";

/** Empties the folder if it is the demo's, makes it if it is not there. Throws when it holds anything else. */
export async function emptyFolder(folder: string): Promise<void> {
  const config = await Deno.readTextFile(join(folder, CONFIG_NAME)).catch((error) => {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
    throw error;
  });
  if (config?.startsWith(MARK)) await Deno.remove(folder, { recursive: true });
  await Deno.mkdir(folder, { recursive: true });
  for await (const entry of Deno.readDir(folder)) {
    throw new Error(
      `${folder} holds ${entry.name}, which is not the demo's: name another folder, or move it away`,
    );
  }
}

/** Writes the configuration that the demo runs with, and that works on the folder afterwards. */
export async function writeConfig(
  folder: string,
  venue: { urls: unknown; options: unknown },
): Promise<string> {
  const path = join(folder, CONFIG_NAME);
  const text = `${MARK} It works on this folder afterwards: deno task --quiet seamless gaps NODE -c ${path}
# The bars are made up by scripts/recorded_exchange, which spoke Binance at the address below while the demo ran.
# Keep them apart from real ones: delete the folder when you have seen enough.
storage:
  bars: "sqlite:./bars.db"
seamless:
  artifact:
    object_store_uri: "./artifacts"
exchanges:
  binance:
    urls: ${JSON.stringify(venue.urls)}
    options: ${JSON.stringify(venue.options)}
`;
  await Deno.writeTextFile(path, text);
  return path;
}
