import { END_OF_DATA, RCPT } from "../spine/phase.ts";
import { type Packets, wasHeld } from "./dialogue-packets.ts";
import {
  ACCEPTED,
  BRIEF,
  type Draft,
  type DraftReply,
  SAYS_GREYLISTED_MARK,
  TAINTED,
  UNANSWERED,
} from "./draft.ts";
import type { Errand } from "./errands.ts";
import type { ReplyFacts, Stretch } from "./facts.ts";
import { type Cut, cutReply } from "./stretches.ts";

/** What of a dialogue's replies is kept. */
export function repliesOf(draft: Draft, packets: Packets | null, errands: readonly Errand[]): ReplyFacts[] {
  const replies: ReplyFacts[] = [];
  let errorsBefore = 0;
  let recipients = 0;
  for (let i = 0; i < draft.count; i++) {
    const reply = draft.replies[i]!;
    const { phase, code } = reply;
    const before = i === 0 ? undefined : draft.replies[i - 1];
    const recipientsBefore = phase === RCPT ? recipients : 0;
    const facts = reply.marks & BRIEF ? brief(reply) : closely(reply, before, packets, errands);
    replies.push({ ...facts, errorsBefore, recipientsBefore });
    if (code >= 400) errorsBefore++;
    if (phase === RCPT) recipients++;
    else if (phase === END_OF_DATA) recipients = 0;
  }
  return replies;
}

type Facts = Omit<ReplyFacts, "errorsBefore" | "recipientsBefore">;

/** A prompt reply. */
function brief({ phase, code, marks, waitedUs }: DraftReply): Facts {
  return {
    phase,
    code: code === 0 ? null : code,
    fromUs: 0,
    waitedUs,
    unseenUs: 0,
    accepted: (marks & ACCEPTED) !== 0,
    ...uncut(waitedUs, false, 0),
    piecesUs: 0,
    messageBytes: 0,
    saysGreylisted: false,
    frame: 0,
  };
}

function closely(
  reply: DraftReply,
  before: DraftReply | undefined,
  packets: Packets | null,
  errands: readonly Errand[],
): Facts {
  const { phase, code, marks, waitedUs } = reply;
  const isUnanswered = (marks & UNANSWERED) !== 0;
  const cut =
    isUnanswered || marks & TAINTED
      ? uncut(waitedUs, isUnanswered, reply.askedFrame)
      : cutReply(reply, packets, errands);
  const isCounted = isUnanswered || packets === null || isBehind(reply, before);
  const delivery = isCounted ? null : delivered(reply, packets);
  return {
    phase,
    code: code === 0 ? null : code,
    fromUs: reply.lastAtUs - waitedUs,
    waitedUs: waitedUs + (delivery?.lengthUs ?? 0),
    unseenUs: delivery?.lengthUs ?? 0,
    accepted: (marks & ACCEPTED) !== 0,
    ...cut,
    stretches: delivery === null ? cut.stretches : [...cut.stretches, delivery],
    piecesUs:
      phase === END_OF_DATA || packets === null ? 0 : packets.piecesUs(reply.askedFirstAtUs, reply.askedAtUs),
    messageBytes: reply.messageBytes,
    saysGreylisted: (marks & SAYS_GREYLISTED_MARK) !== 0,
    frame: reply.firstFrame || reply.askedFrame,
  };
}

function uncut(waitedUs: number, isUnanswered: boolean, frame: number): Cut {
  const spent = isUnanswered ? ({ kind: "unanswered" } as const) : ({ kind: "silence" } as const);
  const stretches: Stretch[] = waitedUs > 0 ? [{ spent, lengthUs: waitedUs, frame, name: "" }] : [];
  return { stretches, silenceUs: isUnanswered ? 0 : waitedUs, arrived: null, clockKnown: false };
}

/** It came in the same packet as the reply before, whose delivery is counted. */
function isBehind({ firstFrame }: DraftReply, before: DraftReply | undefined): boolean {
  return before !== undefined && (before.marks & BRIEF) === 0 && before.firstFrame === firstFrame;
}

/** A reply that was sent again until the client had it: what the client waited past the point of capture. */
function delivered(reply: DraftReply, packets: Packets): Stretch | null {
  const { table } = packets;
  const frame = reply.firstFrame;
  const first = packets.at(frame);
  if (first < 0) return null;
  const to = table.offset[first]! + table.lengthBytes[first]!;
  const by = packets.acknowledgement(false, frame, to);
  if (by < 0) return null;
  const copies = packets.copies(false, frame, table.atUs[first]!, to, by);
  if (copies.length === 0) return null;
  const lengthUs = Math.max(0, table.atUs[by]! - reply.lastAtUs);
  const kind = wasHeld(table, by, [first, ...copies], lengthUs) ? "held" : "lost";
  return { spent: { kind, what: "reply" }, lengthUs, frame: table.frame[copies[0]!]!, name: "" };
}
