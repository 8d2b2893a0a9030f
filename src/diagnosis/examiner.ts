import type { Conversation } from "../spine/conversation.ts";
import type { FileFrames } from "../spine/files.ts";
import { PacketTable } from "../spine/packets.ts";
import { BODY, CONNECT, END_OF_DATA, RCPT } from "../spine/phase.ts";
import { ACCEPTED, BRIEF, type Draft, SAYS_GREYLISTED_MARK, TAINTED, UNANSWERED } from "./draft.ts";
import type { ClientTurn, DialogueFacts, ReplyFacts, Stretch } from "./facts.ts";
import { type Handshake, handshakeOf, repeatedHandshake } from "./handshake.ts";
import { addressIn, type Idents } from "./idents.ts";
import type { LookupBook } from "./lookup-book.ts";
import { closedWindows, cutReply, type Errand, errandsOf, Packets, wasHeld } from "./stretches.ts";

/** Turns of the client that are kept, the longest. */
const MAX_TURNS = 8;

/** Looks closely at one dialogue that was not prompt. */
export class Examiner {
  readonly #table = new PacketTable();
  readonly #lookups: LookupBook;
  readonly #idents: Idents;

  constructor(lookups: LookupBook, idents: Idents) {
    this.#lookups = lookups;
    this.#idents = idents;
  }

  examine(
    conversation: Conversation,
    draft: Draft,
    connectUs: number,
    rewriting: readonly string[],
    frames: FileFrames,
  ): DialogueFacts {
    const { transport, account, flags, tls } = conversation;
    const table = this.#table;
    table.first = table.end;
    transport.trail?.read(table);
    const handshake = handshakeOf(table, transport, account.connectUs);
    const hasPackets = table.first < table.end;
    const packets = hasPackets ? new Packets(table, handshake.roundTripUs ?? 0) : null;
    const client = addressIn(transport.client);
    const fromUs = transport.synAtUs ?? transport.firstAtUs ?? 0;
    const toUs = conversation.endedAtUs ?? transport.lastAtUs ?? fromUs;
    const { errands, lookups } = this.#errands(conversation, draft, client, fromUs, toUs);
    const file = frames.locate(transport.firstFrame).file;
    const inFile = (frame: number) => {
      const place = frames.locate(frame);
      return frame > 0 && place.file === file ? (place.frame ?? 0) : 0;
    };
    const replies = repliesOf(draft, packets, errands);
    const connect = connectOf(handshake, connectUs, fromUs, transport.synFrame);
    if (connect !== null) replies.unshift(connect);
    return {
      file,
      tcpStream: transport.tcpStreamAt(transport.firstFrame),
      client,
      server: transport.server,
      fromUs,
      toUs,
      frame: inFile(transport.firstFrame),
      replies: replies.map((reply) => ({
        ...reply,
        frame: inFile(reply.frame),
        stretches: reply.stretches.map((stretch) => ({ ...stretch, frame: inFile(stretch.frame) })),
      })),
      unlistedUs: draft.unlistedUs,
      clientTurns: turnsOf(draft, table).map((turn) => ({
        ...turn,
        frame: inFile(turn.frame),
      })),
      clientUs: account.clientUs,
      roundTripUs: handshake.roundTripUs,
      hopsToServer: handshake.hopsToServer,
      hopsToClient: handshake.hopsToClient,
      lookups,
      tls: tls === null ? "none" : tls.how === "implicit" ? "implicit" : "starttls",
      earlyTalker: flags.has("early-talker"),
      closedBy: handshake.closedBy,
      rewriting,
      delivered: conversation.messages > 0,
    };
  }

  #errands(
    { transport }: Conversation,
    draft: Draft,
    client: string,
    fromUs: number,
    toUs: number,
  ): { errands: Errand[]; lookups: number } {
    const server = addressIn(transport.server);
    const errands = this.#idents.between(server, client, fromUs, toUs);
    const { greetedAtUs, domains } = draft;
    const asking = {
      client,
      server,
      fromUs,
      toUs,
      greetedAtUs: greetedAtUs < 0 ? toUs : greetedAtUs,
      domains,
    };
    const caused = this.#lookups.causedBy(asking);
    errands.push(
      ...errandsOf(caused),
      ...closedWindows(this.#table),
      ...repeatedHandshake(this.#table, transport),
    );
    errands.sort((a, b) => a.fromUs - b.fromUs);
    return { errands: ended(errands, draft), lookups: caused.length };
  }
}

/** One without an end lasts until the next begins, but no longer than the wait in which it began. */
function ended(errands: readonly Errand[], draft: Draft): Errand[] {
  return errands.map((errand, k) => {
    if (errand.toUs !== Number.POSITIVE_INFINITY) return errand;
    let toUs = errand.fromUs;
    for (let i = 0; i < draft.count; i++) {
      if (draft.replies[i]!.marks & BRIEF) continue;
      const repliedAtUs = draft.replies[i]!.lastAtUs;
      if (repliedAtUs - draft.replies[i]!.waitedUs <= errand.fromUs && errand.fromUs < repliedAtUs)
        toUs = repliedAtUs;
    }
    const next = errand.spent.kind === "ident" ? errands[k + 1] : undefined;
    return { ...errand, toUs: Math.min(toUs, next?.fromUs ?? toUs) };
  });
}

function repliesOf(draft: Draft, packets: Packets | null, errands: readonly Errand[]): ReplyFacts[] {
  const replies: ReplyFacts[] = [];
  let errors = 0;
  let recipients = 0;
  for (let i = 0; i < draft.count; i++) {
    const marks = draft.replies[i]!.marks;
    const phase = draft.replies[i]!.phase;
    const code = draft.replies[i]!.code;
    const isBrief = (marks & BRIEF) !== 0;
    const isUnanswered = (marks & UNANSWERED) !== 0;
    const waitedUs = draft.replies[i]!.waitedUs;
    const cut =
      isUnanswered || isBrief || (marks & TAINTED) !== 0
        ? uncut(waitedUs, isUnanswered, isBrief ? 0 : draft.replies[i]!.askedFrame)
        : cutReply(draft, i, packets, errands);
    const delivery =
      isUnanswered || isBrief || packets === null || isBehind(draft, i) ? null : delivered(draft, i, packets);
    replies.push({
      phase,
      code: code === 0 ? null : code,
      fromUs: isBrief ? 0 : draft.replies[i]!.lastAtUs - waitedUs,
      waitedUs: waitedUs + (delivery?.lengthUs ?? 0),
      unseenUs: delivery?.lengthUs ?? 0,
      accepted: (marks & ACCEPTED) !== 0,
      stretches: delivery === null ? cut.stretches : [...cut.stretches, delivery],
      silenceUs: cut.silenceUs,
      arrived: cut.arrived,
      clockKnown: cut.clockKnown,
      piecesUs:
        isBrief || phase === END_OF_DATA || packets === null
          ? 0
          : packets.piecesUs(draft.replies[i]!.askedFirstAtUs, draft.replies[i]!.askedAtUs),
      messageBytes: isBrief ? 0 : draft.replies[i]!.messageBytes,
      errorsBefore: errors,
      recipientsBefore: phase === RCPT ? recipients : 0,
      saysGreylisted: (marks & SAYS_GREYLISTED_MARK) !== 0,
      frame: isBrief ? 0 : draft.replies[i]!.firstFrame || draft.replies[i]!.askedFrame,
    });
    if (code >= 400) errors++;
    if (phase === RCPT) recipients++;
    else if (phase === END_OF_DATA) recipients = 0;
  }
  return replies;
}

function uncut(waitedUs: number, isUnanswered: boolean, frame: number) {
  const spent = isUnanswered ? ({ kind: "unanswered" } as const) : ({ kind: "silence" } as const);
  const stretches: Stretch[] = waitedUs > 0 ? [{ spent, lengthUs: waitedUs, frame, name: "" }] : [];
  return { stretches, silenceUs: isUnanswered ? 0 : waitedUs, arrived: null, clockKnown: false };
}

/** It came in the same packet as the reply before, whose delivery is counted. */
function isBehind(draft: Draft, i: number): boolean {
  return i > 0 && (draft.marks[i - 1]! & BRIEF) === 0 && draft.firstFrame[i - 1] === draft.firstFrame[i];
}

/** A reply that was sent again until the client had it: what the client waited past the point of capture. */
function delivered(draft: Draft, i: number, packets: Packets): Stretch | null {
  const { table } = packets;
  const frame = draft.replies[i]!.firstFrame;
  const first = packets.at(frame);
  if (first < 0) return null;
  const to = table.offset[first]! + table.lengthBytes[first]!;
  const by = packets.acknowledgement(false, frame, to);
  if (by < 0) return null;
  const copies = packets.copies(false, frame, table.atUs[first]!, to, by);
  if (copies.length === 0) return null;
  const lengthUs = Math.max(0, table.atUs[by]! - draft.replies[i]!.lastAtUs);
  const kind = wasHeld(table, by, [first, ...copies], lengthUs) ? "held" : "lost";
  return { spent: { kind, what: "reply" }, lengthUs, frame: table.frame[copies[0]!]!, name: "" };
}

function connectOf(
  handshake: Handshake,
  connectUs: number,
  fromUs: number,
  frame: number,
): ReplyFacts | null {
  if (frame === 0 && handshake.stretches.length === 0) return null;
  return {
    phase: CONNECT,
    code: null,
    fromUs,
    waitedUs: handshake.stretches.reduce((sum, { lengthUs }) => sum + lengthUs, 0),
    unseenUs: handshake.lateUs,
    accepted: connectUs > 0,
    stretches: handshake.stretches,
    silenceUs: 0,
    arrived: null,
    clockKnown: false,
    piecesUs: 0,
    messageBytes: 0,
    errorsBefore: 0,
    recipientsBefore: 0,
    saysGreylisted: false,
    frame,
  };
}

/** The client's longest pauses: between a reply and its next command, and within a message. */
function turnsOf({ turns }: Draft, table: PacketTable): ClientTurn[] {
  const found = turns.flatMap(({ before, fromUs, toUs, frame }): ClientTurn[] => {
    if (before !== END_OF_DATA) return [{ before, lengthUs: toUs - fromUs, frame }];
    const pause = longestPause(table, fromUs, toUs);
    return pause.lengthUs > 0 ? [{ before: BODY, ...pause }] : [];
  });
  return found.sort((a, b) => b.lengthUs - a.lengthUs).slice(0, MAX_TURNS);
}

/** The longest time in which neither side sent anything, ended by the client. */
function longestPause(table: PacketTable, fromUs: number, toUs: number): { lengthUs: number; frame: number } {
  let longest = { lengthUs: 0, frame: 0 };
  let previousUs = fromUs;
  for (let i = table.first; i < table.end; i++) {
    const atUs = table.atUs[i]!;
    if (atUs <= fromUs || atUs > toUs) continue;
    const lengthUs = atUs - previousUs;
    if (table.fromClient[i] === 1 && table.lengthBytes[i]! > 0 && lengthUs > longest.lengthUs)
      longest = { lengthUs, frame: table.frame[i]! };
    previousUs = atUs;
  }
  return longest;
}
