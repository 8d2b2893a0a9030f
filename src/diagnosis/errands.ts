import { ACK_FLAG, type PacketTable, RST_FLAG, SYN_FLAG } from "../spine/packets.ts";
import type { Spent } from "./facts.ts";
import type { Caused } from "./lookup-book.ts";

/** What follows an answer within this (µs), or this share of the wait, was held up by it. */
export const PROMPT_US = 100_000;
export const PROMPT_SHARE = 0.1;

/** A time in which the server was seen to wait for something else. */
export interface Errand {
  readonly fromUs: number;
  readonly toUs: number;
  readonly spent: Spent;
  readonly frame: number;
  readonly name: string;
}

/** Times in which the client had no room for a reply. */
export function closedWindows(table: PacketTable): Errand[] {
  const closed: Errand[] = [];
  let since = -1;
  for (let i = table.first; i < table.end; i++) {
    const flags = table.flags[i]!;
    if (table.fromClient[i] === 0 || flags & (SYN_FLAG | RST_FLAG) || (flags & ACK_FLAG) === 0) continue;
    if (table.window[i] === 0) since = since < 0 ? i : since;
    else if (since >= 0) {
      const frame = table.frame[since]!;
      const [fromUs, toUs] = [table.atUs[since]!, table.atUs[i]!];
      if (closed.length < MAX_CLOSED)
        closed.push({ fromUs, toUs, spent: { kind: "window" }, frame, name: "" });
      since = -1;
    }
  }
  return closed;
}

/** Closed windows looked at of one dialogue. */
const MAX_CLOSED = 64;

/** The lookups of a dialogue as errands. One without an answer ends when the server went on. */
export function errandsOf(caused: readonly Caused[]): Errand[] {
  return caused.map(({ lookup, subject }, i) => {
    const { askedAtUs, lastAskedAtUs, queries, responses, answeredAtUs, askedFrame, answeredFrame, name } =
      lookup;
    const next = caused.slice(i + 1).find((later) => later.lookup.askedAtUs > lastAskedAtUs + PROMPT_US);
    const toUs = answeredAtUs ?? next?.lookup.askedAtUs ?? Number.POSITIVE_INFINITY;
    const sinceRetry = toUs - lastAskedAtUs;
    const lost =
      queries > 1 && responses < queries && sinceRetry < (lastAskedAtUs - askedAtUs) * PROMPT_SHARE;
    const outcome = answeredAtUs === null ? "silent" : lost ? "lost" : "slow";
    return {
      fromUs: askedAtUs,
      toUs,
      spent: { kind: "lookup", subject, outcome },
      frame: answeredFrame || askedFrame,
      name: `${lookup.type} ${name}`,
    };
  });
}
