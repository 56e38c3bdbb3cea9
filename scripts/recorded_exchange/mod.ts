/**
 * The recorded exchange: a loopback server that speaks real venues' REST dialects over recorded or generated
 * bars, against a clock that its caller sets, with the venues' budgets and any fault one can wish for.
 * Tests, the demo and the benches stand on it.
 */

export { type SettableClock, settableClock, systemClock, type VenueClock } from "./clock.ts";
export type { CcxtUrls } from "./dialects/dialect.ts";
export type { Fault, FaultMatch } from "./faults.ts";
export { generatedSeries, generatedSource, type GeneratorOptions } from "./generator.ts";
export { fixedGrid, type Grid, gridOf } from "./grid.ts";
export type { Market } from "./market.ts";
export { type BucketRule, type Budget, type Charge, Meter, UNLIMITED, type WindowTally } from "./meter.ts";
export { partialBar } from "./rows.ts";
export type { Row } from "./row.ts";
export type { Span } from "./span.ts";
export type { Endpoint, VenueId } from "./venue_id.ts";
export { type Bar, noBars, type Series, seriesByName, seriesOfBars, type SeriesSource } from "./series.ts";
export {
  type RecordedCall,
  type RecordedExchange,
  type RecordedExchangeOptions,
  startRecordedExchange,
  VENUES,
} from "./server.ts";
export {
  DEMO_LISTED_MS,
  DEMO_MARKETS,
  DEMO_MONTH,
  DEMO_OUTAGES,
  DEMO_QUIET,
  demoSeries,
  startDemoExchange,
} from "./demo_month.ts";
export {
  barsFromFile,
  type BitfinexPage,
  bitfinexPages,
  seriesFromBarFile,
  seriesFromBitfinexPages,
} from "./recorded_files.ts";
