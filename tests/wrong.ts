/** A value where its type does not belong: what a program without types could hand over. */
export function wrong<T>(value: unknown): T {
  return value as T;
}
