/** Reads the JUnit report of `deno test`: which tests passed, failed or were skipped, and why. */

/** One test, or one step of a test that was skipped. */
export interface TestCase {
  file: string;
  name: string;
  outcome: "passed" | "failed" | "skipped";
  /** What the failure said; empty otherwise. */
  detail: string;
}

const ENTITIES: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function unescape(text: string): string {
  return text.replace(/&(#x?[0-9a-f]+|[a-z]+);/gi, (whole, name: string) => {
    if (name[0] !== "#") return ENTITIES[name] ?? whole;
    const code = name[1].toLowerCase() === "x" ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10);
    return String.fromCodePoint(code);
  });
}

/**
 * The test cases of a report. Steps are parts of their test and not counted beside it, but for skipped ones: a
 * skip is never hidden inside a test that passes.
 */
export function parseJunit(xml: string): TestCase[] {
  const cases: TestCase[] = [];
  for (const suite of xml.matchAll(/<testsuite name="([^"]*)"[^>]*>([\s\S]*?)<\/testsuite>/g)) {
    const file = unescape(suite[1]).replace(/^\.\//, "");
    const found = [...suite[2].matchAll(/<testcase name="([^"]*)"[^>]*>([\s\S]*?)<\/testcase>/g)]
      .map(([, name, body]) => caseOf(file, unescape(name), body));
    const names = new Set(found.map((one) => one.name));
    cases.push(...found.filter((one) => one.outcome === "skipped" || !isStep(one.name, names)));
  }
  return cases;
}

function caseOf(file: string, name: string, body: string): TestCase {
  const failure = /<(failure|error)\b[^>]*>([\s\S]*?)<\/\1>/.exec(body);
  if (failure) return { file, name, outcome: "failed", detail: unescape(failure[2]) };
  if (/<(failure|error)\b/.test(body)) return { file, name, outcome: "failed", detail: "" };
  return { file, name, outcome: body.includes("<skipped") ? "skipped" : "passed", detail: "" };
}

function isStep(name: string, names: Set<string>): boolean {
  for (let at = name.indexOf(" > "); at >= 0; at = name.indexOf(" > ", at + 1)) {
    if (names.has(name.slice(0, at))) return true;
  }
  return false;
}

/**
 * Why a test was skipped: what stands in `[needs …]`, or in `(SKIPPED: … is not there)`, at the end of its name; null
 * when the name does not say.
 */
export function skipReason(name: string): string | null {
  const said = /\[needs ([^\]]+)\]\s*$/.exec(name) ?? /\(SKIPPED: (.+?)(?: is not there)?\)\s*$/.exec(name);
  return said?.[1] ?? null;
}

/** Whether all that a skipped test lacked is the recorded data beside the checkout: the one skip that CI accepts. */
export function lacksSharedAlone(name: string): boolean {
  return /^\.\.\/shared(\/[\w./-]*)?$/.test(skipReason(name) ?? "");
}
