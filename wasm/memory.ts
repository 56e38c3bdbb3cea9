/**
 * The arena: one bump pointer over everything behind the static data.
 *
 *   0 ........ __heap_base ............ top ............ memory.size()
 *   static data | what this call has | free, kept for the next call
 *
 * A call takes what it needs and gives all of it back at once with `reset(mark())`. Nothing is cleared: fresh pages
 * cost more than copies, so they are used again.
 */

const PAGE: usize = 65536;
const ALIGN: usize = 15;
/** The last page is never handed out, so that address arithmetic cannot wrap. */
const CEILING: usize = 0xffff0000;

let top: usize = (__heap_base + ALIGN) & ~ALIGN;

/** The arena's current end; `reset` takes it back to there. */
export function mark(): usize {
  return top;
}

/** Gives back everything allocated since `mark`. */
export function reset(to: usize): void {
  top = to;
}

/** `bytes` of arena, aligned to 16; 0 when memory cannot grow so far. The contents are undefined. */
export function alloc(bytes: usize): usize {
  const at = top;
  if (bytes > CEILING - at) return 0;
  const end = (at + bytes + ALIGN) & ~ALIGN;
  const held = <usize>memory.size() * PAGE;
  if (end > held) {
    const pages = <i32>((end - held + PAGE - 1) / PAGE);
    if (memory.grow(pages) < 0) return 0;
  }
  top = end;
  return at;
}
