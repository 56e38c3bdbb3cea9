import assert from "node:assert/strict";
import { SeededDice } from "../fake_clock.ts";
import { blockOf, planSegments } from "../../src/core/segment_layout.ts";
import type { ChunkSpan } from "../../src/core/segment_layout.ts";

interface Segment {
  span: ChunkSpan;
  ks: number[];
}

function segmentOf(ks: number[]): Segment {
  return { span: { from: ks[0], to: ks[ks.length - 1] + 1 }, ks };
}

/** Applies a plan as the publisher does and checks that it holds each chunk once, in disjoint segments. */
function publish(chunks: number[], changed: number[], earlier: Segment[]) {
  const plan = planSegments({ chunks, changed: new Set(changed), segments: earlier });
  const segments = [...plan.kept, ...plan.written.map(segmentOf)].sort((a, b) => a.span.from - b.span.from);
  assert.deepEqual(segments.flatMap(({ ks }) => ks), chunks);
  for (let i = 1; i < segments.length; i++) assert.ok(segments[i - 1].span.to <= segments[i].span.from);
  for (const k of changed) {
    assert.ok(plan.written.some((ks) => ks.includes(k)), `chunk ${k} changed and was not written`);
  }
  return { segments, written: plan.written };
}

const upTo = (last: number, first = 0) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

Deno.test("blocks before the one that the dataset ends in are whole, the rest is cut smaller", () => {
  assert.deepEqual(blockOf(5, 200), { from: 0, to: 64 });
  assert.deepEqual(blockOf(127, 200), { from: 64, to: 128 });
  assert.deepEqual(blockOf(192, 200), { from: 192, to: 200 });
  assert.deepEqual(blockOf(200, 200), { from: 200, to: 201 });
  assert.deepEqual(blockOf(-1, 3), { from: -64, to: 0 });
});

Deno.test("a dataset published at once has about one segment for 64 chunks", () => {
  const { segments } = publish(upTo(1283), upTo(1283), []);
  assert.ok(segments.length <= 1284 / 64 + 15, `${segments.length} segments`);
  assert.ok(segments.every(({ ks }) => ks.length <= 64));
});

Deno.test("however a dataset came to be, it is cut alike", () => {
  for (const last of [3, 8, 63, 64, 70, 130]) {
    const atOnce = publish(upTo(last), upTo(last), []).segments;
    let segments: Segment[] = [];
    for (let k = 0; k <= last; k++) segments = publish(upTo(k), [k], segments).segments;
    assert.deepEqual(segments, atOnce);
  }
});

Deno.test("appending writes the open chunk alone, but where a block ends", () => {
  const start = publish(upTo(69), upTo(69), []).segments;
  assert.deepEqual(publish(upTo(69), [69], start).written, [[69]]);
  assert.deepEqual(publish(upTo(70), [70], start).written, [[70]]);
});

Deno.test("a chunk that closed is written at most twice more", () => {
  const writes = new Map<number, number>();
  let segments: Segment[] = [];
  for (let k = 0; k <= 300; k++) {
    const step = publish(upTo(k), [k], segments);
    for (const chunk of step.written.flat()) writes.set(chunk, (writes.get(chunk) ?? 0) + 1);
    segments = step.segments;
  }
  assert.ok(Math.max(...writes.values()) <= 3, `${Math.max(...writes.values())}`);
});

Deno.test("a changed chunk rewrites its own segment and no other", () => {
  const { segments } = publish(upTo(200), upTo(200), []);
  assert.deepEqual(publish(upTo(200), [70], segments).written, [upTo(127, 64)]);
});

Deno.test("a segment that holds more than a block is kept until something in it changes", () => {
  const joined = [segmentOf(upTo(191)), segmentOf([192])];
  assert.deepEqual(publish(upTo(193), [193], joined).written, [[193]]);
  const { written } = publish(upTo(193), [100, 193], joined);
  assert.deepEqual(written, [upTo(63), upTo(127, 64), upTo(191, 128), [193]]);
});

Deno.test("a new chunk between those of a segment makes it be written again", () => {
  const chunks = [...upTo(20), ...upTo(63, 30), 70];
  const { segments } = publish(chunks, chunks, []);
  assert.deepEqual(publish([...upTo(25), ...upTo(63, 30), 70], upTo(25, 21), segments).written, [
    [...upTo(25), ...upTo(63, 30)],
  ]);
});

Deno.test("nothing to hold needs no segments", () => {
  assert.deepEqual(planSegments({ chunks: [], changed: new Set(), segments: [] }), { kept: [], written: [] });
});

Deno.test("random histories always hold each chunk once and rewrite what changed", () => {
  const dice = new SeededDice(5);
  const pick = (limit: number) => Math.floor(dice.random() * limit);
  for (let round = 0; round < 60; round++) {
    const chunks = new Set<number>();
    let segments: Segment[] = [];
    for (let step = 0; step < 12; step++) {
      const changed = new Set<number>();
      for (let i = pick(40); i >= 0; i--) changed.add(pick(260) - 40);
      for (const k of changed) chunks.add(k);
      const sorted = (set: Set<number>) => [...set].sort((a, b) => a - b);
      segments = publish(sorted(chunks), sorted(changed), segments).segments;
    }
  }
});
