/**
 * Memory outside the heap. A collection comes when the heap has grown, and a buffer weighs next to nothing there: long
 * work over large buffers lets tens of megabytes of dead ones lie about. Whoever owns one alone ends it instead.
 */

/** Frees the buffer now: every view of it is empty from here on. It must be the caller's own, from end to end. */
export function giveBack(buffer: ArrayBufferLike): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
