/** `GET /v1/events`: what happens, as Server-Sent Events. */

import { SSE_CLIENTS_MAX, SSE_HEARTBEAT_MS } from "../core/limits.ts";
import type { Clock } from "../core/ports.ts";
import { nearestName } from "../core/nearest_name.ts";
import { parseNodeId } from "../core/node_id.ts";
import { HttpRefusal } from "./errors.ts";
import { EVENT_TYPES } from "./event_hub.ts";
import type { Delivery, EventHub, Interest, NumberedEvent, Subscription } from "./event_hub.ts";
import { badRequest, type Query, shown, textOf } from "./query.ts";
import type { Call } from "./route.ts";

const encoder = new TextEncoder();
/** Tells clients how long to wait before they come back, and sends the headers on their way. */
const GREETING = "retry: 2000\n: seamless events\n\n";

/** Opens a stream of events; it ends when the client goes or the service stops. */
export function handleEvents(call: Call): Response {
  const { events, clock } = call.standing;
  const interest = interestOf(call.query);
  if (events.listeners >= SSE_CLIENTS_MAX) {
    throw new HttpRefusal("OVERLOADED", `Cannot open another event stream: ${SSE_CLIENTS_MAX} are open`, {
      hint: "Close streams that nobody reads, or try again later",
      retryAfter: 10,
    });
  }
  const headers = { "content-type": "text/event-stream", "cache-control": "no-store" };
  if (call.request.method === "HEAD") return new Response(null, { headers });
  const subscription = events.subscribe(interest, call.request.headers.get("last-event-id"));
  const body = stream({ subscription, events, clock, signal: call.signal, onEnd: call.hold() });
  return new Response(body, { headers });
}

function interestOf(query: Query): Interest {
  const nodeId = textOf(query, "node_id") ?? null;
  if (nodeId !== null) parseNodeId(nodeId);
  // No event belongs to one world yet: the name is known, and leaves nothing out.
  textOf(query, "world_id");
  const types = textOf(query, "types");
  return { nodeId, types: types === undefined ? null : new Set(types.split(",").map(readType)) };
}

function readType(text: string): string {
  const type = text.trim();
  if ((EVENT_TYPES as readonly string[]).includes(type)) return type;
  const nearest = nearestName(type, EVENT_TYPES);
  throw badRequest(
    `Cannot listen for "${shown(type)}": there is no such type`,
    nearest ? `Did you mean "${nearest}"?` : `Use some of ${EVENT_TYPES.join(",")}`,
  );
}

/** Sends when the reader takes: what it leaves waits in its subscription, which is bounded. */
function stream(
  o: { subscription: Subscription; events: EventHub; clock: Clock; signal: AbortSignal; onEnd: () => void },
): ReadableStream<Uint8Array> {
  const { subscription, events, clock } = o;
  let greeted = false;
  const gone = () => {
    events.unsubscribe(subscription);
    o.onEnd();
  };
  o.signal.addEventListener("abort", gone, { once: true });
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (!greeted) {
        greeted = true;
        controller.enqueue(encoder.encode(GREETING));
        return;
      }
      const deliveries = await takeOrBeat(subscription, clock);
      if (deliveries.length > 0) {
        const text = deliveries.map((delivery) => textOfDelivery(delivery, events)).join("");
        controller.enqueue(encoder.encode(text));
      } else if (subscription.closed) {
        o.onEnd();
        controller.close();
      } else controller.enqueue(encoder.encode(": alive\n\n"));
    },
    cancel: gone,
  }, { highWaterMark: 0 });
}

/** What waits; nothing after a heartbeat's time without events. */
async function takeOrBeat(subscription: Subscription, clock: Clock): Promise<Delivery[]> {
  const beat = new AbortController();
  const timer = new AbortController();
  const slept = clock.sleep(SSE_HEARTBEAT_MS, timer.signal).then(
    () => beat.abort(),
    () => {/* Events came first. */},
  );
  const deliveries = await subscription.take(beat.signal);
  timer.abort();
  await slept;
  return deliveries;
}

function textOfDelivery(delivery: Delivery, events: EventHub): string {
  if ("reset" in delivery) return `event: reset\ndata: ${JSON.stringify({ reason: delivery.reset })}\n\n`;
  const { event } = delivery;
  return `id: ${events.idOf(event)}\nevent: ${event.type}\ndata: ${JSON.stringify(bodyOf(event))}\n\n`;
}

function bodyOf({ id: _id, type: _type, ...body }: NumberedEvent): object {
  return body;
}
