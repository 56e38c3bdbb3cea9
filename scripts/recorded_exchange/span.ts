/** A stretch of time, half open, epoch milliseconds. */
export interface Span {
  startMs: number;
  endMs: number;
}

/** Whether a time lies in a span; without a span it always does. */
export function isInside(ms: number, span: Span | undefined): boolean {
  return span === undefined || (ms >= span.startMs && ms < span.endMs);
}
