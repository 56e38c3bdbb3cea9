/** A row as it is sent; a field is null only where a fault made it so. */
export interface Row {
  openMs: number;
  /** When the bar ends, epoch ms; what a venue reports as its close time is up to the dialect. */
  endMs: number;
  open: number | null;
  high: number | null;
  low: number | null;
  close: number | null;
  volume: number | null;
  /** The bar is not over yet by the venue's clock. */
  isForming: boolean;
}

/** The fields of a row that a fault can make null. */
export type RowField = "open" | "high" | "low" | "close" | "volume";
