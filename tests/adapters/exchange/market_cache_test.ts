import assert from "node:assert/strict";
import { HistoryError } from "../../../src/core/errors.ts";
import { onVenue, type Stand } from "./stand.ts";

const NOW = "2024-01-02T00:00:30Z";
const NEW_ETH = [{ symbol: "BTC/USDT" }, {
  symbol: "ETH/USDT",
  listedMs: Date.parse("2024-01-02T12:00:00Z"),
}];

/** Calls for lists of markets so far. */
function loads({ server }: Stand): number {
  return server.calls.filter(({ endpoint }) => endpoint === "markets").length;
}

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "seamless-markets-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Two processes, one after the other, on one folder and one address. */
async function twice(
  options: {
    between?: (folder: string) => Promise<void>;
    secondNow?: string;
    secondOptions?: Record<string, unknown>;
  },
  check: (second: Stand) => Promise<void>,
): Promise<void> {
  await inFolder(async (folder) => {
    let urls: Record<string, unknown> = {};
    let port = 0;
    await onVenue("binance", { now: NOW, marketsDir: folder }, async ({ exchange, server }) => {
      await exchange.market("BTC/USDT");
      urls = { ...server.urls("binance") };
      port = Number(new URL(server.url).port);
    });
    await options.between?.(folder);
    const settings = {
      urls,
      ...(options.secondOptions === undefined ? {} : { options: options.secondOptions }),
    };
    await onVenue("binance", { now: options.secondNow ?? NOW, marketsDir: folder, port, settings }, check);
  });
}

Deno.test("markets are loaded once for many who ask at the same time", async () => {
  await onVenue("binance", { now: NOW }, async (stand) => {
    const asked = Array.from({ length: 20 }, () => stand.exchange.market("BTC/USDT"));
    const markets = await Promise.all(asked);
    assert.equal(loads(stand), 1);
    assert.equal(markets[7].volumeUnit, "base");
    assert.ok(markets[7].active && markets[7].timeframes.includes("1m"));
  });
});

Deno.test("the next process reads the markets from the data folder", async () => {
  await twice({}, async (second) => {
    assert.equal((await second.exchange.market("ETH/USDT")).symbol, "ETH/USDT");
    assert.equal(loads(second), 0);
  });
});

Deno.test("markets are a day old at most, on disk and in memory", async () => {
  await twice({ secondNow: "2024-01-03T00:00:31Z" }, async (second) => {
    await second.exchange.market("BTC/USDT");
    assert.equal(loads(second), 1);
    second.setNow("2024-01-04T00:00:32Z");
    await second.exchange.market("BTC/USDT");
    assert.equal(loads(second), 2);
  });
});

Deno.test("a file from the future, of another venue, or half a file is ignored and replaced", async () => {
  for (
    const spoil of [
      (text: string) => text.slice(0, text.length / 2),
      (text: string) => JSON.stringify({ ...JSON.parse(text), fetchedAtMs: Date.parse("2030-01-01") }),
      (text: string) => JSON.stringify({ ...JSON.parse(text), exchange: "kraken" }),
      () => "null",
      () => "",
      (text: string) => JSON.stringify({ ...JSON.parse(text), markets: [null] }),
    ]
  ) {
    const between = async (folder: string) => {
      for await (const { name } of Deno.readDir(folder)) {
        const path = `${folder}/${name}`;
        await Deno.writeTextFile(path, spoil(await Deno.readTextFile(path)));
      }
    };
    await twice({ between }, async (second) => {
      await second.exchange.market("BTC/USDT");
      assert.equal(loads(second), 1);
    });
  }
});

Deno.test("other options mean other markets", async () => {
  await twice({ secondOptions: { fetchMarkets: { types: ["spot"] }, recvWindow: 1 } }, async (second) => {
    await second.exchange.market("BTC/USDT");
    assert.equal(loads(second), 1);
  });
});

Deno.test("a folder that cannot be written costs a warning, not the answer", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "in the way");
    await onVenue("binance", { now: NOW, marketsDir: `${folder}/file` }, async ({ exchange, log }) => {
      assert.equal((await exchange.market("BTC/USDT")).active, true);
      assert.deepEqual(log.events.map(({ event }) => event), ["seamless.exchange.markets_not_kept"]);
    });
  });
});

Deno.test("the folder holds whole files only, under names that any file system takes", async () => {
  await inFolder(async (folder) => {
    await onVenue("binance", { now: NOW, marketsDir: `${folder}/deep/markets` }, async ({ exchange }) => {
      await exchange.market("BTC/USDT");
    });
    const names = [...Deno.readDirSync(`${folder}/deep/markets`)].map(({ name }) => name);
    assert.equal(names.length, 1);
    assert.match(names[0], /^binance-[0-9a-f]{16}\.json$/);
  });
});

Deno.test("a symbol that is missing causes one reload, and is there when the venue has listed it", async () => {
  await onVenue("binance", { now: NOW, markets: NEW_ETH }, async (stand) => {
    await stand.exchange.market("BTC/USDT");
    assert.equal(loads(stand), 1);
    await assert.rejects(stand.exchange.market("ETH/USDT"), isUnknown);
    assert.equal(loads(stand), 2);
    await assert.rejects(stand.exchange.market("ETH/USDT"), isUnknown);
    assert.equal(loads(stand), 2, "within a minute it is known to be missing");
    stand.setNow("2024-01-02T12:00:30Z");
    await stand.clock.advance(60_001);
    assert.equal((await stand.exchange.market("ETH/USDT")).active, true);
    assert.equal(loads(stand), 3);
  });
});

Deno.test("an unknown symbol of a cold cache is looked for once", async () => {
  await onVenue("binance", { now: NOW }, async (stand) => {
    await assert.rejects(stand.exchange.market("BTC/USDTT"), isUnknown);
    assert.equal(loads(stand), 1);
  });
});

Deno.test("SYMBOL_UNKNOWN names what is near", async () => {
  await onVenue("binance", { now: NOW }, async ({ exchange }) => {
    for (
      const [wrong, near] of [["BTC/USTD", /BTC\/USDT/], ["BTCUSDT", /BTC\/USDT/], [
        "eth/usdt",
        /ETH\/USDT/,
      ]] as const
    ) {
      await assert.rejects(exchange.market(wrong), (error) => {
        assert.ok(isUnknown(error));
        assert.match((error as HistoryError).hint, near);
        return true;
      });
    }
  });
});

Deno.test("names that every object has are no symbols", async () => {
  await onVenue("binance", { now: NOW }, async ({ exchange }) => {
    for (const name of ["constructor", "__proto__", "toString"]) {
      await assert.rejects(exchange.market(name), isUnknown);
    }
  });
});

Deno.test("who leaves while markets load is let go; the others get them", async () => {
  const faults = [{ kind: "latency" as const, ms: 30, match: { endpoint: "markets" as const } }];
  await onVenue("binance", { now: NOW, faults }, async (stand) => {
    const stop = new AbortController();
    const left = stand.exchange.market("BTC/USDT", stop.signal);
    const stays = stand.exchange.market("BTC/USDT");
    stop.abort(new HistoryError("CANCELLED", "given up", { hint: "none" }));
    await assert.rejects(left, (error) => error instanceof HistoryError && error.code === "CANCELLED");
    assert.equal((await stays).symbol, "BTC/USDT");
    assert.equal(loads(stand), 1);
  });
});

Deno.test("spot bars of Binance need no word from its futures hosts", async () => {
  await onVenue("binance", { now: NOW, settings: { options: {} } }, async (stand) => {
    assert.equal((await stand.exchange.market("BTC/USDT")).symbol, "BTC/USDT");
    assert.deepEqual(stand.server.calls.map(({ path }) => path), ["/api/v3/exchangeInfo"]);
  });
});

function isUnknown(error: unknown): boolean {
  return error instanceof HistoryError && error.code === "SYMBOL_UNKNOWN";
}
