/** The documents of the checkout as tests read them: their links, their tables, their blocks of code. */

import { fileURLToPath } from "node:url";

const ROOT = new URL("../../", import.meta.url);

/** Documents that people wrote by hand, as paths from the root. */
export const DOCUMENTS = [
  "README.md",
  "CHANGELOG.md",
  "docs/architecture.md",
  "docs/first-steps.md",
  "docs/http.md",
  "docs/verify-anywhere.md",
];

/** Absolute path of a path from the root. */
export function pathOf(fromRoot: string): string {
  return fileURLToPath(new URL(fromRoot, ROOT));
}

export async function readDocument(fromRoot: string): Promise<string> {
  return await Deno.readTextFile(pathOf(fromRoot));
}

/** The blocks of code in one language (empty: none named), without their fences. */
export function blocksOf(text: string, language: string): string[] {
  const blocks: string[] = [];
  let open: { language: string; lines: string[] } | null = null;
  for (const line of text.split("\n")) {
    if (!line.startsWith("```")) open?.lines.push(line);
    else if (open === null) open = { language: line.slice(3), lines: [] };
    else {
      if (open.language === language) blocks.push(open.lines.join("\n"));
      open = null;
    }
  }
  return blocks;
}

/** The commands of a document's shell blocks, a line each, without comments. */
export function commandsOf(text: string): string[] {
  return blocksOf(text, "sh").flatMap((block) => block.split("\n")).map((line) =>
    line.replace(/\s+#.*$/, "").trim()
  )
    .filter((line) => line !== "");
}
