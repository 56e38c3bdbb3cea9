/**
 * The yardstick of answers: a server that knows nothing and sends the bytes of a file, whole where they are few, else
 * in pieces of the size that our chunks have; `/dressed` sends the short one with headers as ours has.
 * Usage: bare_copy.ts SHORT LONG HEADERS (pairs as JSON); prints its URL.
 */

const PIECE_BYTES = 192 * 1024;
const [short, long] = Deno.args.slice(0, 2).map((path) => Deno.readFileSync(path));
const dress = new Headers(JSON.parse(Deno.args[2]));
const headers = { "content-type": "application/vnd.apache.arrow.stream" };

function pieces(): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= long.length) return controller.close();
      controller.enqueue(long.slice(at, at + PIECE_BYTES));
      at += PIECE_BYTES;
    },
  }, { highWaterMark: 0 });
}

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ hostname, port }) => console.log(`http://${hostname}:${port}`),
}, ({ url }) => {
  if (url.endsWith("/dressed")) return new Response(short, { headers: dress });
  return new Response(url.endsWith("/long") ? pieces() : short, { headers });
});
