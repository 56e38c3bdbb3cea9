// Run by Node: asks a service through the npm package's client and prints what came as JSON.
const [folder, url, nodeId, start] = process.argv.slice(2);
const { connect, HistoryError } = await import(`${folder}/client.js`);

const client = connect(url);
const range = { nodeId, start: Number(start), end: Number(start) + 86_400, executionDomain: "live" };
const { frame, metadata } = await client.fetch(range);
const refused = await client.fetch({ ...range, nodeId: "nonsense" }).catch((error) => error);
const coverage = await client.coverage(nodeId);
const leaving = new AbortController();
const events = client.events({ signal: leaving.signal })[Symbol.asyncIterator]();
const silence = events.next();
leaving.abort();
console.log(JSON.stringify({
  closes: [...frame.close],
  fingerprint: metadata.answer_fingerprint,
  refused: [refused instanceof HistoryError, refused.code],
  firstBar: coverage.first_bar,
  ended: (await silence).done,
}));
