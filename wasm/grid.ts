/**
 * Grids and slots, the same arithmetic as src/core/timeframe.ts.
 *
 * A grid is a step and an anchor; step 0 stands for calendar months. Slots are whole numbers held in f64: below 2^43
 * seconds every value here is exact, and no conversion is needed.
 */

/** Times lie strictly within ±TIME_LIMIT seconds. */
export const TIME_LIMIT: f64 = 8796093022208.0; // 2^43

let step: f64 = 60;
let anchor: f64 = 0;

/** Chooses the grid that the following calls work on. */
export function setGrid(newStep: f64, newAnchor: f64): void {
  step = newStep;
  anchor = newAnchor;
}

@inline
export function gridStep(): f64 {
  return step;
}

@inline
export function gridAnchor(): f64 {
  return anchor;
}

@inline
export function isTime(t: f64): bool {
  // False for NaN as well, since every comparison with it is.
  return abs<f64>(t) < TIME_LIMIT;
}

/** The slot that contains the instant `t`. */
export function slotOf(t: f64): f64 {
  const whole = floor<f64>(t);
  if (step == 0) return monthOf(whole);
  return floor<f64>((whole - anchor) / step);
}

/** The epoch second at which a slot starts. */
export function slotStart(slot: f64): f64 {
  if (step == 0) return monthStart(slot);
  return anchor + slot * step;
}

/** The first slot that starts at or after `t`. */
export function slotAtOrAfter(t: f64): f64 {
  const slot = slotOf(t);
  return slotStart(slot) < t ? slot + 1 : slot;
}

const DAY: f64 = 86400;
const EPOCH_DAYS: f64 = 719468;
const ERA_DAYS: f64 = 146097;

/** Months since 1970-01 of a whole second: civil arithmetic after Howard Hinnant, years counted from March. */
function monthOf(sec: f64): f64 {
  const shifted = floor<f64>(sec / DAY) + EPOCH_DAYS;
  const era = floor<f64>(shifted / ERA_DAYS);
  const day = shifted - era * ERA_DAYS;
  const year = floor<f64>(
    (day - floor<f64>(day / 1460) + floor<f64>(day / 36524) - floor<f64>(day / 146096)) / 365,
  );
  const dayOfYear = day - (365 * year + floor<f64>(year / 4) - floor<f64>(year / 100));
  const fromMarch = floor<f64>((5 * dayOfYear + 2) / 153);
  return (era * 400 + year - 1970) * 12 + fromMarch + 2;
}

function monthStart(month: f64): f64 {
  const fromMarch = month + 1970 * 12 - 2;
  const year = floor<f64>(fromMarch / 12);
  const era = floor<f64>(year / 400);
  const yearOfEra = year - era * 400;
  const monthOfYear = fromMarch - year * 12;
  const dayOfYear = floor<f64>((153 * monthOfYear + 2) / 5);
  const days = yearOfEra * 365 + floor<f64>(yearOfEra / 4) - floor<f64>(yearOfEra / 100) + dayOfYear;
  return (era * ERA_DAYS + days - EPOCH_DAYS) * DAY;
}
