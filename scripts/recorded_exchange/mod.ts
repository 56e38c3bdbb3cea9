/**
 * The recorded exchange: a loopback server that speaks real venues' REST dialects over recorded or generated
 * bars, against a clock that its caller sets, with the venues' budgets and any fault one can wish for.
 * Tests, the demo and the benches stand on it.
 */

export { isSettable, type SettableClock, settableClock, systemClock, type VenueClock } from "./clock.ts";
export type { CcxtUrls, VenueId } from "./dialects/dialect.ts";
export type { Fault, FaultMatch } from "./faults.ts";
export { generatedSeries, generatedSource, type GeneratorOptions, type Span } from "./generator.ts";
export { fixedGrid, type Grid, gridOf } from "./grid.ts";
export type { Market } from "./market.ts";
export { type BucketRule, type Budget, type Charge, Meter, UNLIMITED, type WindowTally } from "./meter.ts";
export { partialBar, type Row } from "./rows.ts";
export { type Bar, noBars, type Series, seriesByName, seriesOfBars, type SeriesSource } from "./series.ts";
export {
  type RecordedCall,
  type RecordedExchange,
  type RecordedExchangeOptions,
  startRecordedExchange,
  VENUES,
} from "./server.ts";
