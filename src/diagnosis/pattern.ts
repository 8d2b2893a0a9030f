import { BANNER, END_OF_DATA, QUIT } from "../spine/phase.ts";
import type { Bundle, Stage } from "./bundles.ts";
import { LATE_US } from "./bundles.ts";
import { type Crowd, listOf } from "./crowd.ts";
import type { DialogueFacts, ReplyFacts } from "./facts.ts";
import { correlation, median, spread, weightedMedian } from "./numbers.ts";
import type { Sample } from "./sample.ts";

/**
 * What silences of one server at one stage have in common. No feature depends on how long the silences
 * are, except for how they compare with timers that are documented.
 */
export interface Pattern {
  readonly stage: Stage;
  readonly lengthsUs: readonly number[];
  /** Half of the time is in longer ones. */
  readonly medianUs: number;
  readonly dialogues: number;
  /** Relative: 0 where all silences are alike. `byClient`: among the visits of one client, the middle of all such. */
  readonly spread: number;
  readonly spreadByClient: number | null;
  /** Clients some of whose visits were late and the later ones prompt: something was remembered. */
  readonly firstOnly: boolean;
  /** The capture has lookups that the server made. */
  readonly dnsSeen: boolean;
  /** Captured beside the server: what the path does is not in these times. Null: not known. */
  readonly besideServer: boolean | null;
  /** Silences during which the server is known to have had the command. */
  readonly arrivedShare: number;
  readonly clockShare: number;
  /** Late greetings of clients that came when nobody else was connected. */
  readonly aloneShare: number;
  /** Of the dialogues, those that were opened while another was waiting for its greeting. */
  readonly othersWaited: number;
  /** Late greetings that came just when another dialogue had ended, beyond what chance does. */
  readonly queueFit: number;
  /** Only refusals are late although replies that accept are there too. */
  readonly refusalsOnly: boolean;
  /** In each dialogue late from some refusal on, and prompt before. */
  readonly afterErrors: boolean;
  /** Rank correlation with the size of the message. */
  readonly withSize: number;
  /** Where the first recipients of a message are prompt and later ones late. */
  readonly afterRecipients: boolean;
  /** Silences that are a multiple of the resolver's 5 s; that fit a retransmission timer. */
  readonly resolverSteps: number;
  readonly retransmissionSteps: number;
  /** Losses were seen with this server. */
  readonly lossSeen: boolean;
  /** Of all replies of these dialogues (QUIT apart), those that were late. */
  readonly coverage: number;
  readonly tls: boolean;
  readonly masked: boolean;
}

export function patternOf(bundle: Bundle, crowd: Crowd): Pattern {
  const { items, server, stage } = bundle;
  const { sample } = crowd;
  const lengthsUs = items.map(({ stretch }) => stretch.lengthUs);
  const dialogues = [...new Set(items.map(({ dialogue }) => dialogue))];
  const lateReplies = new Set(items.map(({ reply }) => reply));
  const others = promptPeers(bundle, sample, lateReplies);
  return {
    stage,
    lengthsUs,
    medianUs: weightedMedian(lengthsUs),
    dialogues: dialogues.length,
    spread: spread(lengthsUs),
    spreadByClient: spreadByClient(items),
    firstOnly: isFirstOnly(items, sample, server),
    dnsSeen: crowd.serversWithLookups.has(server),
    besideServer: besideServer(dialogues),
    arrivedShare: shareOf(items, ({ reply }) => reply.arrived === true),
    clockShare: shareOf(items, ({ reply }) => reply.clockKnown),
    aloneShare: shareOf(items, ({ dialogue }) => crowd.othersAt(server, dialogue.fromUs + 1) <= 1),
    othersWaited:
      bundle.spent.kind === "lost" || bundle.spent.kind === "overflow"
        ? shareOf(items, ({ dialogue }) => crowd.waitingAt(dialogue))
        : 0,
    queueFit: queueFit(items, server, crowd),
    refusalsOnly: items.every(({ reply }) => isRefusal(reply)) && others.some(isAcceptance),
    afterErrors: dialogues.every(isLateAfterErrors),
    withSize: correlation(items.map(({ reply, stretch }) => [reply.messageBytes, stretch.lengthUs])),
    afterRecipients:
      items.every(({ reply }) => reply.recipientsBefore > 0) &&
      others.some(({ recipientsBefore }) => recipientsBefore === 0),
    resolverSteps: shareOf(items, ({ stretch }) => isMultipleOf(stretch.lengthUs, RESOLVER_STEP_US)),
    retransmissionSteps: shareOf(items, ({ stretch }) => isRetransmissionStep(stretch.lengthUs)),
    lossSeen: crowd.serversWithLoss.has(server),
    coverage: coverage(dialogues, lateReplies.size),
    tls: dialogues.some(({ tls }) => tls === "implicit"),
    masked: dialogues.some(({ rewriting }) => rewriting.length > 0),
  };
}

/** Replies of the same server in the same phase that were not late. */
function promptPeers(
  { server, stage }: Bundle,
  { late }: Sample,
  lateReplies: ReadonlySet<ReplyFacts>,
): ReplyFacts[] {
  const atServer = late.filter((each) => each.server === server);
  const peers = atServer.flatMap(({ replies }) =>
    replies.filter(({ phase }) => stage === "every" || phase === stage),
  );
  return peers.filter((reply) => !lateReplies.has(reply) && reply.silenceUs < LATE_US);
}

function isRefusal({ code }: ReplyFacts): boolean {
  return (code ?? 0) >= 400;
}

function isAcceptance({ code }: ReplyFacts): boolean {
  return code !== null && code < 400;
}

function shareOf<T>(items: readonly T[], is: (item: T) => boolean): number {
  return items.length === 0 ? 0 : items.filter(is).length / items.length;
}

function coverage(dialogues: readonly DialogueFacts[], late: number): number {
  const all = dialogues.reduce(
    (sum, { replies }) =>
      sum + replies.filter(({ phase, code }) => phase !== QUIT && phase !== BANNER && code !== null).length,
    0,
  );
  return Math.min(1, late / Math.max(1, all));
}

function besideServer(dialogues: readonly DialogueFacts[]): boolean | null {
  const seen = dialogues.filter(
    ({ hopsToServer, hopsToClient }) => hopsToServer !== null && hopsToClient !== null,
  );
  if (seen.length === 0 || seen.every(({ hopsToServer, hopsToClient }) => hopsToServer === hopsToClient))
    return null;
  return seen.every(({ hopsToServer }) => hopsToServer === 0);
}

function spreadByClient(items: Bundle["items"]): number | null {
  const byClient = new Map<string, number[]>();
  for (const { dialogue, stretch } of items) listOf(byClient, dialogue.client).push(stretch.lengthUs);
  const spreads = [...byClient.values()].filter((lengths) => lengths.length >= 2).map(spread);
  return spreads.length === 0 ? null : median(spreads);
}

/** Every client that came again was prompt on its later visits. */
function isFirstOnly(items: Bundle["items"], sample: Sample, server: string): boolean {
  const latest = new Map<string, number>();
  for (const { dialogue } of items)
    latest.set(dialogue.client, Math.max(latest.get(dialogue.client) ?? 0, dialogue.fromUs));
  const lateOnes = new Set(items.map(({ dialogue }) => dialogue));
  const visits = [...sample.late.filter((each) => !lateOnes.has(each)), ...sample.visits].filter(
    (visit) => visit.server === server && latest.has(visit.client),
  );
  if (visits.length < 2) return false;
  return visits.every(({ client, fromUs }) => fromUs > latest.get(client)!);
}

function isLateAfterErrors({ replies }: DialogueFacts): boolean {
  const late = replies.filter(({ silenceUs }) => silenceUs >= LATE_US);
  const first = late[0];
  if (first === undefined || first.errorsBefore === 0) return false;
  const from = replies.indexOf(first);
  return replies
    .slice(from)
    .every(({ silenceUs, phase }) => silenceUs >= LATE_US || phase === END_OF_DATA || phase === QUIT);
}

/** A greeting that was waiting for another dialogue's end comes within this of it (µs, and as a share of the wait). */
const AFTER_END_US = 25_000;
const AFTER_END_SHARE = 0.01;

/** Of clients that come together the first is served after this (µs, and share of another's wait). */
const SETTLED_US = 50_000;
const SETTLED_SHARE = 0.1;

function queueFit(items: Bundle["items"], server: string, crowd: Crowd): number {
  let hits = 0;
  let chance = 0;
  for (const { dialogue, reply } of items) {
    const toUs = reply.fromUs + reply.waitedUs;
    const windowUs = AFTER_END_US + reply.waitedUs * AFTER_END_SHARE;
    // Somebody else was being served while it waited, and not only at the end.
    const sinceUs = dialogue.fromUs + Math.max(SETTLED_US, reply.waitedUs * SETTLED_SHARE);
    const isBusy = crowd.servedAt(server, sinceUs) > 0;
    if (isBusy && crowd.endedIn(server, toUs - windowUs, toUs + AFTER_END_US / 10) > 0) hits++;
    const ends = crowd.endedIn(server, dialogue.fromUs, toUs + 1);
    chance += 1 - Math.exp((-ends * windowUs) / Math.max(reply.waitedUs, windowUs));
  }
  const n = Math.max(1, items.length);
  return Math.max(0, (hits - chance) / n) + (hits === n && hits > 1 ? 0.2 : 0);
}

/** resolv.conf(5): a query is sent again after 5 s. */
const RESOLVER_STEP_US = 5_000_000;

/** Up to 300 ms above a multiple: what else is done before the reply. */
function isMultipleOf(lengthUs: number, stepUs: number): boolean {
  const over = lengthUs % stepUs;
  return lengthUs >= stepUs && over <= 300_000;
}

/** Linux sends again after about 0.2 s, then each time after twice as long; with or without a first loss probe. */
const FIRST_RETRY_US = 200_000;

function isRetransmissionStep(lengthUs: number): boolean {
  for (let k = 0; k <= 7; k++) {
    const probed = FIRST_RETRY_US * 2 ** k;
    if (lengthUs >= probed && lengthUs <= probed * 1.1 + 20_000) return true;
    const plain = FIRST_RETRY_US * (2 ** (k + 1) - 1);
    if (lengthUs >= plain && lengthUs <= plain * 1.05 + 20_000) return true;
  }
  return false;
}
