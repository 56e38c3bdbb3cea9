/** Where the shared vectors and data lie: beside the repository, and not in it. */

const SHARED = new URL("../../../shared/", import.meta.url);

/** The named vector files, parsed, by name; `null` when the folder is not there. */
export function sharedVectors(names: readonly string[]): Record<string, { cases: unknown[] }> | null {
  if (!exists(new URL("vectors/", SHARED))) return null;
  return Object.fromEntries(
    names.map((name) => [name, JSON.parse(Deno.readTextFileSync(new URL(`vectors/${name}.json`, SHARED)))]),
  );
}

/** The address of a shared file; `null` when it is not there. */
export function sharedFile(path: string): URL | null {
  const url = new URL(path, SHARED);
  return exists(url) ? url : null;
}

function exists(url: URL): boolean {
  try {
    Deno.statSync(url);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
