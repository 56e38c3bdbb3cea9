/** SHA-256 against the host's own (WebCrypto): every length from 0 to 1,100, and every split that a stream could see. */
import type { Compute } from "../../../src/compute/mod.ts";
import { sha256 as slowSha256 } from "../twin/sha256.ts";
import { type Case, equal } from "./case.ts";
import { Dice } from "./random.ts";

const LONGEST = 1100;
/** Two blocks and more on both sides of a split: beyond that, a stream meets nothing that it did not meet before. */
const SPLIT_LONGEST = 330;

function message(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i * 131 + (i >> 5) * 7 + length) & 255);
}

function hex(bytes: ArrayLike<number>): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function streamed(compute: Compute, parts: Uint8Array[]): string {
  const stream = compute.sha256Stream();
  for (const part of parts) stream.update(part);
  return hex(stream.digest());
}

async function webDigest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** The cases. `splitLongest` is the longest message that is split everywhere: pairs of pieces grow by its square. */
export function shaCases(splitLongest = SPLIT_LONGEST): Case[] {
  return [
    { name: `sha256() equals WebCrypto at every length from 0 to ${LONGEST}`, run: equalsWebCrypto },
    { name: "sha256() of more than one piece of memory equals WebCrypto", run: equalsWebCryptoWhenLong },
    { name: "the twin's own SHA-256 equals WebCrypto", run: twinEqualsWebCrypto },
    {
      name: `sha256Stream() gives the same digest at every split of every length to ${splitLongest}`,
      run: (compute) => splitsEverywhere(compute, splitLongest),
    },
    {
      name:
        `sha256Stream() gives the same digest in random pieces of every length to ${LONGEST}, and byte by byte`,
      run: splitsAtRandom,
    },
    { name: "two SHA-256 streams may be open at once", run: keepsStreamsApart },
  ];
}

async function equalsWebCrypto(compute: Compute): Promise<void> {
  for (let length = 0; length <= LONGEST; length++) {
    const bytes = message(length);
    equal(hex(compute.sha256(bytes)), await webDigest(bytes), `length ${length}`);
  }
}

async function equalsWebCryptoWhenLong(compute: Compute): Promise<void> {
  for (const length of [(1 << 18) - 1, 1 << 18, (1 << 18) + 1, 700_001]) {
    const bytes = message(length);
    equal(hex(compute.sha256(bytes)), await webDigest(bytes), `length ${length}`);
  }
}

async function twinEqualsWebCrypto(): Promise<void> {
  for (let length = 0; length <= 200; length++) {
    const bytes = message(length);
    equal(slowSha256(bytes), await webDigest(bytes), `length ${length}`);
  }
}

function splitsEverywhere(compute: Compute, longest: number): void {
  for (let length = 0; length <= longest; length++) {
    const bytes = message(length);
    const wanted = compute.sha256(bytes);
    for (let at = 0; at <= length; at++) {
      const stream = compute.sha256Stream();
      stream.update(bytes.subarray(0, at));
      stream.update(bytes.subarray(at));
      const found = stream.digest();
      // Six hundred thousand digests: they become text only when they differ.
      if (wanted.some((byte, i) => byte !== found[i])) {
        equal(hex(found), hex(wanted), `length ${length}, split at ${at}`);
      }
    }
  }
}

function splitsAtRandom(compute: Compute): void {
  const dice = new Dice(7);
  for (let length = 0; length <= LONGEST; length++) {
    const bytes = message(length);
    const parts: Uint8Array[] = [];
    for (let at = 0; at < length;) {
      const size = dice.whole(0, dice.pick([3, 64, 65, 500]));
      parts.push(bytes.subarray(at, at + size));
      at += size;
    }
    equal(streamed(compute, parts), hex(compute.sha256(bytes)), `length ${length}, ${parts.length} pieces`);
  }
  const bytes = message(300);
  const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
  equal(streamed(compute, single), hex(compute.sha256(bytes)), "byte by byte");
}

function keepsStreamsApart(compute: Compute): void {
  const [a, b] = [compute.sha256Stream(), compute.sha256Stream()];
  a.update(message(70));
  b.update(message(90));
  a.update(message(10));
  equal(hex(b.digest()), hex(compute.sha256(message(90))), "b");
  equal(hex(a.digest()), hex(compute.sha256(Uint8Array.of(...message(70), ...message(10)))), "a");
}
