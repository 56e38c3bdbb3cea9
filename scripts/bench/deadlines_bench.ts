/** How late answers leave that many callers want by the same deadline, from a venue that does not answer in time. */

import type { Bench, Figure } from "./figure.ts";
import { NODE, rangeOf, Service, STEP } from "./service.ts";
import { Stage } from "./stage.ts";
import { startVenue } from "./venue_address.ts";

/** The venue takes so long for each reply: beyond every deadline here, and soon enough for the fill before. */
const LATENCY_MS = 2_000;
const DEADLINE_MS = 500;
/** What the specification allows. */
const GRACE_MS = 50;
/** Twenty days that are held, and more than a year in front of them that is not: some 670 windows to a question. */
const HELD_BARS = 28_800;
const OPEN_BARS = 600_000;
const ROUNDS = 5;
/** Between two rounds; the windows of those before go on coming in. */
const REST_MS = 2 * LATENCY_MS;
const CALLERS = [20, 50];

export const deadlinesBench: Bench = {
  name: "deadlines",
  what:
    `JSON pages with a deadline of ${DEADLINE_MS} ms, asked at once of a venue that takes ${LATENCY_MS} ms`,
  limitSec: 300,
  async run(say) {
    const stage = new Stage();
    try {
      const figures: Figure[] = [];
      for (const callers of CALLERS) {
        const service = await Service.start(stage, await startVenue(stage, LATENCY_MS));
        say(`filling ${HELD_BARS} bars: ${(await service.fill(HELD_BARS)).toFixed(1)} s`);
        const latest: number[] = [];
        for (let round = 0; round < ROUNDS; round++) {
          latest.push(await latestOf(service, callers));
          await new Promise((resolve) => setTimeout(resolve, REST_MS));
        }
        const [first, ...later] = latest;
        const name = `latest of ${callers} whole answers after the deadline`;
        figures.push({ name: `${name}, the first time`, value: first, unit: "ms" });
        figures.push({
          name: `${name}, the worst later time`,
          value: Math.max(...later),
          unit: "ms",
          most: GRACE_MS,
        });
      }
      return figures;
    } finally {
      await stage.close();
    }
  },
};

/** Milliseconds after the deadline at which the last caller had its whole page. */
async function latestOf(service: Service, callers: number): Promise<number> {
  const clients = Array.from({ length: callers }, () => service.client());
  const { end } = rangeOf(HELD_BARS);
  const start = end - (HELD_BARS + OPEN_BARS) * STEP;
  const answers = await Promise.all(clients.map(async (client, i) => {
    const answer = await client.get(
      `/v1/bars?node_id=${encodeURIComponent(NODE)}&execution_domain=live&world_id=bench&limit=1000` +
        `&start=${start + i * STEP}&end=${end}&total_deadline_ms=${DEADLINE_MS}`,
    );
    client.close();
    return answer;
  }));
  for (const { status, allMs } of answers) {
    if (status !== 200 || allMs < DEADLINE_MS) throw new Error(`an answer ${status} after ${allMs} ms`);
  }
  return Math.max(...answers.map(({ allMs }) => allMs)) - DEADLINE_MS;
}
