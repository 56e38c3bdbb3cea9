/** Fetches the bars of one question and says what the venue answered. */

import { slotOf } from "../../core/timeframe.ts";
import { Pager, type Paging, searchOf } from "./pager.ts";
import { rangeOf } from "./paging.ts";

/** Pages through a question until every slot of it is answered, or throws. */
export async function fetchPages(paging: Paging): Promise<void> {
  const end = await withoutDelisted(paging);
  const question = { ...paging.question, end };
  await new Pager({ ...paging, question }).run();
}

/** Answers the slots after the last bar of an inactive market; what is left to ask ends there. */
async function withoutDelisted(paging: Paging): Promise<number> {
  const { market, question, book, gathering } = paging;
  if (market.active !== false || question.start >= question.end) return question.end;
  const endedAt = await book.ended(searchOf(paging));
  if (endedAt === null) return question.end;
  const end = Math.max(question.start, Math.min(question.end, slotOf(endedAt, question.grid)));
  gathering.absent(rangeOf({ start: end, end: question.end }, question.grid), "delisted");
  return end;
}
