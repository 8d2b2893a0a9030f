import { hostOf } from "../spine/address.ts";
import type { Conversation } from "../spine/conversation.ts";
import type { FileFrames } from "../spine/files.ts";
import { PacketTable } from "../spine/packets.ts";
import { BODY, CONNECT, END_OF_DATA } from "../spine/phase.ts";
import { Packets } from "./dialogue-packets.ts";
import { BRIEF, type Draft } from "./draft.ts";
import { closedWindows, type Errand, errandsOf } from "./errands.ts";
import type { ClientTurn, DialogueFacts, ReplyFacts } from "./facts.ts";
import { type Handshake, handshakeOf, repeatedHandshake } from "./handshake.ts";
import type { Idents } from "./idents.ts";
import type { LookupBook } from "./lookup-book.ts";
import { repliesOf } from "./replies.ts";

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
    const handshake = handshakeOf(table, transport, account.connectUs, draft.leastUs);
    const hasPackets = table.first < table.end;
    const packets = hasPackets ? new Packets(table, handshake.roundTripUs ?? 0) : null;
    // Behind a load balancer the server looks up whom that speaks for.
    const client = conversation.announcedClient ?? hostOf(transport.client);
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
    const server = hostOf(transport.server);
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
    for (const { marks, lastAtUs, waitedUs } of draft.replies.slice(0, draft.count)) {
      if (marks & BRIEF) continue;
      if (lastAtUs - waitedUs <= errand.fromUs && errand.fromUs < lastAtUs) toUs = lastAtUs;
    }
    const next = errand.spent.kind === "ident" ? errands[k + 1] : undefined;
    return { ...errand, toUs: Math.min(toUs, next?.fromUs ?? toUs) };
  });
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
