/**
 * The yardstick of answers: a server that knows nothing and sends the bytes of a file, whole where they are few, else
 * in pieces of the size that our chunks have. Usage: bare_copy.ts SHORT LONG; prints its URL.
 */

const PIECE_BYTES = 192 * 1024;
const [short, long] = Deno.args.map((path) => Deno.readFileSync(path));
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
}, (request) => new Response(request.url.endsWith("/long") ? pieces() : short, { headers }));
