/** Whether long work lets others have their turn: round trips over a loopback socket that were made meanwhile. */

/** Does the work, and counts how many bytes went to an echo and came back while it lasted, one after the other. */
export async function roundTripsDuring(work: () => Promise<unknown>): Promise<number> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const asking = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const answering = await listener.accept();
  const echo = answering.readable.pipeTo(answering.writable);
  const byte = new Uint8Array(1);
  let trips = 0;
  const finished = work();
  let isDone = false;
  const done = finished.finally(() => isDone = true);
  while (!isDone) {
    await asking.write(byte);
    await asking.read(byte);
    trips++;
  }
  await done;
  await asking.closeWrite();
  await asking.read(byte);
  asking.close();
  await echo;
  listener.close();
  return trips;
}
