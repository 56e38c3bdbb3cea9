/** What is told while the service works (spec §14, surface §4): windows, gaps and snapshots, in order. */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { ServiceEvent } from "../../src/core/service.ts";
import { rejection } from "../refusal.ts";
import { unreachable } from "./scripted_venue.ts";
import { FORMING, inWorld, NODE } from "./world.ts";

const MINUTE = 60;
const WINDOW = { start: FORMING - 60 * MINUTE, end: FORMING - 50 * MINUTE };
const ofType = (events: ServiceEvent[], type: string) => events.filter((event) => event.type === type);

Deno.test("a window is told as attempt and complete, with its batch, node, range, rows and source", () =>
  inWorld({}, async (world) => {
    await world.ask(WINDOW);
    const told = ofType(world.events, "backfill").map((event) => {
      const { id: _id, batch_id, ...rest } = event as ServiceEvent & { id: number; batch_id: string };
      ok(/^[0-9a-f]{32}$/.test(batch_id), batch_id);
      return rest;
    });
    const both = {
      type: "backfill",
      attempt: 1,
      node_id: NODE,
      interval: 60,
      ...WINDOW,
      source: "ccxt:binance",
    };
    deepStrictEqual(told, [
      { ...both, phase: "attempt", rows: 0 },
      { ...both, phase: "complete", rows: 10 },
    ]);
  }));

Deno.test("a window that fails is told as retry and fail, with the error, and as a gap", () =>
  inWorld({ config: { seamless: { backfill: { max_attempts: 2 } } } }, async (world) => {
    world.venue.deed = unreachable;
    await world.ask({ ...WINDOW, sla: { total_deadline_ms: 60_000 } });
    const phases = ofType(world.events, "backfill").map((event) => event.type === "backfill" && event.phase);
    deepStrictEqual(phases.slice(0, 4), ["attempt", "retry", "attempt", "fail"]);
    const failed = ofType(world.events, "backfill").find((event) =>
      event.type === "backfill" && event.phase === "fail"
    );
    ok(failed?.type === "backfill" && failed.error?.startsWith("EXCHANGE_UNAVAILABLE: "));
    const [gap] = ofType(world.events, "gap");
    deepStrictEqual({ ...gap, id: 0 }, {
      type: "gap",
      node_id: NODE,
      ...WINDOW,
      bars: 10,
      reason: "fetch_failed",
      id: 0,
    });
    const logged = world.logged.map(({ level, event }) => `${level} ${event}`);
    ok(
      logged.includes("warn seamless.backfill.retry") && logged.includes("warn seamless.backfill.fail"),
      logged.join(),
    );
  }));

Deno.test("holes that a window leaves are told as gaps with their reason, and nothing is told of a whole one", () =>
  inWorld({}, async (world) => {
    const hole = WINDOW.start + 3 * MINUTE;
    world.venue.isAbsent = (ts) => ts === hole || ts === hole + MINUTE;
    await world.fill([WINDOW.start, WINDOW.end + 10 * MINUTE]);
    const gaps = ofType(world.events, "gap").map((event) => ({ ...event, id: 0 }));
    deepStrictEqual(gaps, [{
      type: "gap",
      node_id: NODE,
      start: hole,
      end: hole + 2 * MINUTE,
      bars: 2,
      reason: "absent_at_source",
      id: 0,
    }]);
  }));

Deno.test("a snapshot is told once, when it is published; ids count up", () =>
  inWorld({}, async (world) => {
    const { snapshot, as_of, dataset_fingerprint } = await world.ask(WINDOW);
    await world.ask(WINDOW);
    const snapshots = ofType(world.events, "snapshot").map((event) => ({ ...event, id: 0 }));
    deepStrictEqual(snapshots, [
      {
        type: "snapshot",
        node_id: NODE,
        seq: snapshot!.seq,
        as_of,
        dataset_fingerprint,
        operation: "publish",
        id: 0,
      },
    ]);
    const ids = world.events.map((event) => (event as ServiceEvent & { id: number }).id);
    deepStrictEqual(ids, ids.map((_, i) => i + 1));
  }));

Deno.test("who stops listening is told nothing more", () =>
  inWorld({}, async (world) => {
    const heard: ServiceEvent[] = [];
    const stop = world.service.events((event) => heard.push(event));
    await world.ask(WINDOW);
    const before = heard.length;
    ok(before > 0);
    stop();
    await world.fill([WINDOW.start, WINDOW.end], { refetch: true });
    strictEqual(heard.length, before);
    ok(world.events.length > before);
  }));

Deno.test("a downgrade, a broken budget and a refused backtest stand in the log, each with its dataset", () =>
  inWorld({}, async (world) => {
    const { as_of, dataset_fingerprint } = await world.ask(WINDOW);
    strictEqual(world.logged.filter(({ event }) => /domain_gate|sla/.test(event)).length, 0);
    world.venue.deed = unreachable;
    const wider = { start: WINDOW.start, end: WINDOW.end + 10 * MINUTE };
    const told = await world.ask({ ...wider, worldId: "w", sla: { total_deadline_ms: 100 } });
    await rejection(world.ask({ ...wider, executionDomain: "backtest" }));
    await rejection(world.ask({ ...wider, executionDomain: "backtest", asOf: as_of! }));
    const told_of = { node_id: NODE, world_id: "w" };
    deepStrictEqual(
      world.logged.filter(({ event }) => /domain_gate|sla/.test(event)).map((
        { event, fields },
      ) => [event, fields]),
      [
        ["seamless.sla.phase_exceeded", {
          ...told_of,
          action: "PARTIAL_FILL",
          phase: "total",
          budget_ms: 100,
          elapsed_ms: 100,
        }],
        ["seamless.domain_gate.downgrade", {
          ...told_of,
          execution_domain: "live",
          dataset_fingerprint: told.dataset_fingerprint,
          as_of,
          mode: "PARTIAL_FILL",
          reasons: ["sla_violation", "open_gaps"],
        }],
        ["seamless.domain_gate.missing_as_of", {
          ...told_of,
          world_id: "default",
          dataset_fingerprint: null,
          as_of: null,
        }],
        ["seamless.domain_gate.missing_artifact", {
          ...told_of,
          world_id: "default",
          dataset_fingerprint: null,
          as_of,
        }],
      ],
    );
    ok(dataset_fingerprint !== told.dataset_fingerprint);
  }));
