/**
 * ccxt's own recorded replies (and those kept beside them) through our client: what ccxt says they mean is what comes
 * out, although we parse numbers our own way and keep rows before ccxt sorts and cuts them. Python unpacks the archive.
 */

import assert from "node:assert/strict";
import type { CcxtMarket } from "../../../src/adapters/exchange/ccxt_client.ts";
import { loadCcxt } from "../../../src/adapters/exchange/ccxt_client.ts";
import { find, testNeeding } from "../../needs.ts";
import { replay } from "./replayed.ts";

/** Recorded from an API that the venue has left and ccxt no longer reads: it would make an empty page of it. */
const OUTDATED = /^bithumb: fetchOHLCV: .* with no list of bars/;

interface Case {
  disabled?: boolean;
  description: string;
  input: unknown[];
  httpResponse: unknown;
  parsedResponse: (number | null)[][];
}

interface Recording {
  exchange: string;
  options?: Record<string, unknown>;
  methods: { fetchOHLCV?: Case[] };
}

/** The archive's JSON files by name, as one JSON text. */
const UNPACK = `
import json, sys, tarfile
out = {}
with tarfile.open(sys.argv[1]) as archive:
    for member in archive:
        if member.name.endswith('.json') and '/request/' not in member.name:
            out[member.name] = json.load(archive.extractfile(member))
print(json.dumps(out))
`;

async function unpacked(archive: string): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await new Deno.Command(find("python")!, {
    args: ["-c", UNPACK, archive],
    stdout: "piped",
    stderr: "piped",
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Replays every case of one recording; what differs is told. */
async function replayAll(
  recording: Recording,
  markets: CcxtMarket[],
): Promise<{ done: number; wrong: string[] }> {
  let done = 0;
  const wrong: string[] = [];
  for (const one of recording.methods.fetchOHLCV ?? []) {
    if (one.disabled) continue;
    const told = `${recording.exchange}: ${one.description}`;
    try {
      const input = one.input as Parameters<typeof replay>[0]["input"];
      const { parsed, rows } = await replay({
        id: recording.exchange,
        markets,
        options: recording.options,
        input,
        body: one.httpResponse,
      });
      assert.deepEqual(parsed, one.parsedResponse, told);
      const sent = new Set(rows.map((row) => JSON.stringify(row)));
      for (const row of one.parsedResponse) {
        assert.ok(sent.has(JSON.stringify(row)), `${told}: a row was not kept`);
      }
      done++;
    } catch (error) {
      wrong.push(`${told}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return { done, wrong };
}

testNeeding(
  ["../shared", "python"],
  "the replies that ccxt and others recorded come out as ccxt says they should",
  async () => {
    const shared = find("../shared")!;
    const files = await unpacked(`${shared}data/ccxt-static.tar.xz`);
    const known = (await loadCcxt()).exchanges;
    // One file of the archive holds another venue's replies.
    const recordings: Recording[] = Object.entries(files)
      .filter(([name, file]) => name.endsWith(`/response/${(file as Recording).exchange}.json`))
      .map(([, file]) => file as Recording);
    for (const { name } of Deno.readDirSync(`${shared}data/ccxt-public`)) {
      recordings.push(JSON.parse(await Deno.readTextFile(`${shared}data/ccxt-public/${name}`)));
    }
    let done = 0;
    const wrong: string[] = [];
    for (const recording of recordings.filter(({ exchange }) => known.includes(exchange))) {
      const markets = files[`ccxt-static/markets/${recording.exchange}.json`] as Record<string, CcxtMarket>;
      if (recording.methods.fetchOHLCV === undefined) continue;
      const result = await replayAll(recording, Object.values(markets ?? {}));
      done += result.done;
      wrong.push(...result.wrong);
    }
    assert.deepEqual(wrong.filter((told) => !OUTDATED.test(told)), []);
    assert.equal(wrong.length, 2, "the outdated reply, in both places, is refused, and no empty page");
    assert.ok(done >= 150, `${done} replies`);
  },
);
