/** The door: every function that the host may call. Numbers go across, nothing else. */
export { alloc, mark, reset } from "./memory";
export { setGrid } from "./grid";
export { sortOrder } from "./sort";
export { intersectRanges, mergeRanges, segmentsOf, subtractRanges } from "./ranges";
export { canonicalise, results, toInt64 } from "./frame";
export { conformBars } from "./conformance";
export { watermark } from "./finality";
export { shaFinish, shaStart, shaUpdate } from "./sha256";
export { closeChunks, cutChunks, hashTagged, shaStartTagged } from "./fingerprint";
export { resampleBars } from "./resample";
export { barsFromTrades, checkTradeTimes } from "./trades";
