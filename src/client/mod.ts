/**
 * Seamless over HTTP, typed and verified: `connect(url)` asks a running service for bars, coverage and events, and
 * recomputes the fingerprint of what it receives. For Deno, Node ≥ 20 and browsers.
 */

export { type Client, type ClientOptions, connect } from "./client.ts";
export type { ClientEvent, Listening, Pause } from "./event_stream.ts";
export type { Bars } from "../core/bar_frame.ts";
export { type ErrorCode, HistoryError } from "../core/errors.ts";
export type { Metadata } from "../core/metadata.ts";
export { nodeId, type ParsedNode, parseNodeId } from "../core/node_id.ts";
export type { FetchRequest } from "../core/request.ts";
export type { CoverageReport, ServiceEvent } from "../core/service.ts";
export type { TimeRange } from "../core/time_range.ts";
export type { WasmSource } from "../compute/mod.ts";
