/** `${NAME}` and `${NAME:-default}` in configuration, and the rule that secrets stand there only so. */

/** A reference; group 1 is the name, group 2 the default with its `:-`. */
const REFERENCE = /\$\{([A-Za-z_][A-Za-z0-9_]*)(:-[^}]*)?\}/g;

/** What a text becomes. `missing` names variables that are not set and have no default. */
export interface Expanded {
  text: string;
  hasReference: boolean;
  missing: string[];
}

/** Expands every reference. As in a shell, `:-` stands in for a variable that is unset or empty. */
export function expand(text: string, env: Readonly<Record<string, string>>): Expanded {
  const missing: string[] = [];
  let hasReference = false;
  const expanded = text.replaceAll(REFERENCE, (_, name: string, fallback?: string) => {
    hasReference = true;
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (fallback !== undefined) return value ? value : fallback.slice(2);
    if (value === undefined) missing.push(name);
    return value ?? "";
  });
  return { text: expanded, hasReference, missing };
}

/** A `${` that is no reference: a typing error that would otherwise reach an address as it stands. */
export function hasBrokenReference(text: string): boolean {
  return text.replaceAll(REFERENCE, "").includes("${");
}

/** Whether the text is one reference (or several) and nothing else: no literal part, no literal default. */
export function isReferenceOnly(text: string): boolean {
  return text !== "" && withoutReferences(text) === "";
}

/** The literal parts of a text: references go, their defaults stay. */
function withoutReferences(text: string): string {
  return text.replaceAll(REFERENCE, (_, _name: string, fallback?: string) => fallback?.slice(2) ?? "");
}

/** Names of URL parameters and option keys whose values are secrets. */
const SECRET_NAME =
  /^(api_?key|secret(_?key)?|client_?secret|password|passwd|pwd|passphrase|private_?key|token|access_?token|auth(orization)?)$/i;

/** Whether a key of CCXT's options, or of an address, holds a secret by its name. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** User and password of a URL; the password may hold any character but `/ ? # @`. */
const USERINFO = /^([a-z][a-z0-9+.-]*:\/\/[^/?#@:]*:)([^/?#@]+)(@)/i;
const PARAMETER = /([?&])([^=&#]+)=([^&#]*)/g;
/** Slack's incoming webhooks: whoever knows the path may post. */
const SLACK_PATH = /^(https:\/\/hooks\.slack\.com\/)(.+)$/i;

/** Whether a text written into a file holds a password or token as a literal. */
export function holdsLiteralSecret(written: string): boolean {
  // References may hold any character, so they leave first; what remains of a password is its literal part.
  const literal = withoutReferences(written);
  if (USERINFO.test(literal) || /^https:\/\/hooks\.slack\.com\/.*[^/]/i.test(literal)) return true;
  return [...literal.matchAll(PARAMETER)].some(([, , name, value]) => isSecretName(name) && value !== "");
}

/** What stands where a secret was. */
export const MASK = "***";

/** Replaces passwords and tokens inside a text. */
export function maskText(text: string): string {
  return text
    .replace(/^([a-z][a-z0-9+.-]*:\/\/[^/?#@:]*:)(.+)(@[^@]*)$/i, (whole, before, _, after) => {
      return USERINFO.test(whole) || URL.parse(whole) === null ? `${before}${MASK}${after}` : whole;
    })
    .replace(SLACK_PATH, `$1${MASK}`)
    .replaceAll(PARAMETER, (whole, mark, name) => isSecretName(name) ? `${mark}${name}=${MASK}` : whole);
}

/** Whether a text holds a reference. */
export function hasReference(text: string): boolean {
  return referenceNames(text).length > 0;
}

/** The variables that a text refers to. */
export function referenceNames(text: string): string[] {
  return [...text.matchAll(REFERENCE)].map(([, name]) => name);
}
