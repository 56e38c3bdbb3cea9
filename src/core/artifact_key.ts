/**
 * Keys of the artifact store: relative paths with `/`. Checked wherever one comes in, so that no key ever names
 * something outside the store's root.
 */

/**
 * Whether the text can be a key: parts between single slashes, none empty, none beginning with a dot (which also
 * rules out `.` and `..`), no backslash, no control character. Names with a leading dot are the stores' own.
 */
export function isArtifactKey(key: string): boolean {
  return !/[\\\p{Cc}]/u.test(key) && key.split("/").every((part) => /^[^.]/.test(part));
}

/** Throws `TypeError` for what is no key: keys are made by this project, so a bad one is a fault in it. */
export function checkArtifactKey(key: string): void {
  if (!isArtifactKey(key)) throw new TypeError(`${JSON.stringify(key)} cannot be the key of an artifact`);
}

/** Throws `TypeError` unless the prefix is empty or a key followed by one slash. */
export function checkArtifactPrefix(prefix: string): void {
  if (prefix !== "" && !(prefix.endsWith("/") && isArtifactKey(prefix.slice(0, -1)))) {
    throw new TypeError(`${JSON.stringify(prefix)} cannot be the prefix of artifact keys`);
  }
}
