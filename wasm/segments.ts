/**
 * The runs of slots that stand in times: any order, repeats allowed, times off the grid ignored. Times come in slabs;
 * the pairs of seconds found so far are brought along.
 */
import { BAD_TIME, setResult } from "./frame";
import { gridStep, isTime, slotOf, slotStart } from "./grid";
import { arrange } from "./ranges";
import { runLength, runLengthScalar } from "./runs";

/**
 * Adds the runs of `count` times to the `runs` pairs at `out` (room for `count` more) and answers how many there are then,
 * or BAD_TIME. Result 0 is 1 when a time stood before one that had come.
 */
export function addSegments(times: usize, count: i32, out: usize, runs: i32): i32 {
  return addRuns(times, count, out, runs, true);
}

/** `addSegments`, one time after the other. */
export function addSegmentsScalar(times: usize, count: i32, out: usize, runs: i32): i32 {
  return addRuns(times, count, out, runs, false);
}

@inline
function addRuns(times: usize, count: i32, out: usize, runs: i32, vectors: bool): i32 {
  const step = gridStep();
  let back: f64 = 0;
  for (let i = 0; i < count; i++) {
    const at = times + (<usize>i << 3);
    const t = load<f64>(at);
    if (!isTime(t)) return BAD_TIME;
    const slot = slotOf(t);
    if (slotStart(slot) != t) continue;
    const end = out + (<usize>runs << 4) - 8;
    let more = 0;
    if (step != 0) {
      const rest = count - i - 1;
      more = vectors ? runLength(at + 8, rest, t, step) : runLengthScalar(at + 8, rest, t, step);
    }
    const last = t + <f64>more * step;
    if (!isTime(last)) return BAD_TIME;
    const next = step == 0 ? slotStart(slot + 1) : last + step;
    i += more;
    if (runs > 0 && load<f64>(end) == t) {
      store<f64>(end, next);
      continue;
    }
    if (runs > 0 && t < load<f64>(end)) back = 1;
    store<f64>(end, t, 8);
    store<f64>(end, next, 16);
    runs++;
  }
  setResult(0, back);
  return runs;
}

/** Ends with the last slab: sorts `runs` pairs, where a result 0 was 1 (`back`). */
export function closeSegments(out: usize, runs: i32, back: bool): i32 {
  return back ? arrange(out, runs, 0) : runs;
}
