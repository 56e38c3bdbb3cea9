/**
 * Declarations of the npm package. `deno pack` makes them, one for each module that the exports reach; it packs a whole
 * package, so it is given a temporary one with nothing but the sources that the entries may import.
 */

/** Rings that the compute core and the client may import (architecture.md). */
const RINGS = ["core", "compute", "client"];
const BLOCK = 512;

/**
 * What the declarations name and a host's own may lack: Node's know no `WebAssembly` unless the DOM's are there too,
 * with which this merges.
 */
const HOST_FILE = "host.d.ts";
const HOST_TYPES = `/** Merges with the host's own declaration, where it has one. */
declare namespace WebAssembly {
  interface Module {}
}
`;
/** A type alias cannot be merged, so it is written out. */
const WRITTEN_OUT: [name: RegExp, type: string][] = [[
  /\bBufferSource\b/g,
  "(ArrayBuffer | ArrayBufferView)",
]];

/** The declaration files of the entries, as paths below `src/` and their text. */
export async function typesOf(
  o: { root: URL; entries: string[]; temporaryParent: string },
): Promise<[path: string, text: string][]> {
  const folder = await Deno.makeTempDir({ dir: o.temporaryParent });
  try {
    for (const ring of RINGS) await copySources(new URL(`src/${ring}/`, o.root), `${folder}/src/${ring}`);
    await writeConfig(o.root, o.entries, folder);
    const archive = `${folder}/package.tgz`;
    const args = ["pack", "--quiet", "--no-source-maps", "--allow-dirty", "--output", archive];
    const options = { args, cwd: folder, env: { NO_COLOR: "1" } };
    const { success, stderr } = await new Deno.Command(Deno.execPath(), options).output();
    if (!success) throw new Error(`Cannot derive declarations:\n${new TextDecoder().decode(stderr)}`);
    const files = readTar(await gunzip(await Deno.readFile(archive)));
    const prefix = "package/src/";
    const declarations = files
      .filter(([path]) => path.startsWith(prefix) && path.endsWith(".d.ts"))
      .map(([path, text]) => [path.slice(prefix.length), forAnyHost(text)] as [string, string]);
    const refer = ([path, text]: [string, string]): [string, string] =>
      path.endsWith("/mod.d.ts") ? [path, `/// <reference path="../${HOST_FILE}" />\n${text}`] : [path, text];
    return [[HOST_FILE, HOST_TYPES], ...declarations.map(refer)];
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function forAnyHost(text: string): string {
  return WRITTEN_OUT.reduce((written, [name, type]) => written.replaceAll(name, type), text);
}

async function copySources(from: URL, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const entry of Deno.readDir(from)) {
    if (entry.isDirectory) await copySources(new URL(`${entry.name}/`, from), `${to}/${entry.name}`);
    else if (entry.name.endsWith(".ts")) {
      await Deno.copyFile(new URL(entry.name, from), `${to}/${entry.name}`);
    }
  }
}

async function writeConfig(root: URL, entries: string[], folder: string): Promise<void> {
  const { name, version, license, imports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  const exports = Object.fromEntries(entries.map((entry) => [`./${entry}`, `./src/${entry}/mod.ts`]));
  await Deno.writeTextFile(
    `${folder}/deno.json`,
    JSON.stringify({ name, version, license, imports, exports }),
  );
}

async function gunzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The files of a tar archive (POSIX ustar): a header block with name and octal size, then the contents in blocks. */
function readTar(bytes: Uint8Array): [path: string, text: string][] {
  const decoder = new TextDecoder();
  const field = (at: number, length: number) =>
    decoder.decode(bytes.subarray(at, at + length)).replace(/\0.*$/s, "");
  const files: [string, string][] = [];
  for (let at = 0; at + BLOCK <= bytes.length && bytes[at] !== 0;) {
    const size = parseInt(field(at + 124, 12), 8);
    const folder = field(at + 345, 155);
    const path = (folder ? `${folder}/` : "") + field(at, 100);
    const start = at + BLOCK;
    files.push([path, decoder.decode(bytes.subarray(start, start + size))]);
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}
