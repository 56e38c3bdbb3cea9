/** What the server is told about itself, and what every part of it is given. */

import type { Clock, Dice, Log } from "../core/ports.ts";
import type { LocalService } from "../core/service.ts";

/** `operate` may do everything, `read` may look and plan. */
export type Role = "read" | "operate";

/** One API key: its name, the lower-case hex SHA-256 of its text, and what it may do. */
export interface ApiKey {
  name: string;
  sha256: string;
  role: Role;
}

/** The `server` part of the configuration, resolved. */
export interface ServerConfig {
  /** Address to listen on; off loopback there must be API keys. */
  hostname: string;
  /** 0: any free one. */
  port: number;
  /** None: everybody who reaches the address may do everything. */
  apiKeys: readonly ApiKey[];
  /** Most slots of one answer. */
  maxRangeBars: number;
  /** Requests under way at once, bodies included. */
  maxConcurrentRequests: number;
  /** Whether bars must be asked for with their execution domain. */
  requireContext: boolean;
  /** A reader that takes nothing for so long loses its connection. */
  writeTimeoutMs: number;
}

/** What `createApp` needs. */
export interface AppParts {
  service: LocalService;
  config: ServerConfig;
  clock: Clock;
  dice: Dice;
  log: Log;
  /** Version of the software, as documents name it. */
  version: string;
}

/** Whether only this machine can reach an address. */
export function isLoopback(hostname: string): boolean {
  const plain = hostname.toLowerCase().replace(/^\[|\]$/g, "");
  return plain === "localhost" || plain.endsWith(".localhost") || plain === "::1" ||
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(plain);
}
