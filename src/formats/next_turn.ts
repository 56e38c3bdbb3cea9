/** Long work in pieces, so that whoever else waits for this thread gets a turn in between. */

/** Resolves when what else was ready has had its turn. A timer, because an immediate comes before I/O is looked at. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, 0));
}
