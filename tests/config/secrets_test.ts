import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { printableConfig, printConfig } from "../../src/config/mod.ts";
import { holdsLiteralSecret, maskText } from "../../src/config/references.ts";
import { load, problemsOf, refusalOf } from "./loading.ts";

/** Values that hold a secret as a literal, by the key that they stand at. */
const LITERALS: [yaml: string, path: string][] = [
  ["seamless: {rate_limit: {redis_dsn: 'redis://:hunter2@h:6379/0'}}", "seamless.rate_limit.redis_dsn"],
  [
    "seamless: {rate_limit: {redis_dsn: 'redis://u:${PW:-hunter2}@h:6379/0'}}",
    "seamless.rate_limit.redis_dsn",
  ],
  ["seamless: {rate_limit: {redis_dsn: 'redis://u:hunter${PW}@h:6379/0'}}", "seamless.rate_limit.redis_dsn"],
  ["seamless: {rate_limit: {redis_dsn: '${DSN:-redis://u:hunter2@h}'}}", "seamless.rate_limit.redis_dsn"],
  ["environment: {rate_limiter_redis: 'redis://h?password=hunter2'}", "environment.rate_limiter_redis"],
  ["storage: {bars: 'questdb://admin:hunter2@h:8812/qdb'}", "storage.bars"],
  ["storage: {bars: 'postgresql://admin:hunter2@h:8812/qdb'}", "storage.bars"],
  ["storage: {questdb: {http: 'http://u:hunter2@h:9000'}}", "storage.questdb.http"],
  ["seamless: {artifact: {signing_key: hunter2}}", "seamless.artifact.signing_key"],
  ["seamless: {artifact: {signing_key: '${KEY:-hunter2}'}}", "seamless.artifact.signing_key"],
  ["world_service: {secret: hunter2}", "world_service.secret"],
  ["world_service: {secret: 4711}", "world_service.secret"],
  [
    "seamless: {observability: {slack_webhook_url: 'https://hooks.slack.com/services/T0/B0/hunter2'}}",
    "seamless.observability.slack_webhook_url",
  ],
  ["exchanges: {kraken: {options: {apiKey: hunter2}}}", "exchanges.kraken.options"],
  ["exchanges: {kraken: {options: {a: [{secret: hunter2}]}}}", "exchanges.kraken.options"],
  ["exchanges: {kraken: {urls: {api: {public: 'http://u:hunter2@h'}}}}", "exchanges.kraken.urls"],
];

Deno.test("a secret that stands in the file as a literal is refused, and never repeated", async (t) => {
  for (const [text, path] of LITERALS) {
    await t.step(text.replaceAll("hunter2", "…"), () => {
      const refusal = refusalOf({ text, env: { PW: "x" } });
      ok(
        refusal.problems.some((each) => each.path === path && each.message.includes("holds a secret")),
        refusal.message,
      );
      ok(
        !refusal.message.includes("hunter2") && !JSON.stringify(refusal.problems).includes("hunter2"),
        refusal.message,
      );
    });
  }
});

Deno.test("a secret as a reference is accepted: what is said then is only that the feature is not built", () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  const KEY = privateKey.export({ format: "pem", type: "pkcs8" }) as string;
  const env = { PW: "hunter2", KEY, DSN: "redis://:hunter2@h:1/0" };
  const fine = [
    "seamless: {rate_limit: {redis_dsn: 'redis://u:${PW}@h:6379/0'}}",
    "seamless: {rate_limit: {redis_dsn: '${DSN}'}}",
    "seamless: {artifact: {signing_key: '${KEY}'}}",
    "storage: {bars: 'questdb://admin:${PW}@h:8812/qdb'}",
  ];
  for (const text of fine) {
    const said = problemsOf({ text, env });
    ok(said.every((line) => line.includes("is not available yet")), said.join("\n"));
    ok(!said.join().includes("hunter2"), said.join("\n"));
  }
  deepStrictEqual(problemsOf({ text: "exchanges: {kraken: {options: {apiKey: '${KEY}'}}}", env }), []);
  deepStrictEqual(problemsOf({ text: "exchanges: {kraken: {urls: {api: 'http://u:${PW}@h'}}}", env }), []);
});

Deno.test("a signing key that is none is told, and not repeated", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const other = privateKey.export({ format: "pem", type: "pkcs8" }) as string;
  for (const key of ["hunter2", "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----", other]) {
    const said = problemsOf({ env: { SEAMLESS_SIGNING_KEY: key } });
    deepStrictEqual(said.length, 1);
    ok(said[0].includes("must be a PKCS#8 PEM of an Ed25519 private key"), said[0]);
    ok(!said[0].includes("hunter2") && !said[0].includes(other.split("\n")[1]), said[0]);
  }
});

Deno.test("references inside of addresses and options are printed as they were written", () => {
  const text = "exchanges: {kraken: {urls: {proxy: '${PW}'}, options: {a: [{b: 'x ${PW}'}], c: 1}}}";
  const loaded = load({ text, env: { PW: "plain" } });
  const kraken = (resolved: boolean) =>
    (printableConfig(loaded, { resolved }) as { exchanges: { kraken: Record<string, unknown> } }).exchanges
      .kraken;
  deepStrictEqual(kraken(false).urls, { proxy: "${PW}" });
  deepStrictEqual(kraken(false).options, { a: [{ b: "x ${PW}" }], c: 1 });
  deepStrictEqual(kraken(true).urls, { proxy: "plain" });
});

Deno.test("a secret in a flag is refused too: every user of the machine sees the flags of a process", () => {
  const said = problemsOf({ flags: { "world_service.secret": "hunter2" } });
  ok(said[0].includes("holds a secret as a literal") && !said[0].includes("hunter2"), said[0]);
});

Deno.test("an unreadable address is not repeated with its password", () => {
  for (const dsn of ["redis://:hun/ter2@h:1", "redis://u:hun#ter2@h", "http://u:hunter2@h:1"]) {
    const said = problemsOf({ env: { SEAMLESS_RATE_LIMIT__REDIS_DSN: dsn } }).join("\n");
    ok(said !== "" && !/hun.?ter2/.test(said), said);
  }
});

Deno.test("config print masks secrets, resolved or not, and shows the references that stand in the file", () => {
  const text = [
    "server: {hostname: '${HOST:-127.0.0.1}'}",
    "exchanges:",
    "  kraken:",
    "    options: {apiKey: '${VENUE}', headers: {X-Sig: '${MY_TOKEN}'}, plain: '${HOST:-h}'}",
    "    urls: {api: {public: 'http://u:${PW}@h/a?token=${PW}&b=1'}}",
  ].join("\n");
  const loaded = load({ text, env: { PW: "hunter2", VENUE: "hunter2", MY_TOKEN: "hunter2" } });
  for (const resolved of [true, false]) {
    const yaml = printConfig(loaded, { resolved });
    ok(!yaml.includes("hunter2"), yaml);
  }
  const shown = (resolved: boolean) => printableConfig(loaded, { resolved }) as typeof loaded.config;
  strictEqual(shown(true).server.hostname, "127.0.0.1");
  strictEqual(shown(false).server.hostname, "${HOST:-127.0.0.1}");
  deepStrictEqual(shown(true).exchanges.kraken.options, {
    apiKey: "***",
    headers: { "X-Sig": "***" },
    plain: "h",
  });
  deepStrictEqual(shown(true).exchanges.kraken.urls, { api: { public: "http://u:***@h/a?token=***&b=1" } });
  const open = printableConfig(loaded, { resolved: true, mask: false }) as typeof loaded.config;
  strictEqual((open.exchanges.kraken.options as { apiKey: string }).apiKey, "hunter2");
});

Deno.test("maskText() masks passwords and tokens and leaves the rest of an address readable", () => {
  strictEqual(maskText("redis://:pw@h:6379/0"), "redis://:***@h:6379/0");
  strictEqual(maskText("questdb://admin:p:w@h:8812/qdb"), "questdb://admin:***@h:8812/qdb");
  strictEqual(maskText("https://h/x?api_key=1&y=2&password=3"), "https://h/x?api_key=***&y=2&password=***");
  strictEqual(maskText("https://hooks.slack.com/services/T/B/x"), "https://hooks.slack.com/***");
  for (
    const plain of [
      "http://h:8080/a@b:c",
      "sqlite:./data/bars.db",
      "redis://user@h",
      "{node_id}:{start}",
      "a:b@c",
    ]
  ) {
    strictEqual(maskText(plain), plain);
    strictEqual(holdsLiteralSecret(plain), false);
  }
});
