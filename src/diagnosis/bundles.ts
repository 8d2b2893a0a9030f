import { BODY, DATA, EHLO, HELO, MAIL, NOOP, type PhaseIndex, QUIT, RCPT, RSET } from "../spine/phase.ts";
import type { Beside, DialogueFacts, ReplyFacts, Spent, Stretch } from "./facts.ts";
import type { Sample } from "./sample.ts";

/**
 * Puts stretches of waiting that have the same explanation together. What packets show is put together
 * by what they show. Silence is put together by server and stage, or, where a server is slow at
 * everything in a dialogue, for all stages: which of the two is part of the evidence.
 */

/** Silence (µs) below this is a server at work. */
export const LATE_US = 100_000;
/** Exim answers QUIT after 0.2 s: a QUIT counts from here (µs), beside other slow replies, and proves something from there. */
const LATE_QUIT_US = 230_000;
const TELLING_QUIT_US = 350_000;

/** What is seen to take a server less (µs) is its ordinary work. */
const NOTABLE_US = 35_000;

/** The stage whose reply is late, or "every" where all kinds of replies are. */
export type Stage = "every" | PhaseIndex;

export interface Item {
  readonly dialogue: DialogueFacts;
  readonly reply: ReplyFacts;
  readonly stretch: Stretch;
}

export interface Bundle {
  readonly spent: Spent;
  readonly server: string;
  readonly stage: Stage;
  readonly items: Item[];
}

/** Replies that cost a server nothing: no lookup, no check, no queue file. */
const CHEAP = new Set<PhaseIndex>([HELO, EHLO, NOOP, RSET, DATA, QUIT, MAIL]);
export function bundlesOf(sample: Sample): Bundle[] {
  const bundles = new Map<string, Bundle>();
  const slow = slowServers(sample);
  for (const dialogue of sample.late) {
    const share = slow.get(dialogue.server) ?? 0;
    const isSlow = share >= MOSTLY || (share > 0 && dialogue.replies.some(isLateCheap));
    for (const reply of dialogue.replies) {
      if (!reply.accepted) continue;
      for (const stretch of reply.stretches) {
        const { spent } = stretch;
        const isSilence = spent.kind === "silence";
        if (isSilence ? !isLate(reply, isSlow) : !isNotable(stretch)) continue;
        const stage: Stage = isSilence && isSlow ? "every" : reply.phase;
        const key = isSilence ? `${dialogue.server} ${stage}` : JSON.stringify([spent, dialogue.server]);
        const bundle = bundles.get(key);
        if (bundle === undefined)
          bundles.set(key, { spent, server: dialogue.server, stage, items: [{ dialogue, reply, stretch }] });
        else bundle.items.push({ dialogue, reply, stretch });
      }
    }
  }
  return [...bundles.values()];
}

/** A server that is slow at what costs nothing in so many of its late dialogues is slow in all of them. */
const MOSTLY = 0.5;

/** Servers with a dialogue in which all kinds of replies were late, and the share of those with a late cheap one. */
function slowServers(sample: Sample): Map<string, number> {
  const counts = new Map<string, { late: number; slow: number; cheap: number }>();
  for (const dialogue of sample.late) {
    const count = counts.get(dialogue.server) ?? { late: 0, slow: 0, cheap: 0 };
    counts.set(dialogue.server, count);
    count.late++;
    if (isSlowAtEverything(dialogue)) count.slow++;
    if (dialogue.replies.some(isLateCheap)) count.cheap++;
  }
  const slow = [...counts].filter(([, count]) => count.slow > 0);
  return new Map(slow.map(([server, { late, cheap }]) => [server, cheap / late]));
}

function isLate({ phase, silenceUs }: ReplyFacts, serverIsSlow: boolean): boolean {
  if (phase === QUIT) return serverIsSlow && silenceUs >= LATE_QUIT_US;
  return silenceUs >= (serverIsSlow ? NOTABLE_US : LATE_US);
}

/** A round trip, a loss or a refusal is what it is; other things are done all the time, and quickly. */
function isNotable({ spent, lengthUs }: Stretch): boolean {
  const { kind } = spent;
  if (kind === "lookup" || kind === "ident" || kind === "dribble" || kind === "window" || kind === "overflow")
    return lengthUs >= NOTABLE_US;
  return true;
}

function isLateCheap({ phase, silenceUs }: ReplyFacts): boolean {
  return CHEAP.has(phase) && silenceUs >= (phase === QUIT ? TELLING_QUIT_US : LATE_US);
}

/** Slow at several things that cost nothing, among them one at which nothing is checked. */
function isSlowAtEverything({ replies }: DialogueFacts): boolean {
  const phases = new Set(replies.filter(isLateCheap).map(({ phase }) => (phase === HELO ? EHLO : phase)));
  const isIdle = phases.has(EHLO) || phases.has(NOOP) || phases.has(RSET);
  return isIdle ? phases.size >= 2 : phases.has(QUIT) && phases.size >= 3;
}

/** A client's pause (µs) that is looked at: programs answer in milliseconds. */
const MIN_CLIENT_PAUSE_US = 400_000;

/** What made mail late without a reply being late. */
export function besideBundles(sample: Sample): Bundle[] {
  const items = new Map<string, Bundle>();
  const add = (spent: Beside, item: Omit<Item, "stretch">, lengthUs: number, frame: number) => {
    const key = JSON.stringify(spent);
    const whole: Item = { ...item, stretch: { spent, lengthUs, frame, name: "" } };
    const bundle = items.get(key);
    if (bundle === undefined)
      items.set(key, { spent, server: item.dialogue.server, stage: item.reply.phase, items: [whole] });
    else bundle.items.push(whole);
  };
  for (const dialogue of sample.late) {
    const first = dialogue.replies[0];
    if (first === undefined) continue;
    for (const { before, lengthUs, frame } of dialogue.clientTurns) {
      if (lengthUs < MIN_CLIENT_PAUSE_US) continue;
      const reply = dialogue.replies.find(({ phase }) => phase === before) ?? first;
      add({ kind: "client", beforeDot: before === BODY }, { dialogue, reply }, lengthUs, frame);
    }
    for (const reply of dialogue.replies) {
      if (reply.piecesUs > 0) add({ kind: "pieces" }, { dialogue, reply }, reply.piecesUs, reply.frame);
    }
    const refused = dialogue.replies.find(isRefusedForNow);
    if (refused !== undefined) {
      const acceptedLater = passesLater(dialogue, sample);
      add({ kind: "greylisted", acceptedLater }, { dialogue, reply: refused }, 0, refused.frame);
    }
    if (dialogue.earlyTalker) add({ kind: "early" }, { dialogue, reply: first }, 0, first.frame);
  }
  return [...items.values()];
}

/** RFC 6647 §2: 450 or 451 to RCPT or DATA, promptly. */
function isRefusedForNow({ phase, code, silenceUs }: ReplyFacts): boolean {
  return (
    (phase === RCPT || phase === DATA || phase === MAIL) &&
    (code === 450 || code === 451) &&
    silenceUs < LATE_US
  );
}

/** The client came again and got a message through. */
function passesLater({ client, server, toUs }: DialogueFacts, sample: Sample): boolean {
  const isLater = (visit: { client: string; server: string; fromUs: number; delivered: boolean }) =>
    visit.client === client && visit.server === server && visit.fromUs >= toUs && visit.delivered;
  return sample.visits.some(isLater) || sample.late.some(isLater);
}
