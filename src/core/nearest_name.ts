/** Finds what somebody probably meant by a name that does not exist. */

/**
 * The known name nearest to `name` by edit distance (ties: the first), or `null` when nothing is near: more than about a
 * third of the longer name would have to change, and neither begins with the other.
 */
export function nearestName(name: string, known: Iterable<string>): string | null {
  // Names come from outside: what is longer than any known name by far is not measured at all.
  const wanted = name.slice(0, 64).toLowerCase();
  let best: string | null = null;
  let bestDistance = Infinity;
  for (const candidate of known) {
    const distance = distanceOf(wanted, candidate.toLowerCase());
    if (distance < bestDistance && distance <= Math.ceil(Math.max(wanted.length, candidate.length) / 3)) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** A name cut short is as near as one wrong letter. */
function distanceOf(wanted: string, candidate: string): number {
  const cutShort = wanted.length >= 3 && candidate.length >= 3 &&
    (candidate.startsWith(wanted) || wanted.startsWith(candidate));
  return Math.min(editDistance(wanted, candidate), cutShort ? 1 : Infinity);
}

/** Levenshtein distance, one row of the table at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}
