/** The door: every function that the host may call. Numbers go across, nothing else. */
export { alloc, mark, reset } from "./memory";
export { setGrid } from "./grid";
export { sortOrder } from "./sort";
export { intersectRanges, mergeRanges, mergeRangesBy, subtractRanges } from "./ranges";
export { addSegments, addSegmentsScalar, closeSegments } from "./segments";
export { snapPairs, snapPairsScalar, toSeconds, toSecondsScalar } from "./snap";
export { canonicalise, canonicaliseScalar, toInt64, toInt64Scalar } from "./canonical";
export { results } from "./frame";
export { runLength, runLengthScalar } from "./runs";
export { cleanRows, cleanValues, cleanValuesScalar } from "./clean_rows";
export { judgeRows, judgeRowsScalar, openJudge } from "./judge";
export { orderRows } from "./conformance";
export { watermark } from "./finality";
export { shaFinish, shaStart, shaUpdate } from "./sha256";
export { compress, compressScalar } from "./sha256_block";
export { closeChunks, cutChunks, hashTagged, hashTaggedScalar, shaStartTagged } from "./fingerprint";
export { checkTradeTimes, checkTradeTimesScalar } from "./trade_times";
export { checkSource, closeTrades, coverTargets, foldTrades, resampleRows } from "./resample";
