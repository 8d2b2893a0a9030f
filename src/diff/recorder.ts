import type { Conversation, DialogueListener } from "../spine/conversation.ts";
import type { Exchange } from "../spine/exchange.ts";
import type { FileFrames } from "../spine/files.ts";
import { PacketTable, SYN_FLAG } from "../spine/packets.ts";
import {
  type EndCause,
  type GapCause,
  NO_TIME,
  type Side,
  type SourceSink,
  type StreamSink,
  type Transport,
} from "../spine/wire.ts";
import { type RecordedDialogue, type RecordedTurn, Segments } from "./recorded.ts";

/** Turns of all dialogues of a capture that are kept (about 300 bytes each), and of one dialogue. */
const MAX_TURNS = 1_000_000;
const MAX_TURNS_A_DIALOGUE = 1_024;
/** Distinct texts that are shared. */
const MAX_TEXTS = 65_536;

interface Cuts {
  readonly client: Segments;
  readonly server: Segments;
  clientEndAt: number;
  /** What had been handed on of each side when bytes were first found to be missing. */
  firstGap: { readonly client: number; readonly server: number } | null;
}

/** Keeps one capture's dialogues; stands in front of the dialogues as well, to see segments. */
export class DialogueRecorder implements DialogueListener {
  readonly dialogues: RecordedDialogue[] = [];
  /** Dialogues for which there was no room. */
  leftOut = 0;
  readonly #frames: () => FileFrames;
  readonly #open = new Map<Conversation, RecordedTurn[]>();
  readonly #cuts = new WeakMap<Transport, Cuts>();
  readonly #texts = new Map<string, string>();
  readonly #packets = new PacketTable();
  #turns = 0;

  constructor(frames: () => FileFrames) {
    this.#frames = frames;
  }

  /** A source that goes through here to `inner`. */
  tee(inner: SourceSink): SourceSink {
    return {
      open: (transport) => {
        const cuts = { client: new Segments(), server: new Segments(), clientEndAt: NO_TIME, firstGap: null };
        this.#cuts.set(transport, cuts);
        return new Tee(inner.open(transport), cuts);
      },
      tick: (atUs) => inner.tick(atUs),
    };
  }

  exchange(e: Exchange, conversation: Conversation): void {
    let turns = this.#open.get(conversation);
    if (turns === undefined) {
      turns = [];
      this.#open.set(conversation, turns);
    }
    if (turns.length >= MAX_TURNS_A_DIALOGUE || this.#turns >= MAX_TURNS) return;
    this.#turns++;
    const command = e.commandOctets();
    const { bytes, length, omitted } = e.replyBytes;
    const reply = omitted > 0 ? null : Buffer.from(bytes.buffer, bytes.byteOffset, length).toString("latin1");
    turns.push({
      phase: e.phase,
      verb: e.verb,
      code: e.code,
      command: command === null ? null : this.#shared(command),
      reply: reply === null ? null : this.#shared(reply),
      unkept: e.unkept,
      askedFirst: e.askedFirstAtUs ?? NO_TIME,
      askedLast: e.askedLastAtUs ?? NO_TIME,
      answeredFirst: e.answeredFirstAtUs ?? NO_TIME,
      answeredLast: e.answeredLastAtUs ?? NO_TIME,
      askedFrame: e.askedLastFrame,
      answeredFrame: e.answeredFirstFrame,
      askedFrom: e.askedFrom,
      askedTo: e.askedTo,
      answeredFrom: e.answeredFrom,
      answeredTo: e.answeredTo,
      retransmits: e.retransmits,
      hasGap:
        e.taint === "gap" ||
        isHalfOpened(conversation.transport) ||
        isDoubtful(e, this.#cuts.get(conversation.transport)),
      unanswered: e.taint === "unanswered",
    });
  }

  #shared(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (this.#texts.size < MAX_TEXTS) this.#texts.set(text, text);
    return text;
  }

  body(): void {}

  conversation(conversation: Conversation): void {
    const turns = this.#open.get(conversation) ?? [];
    this.#open.delete(conversation);
    if (this.#turns >= MAX_TURNS) {
      this.leftOut++;
      return;
    }
    const { transport: t, flags, ended } = conversation;
    const cuts = this.#cuts.get(t);
    const start = t.synAtUs ?? t.firstAtUs ?? NO_TIME;
    this.dialogues.push({
      client: t.client,
      server: t.server,
      file: this.#frames().locate(t.firstFrame).file,
      tcpStream: t.tcpStreamAt(t.firstFrame),
      firstFrame: t.firstFrame,
      synAt: t.synAtUs ?? NO_TIME,
      synAckAt: t.synAckAtUs ?? NO_TIME,
      startAt: start,
      clientEndAt: cuts?.clientEndAt ?? NO_TIME,
      clientSequence: t.initialSequence?.("client") ?? null,
      serverSequence: t.initialSequence?.("server") ?? null,
      ...this.#synClocks(t),
      turns,
      startsMidway: flags.has("mid-stream"),
      isOpen: ended === "open" || ended === "idle" || turns.length >= MAX_TURNS_A_DIALOGUE,
      isComplete: ended === "fin",
      hasGap: flags.has("gap") || flags.has("one-way") || isHalfOpened(t),
      encrypted: { client: conversation.encrypted("client"), server: conversation.encrypted("server") },
      segments: cuts ?? { client: new Segments(), server: new Segments() },
    });
  }

  #synClocks(transport: Transport): { clientClock: number | null; serverClock: number | null } {
    const clocks: { clientClock: number | null; serverClock: number | null } = {
      clientClock: null,
      serverClock: null,
    };
    if (transport.trail === undefined) return clocks;
    const packets = this.#packets;
    transport.trail.read(packets);
    for (let i = packets.first; i < packets.end; i++) {
      if ((packets.flags[i]! & SYN_FLAG) === 0) continue;
      if (packets.hasClock[i] === 1)
        clocks[packets.fromClient[i] === 1 ? "clientClock" : "serverClock"] ??= packets.clock[i]!;
    }
    return clocks;
  }

  other(): void {}
  undecided(): void {}
}

/** Where one half of the handshake was not captured, nobody knows where that side's bytes begin. */
function isHalfOpened({ synFrame, synAckFrame }: Transport): boolean {
  return synFrame > 0 !== synAckFrame > 0;
}

/** Behind missing bytes a reply may have been given to the wrong command. */
function isDoubtful({ askedTo, answeredTo }: Exchange, cuts: Cuts | undefined): boolean {
  if (cuts === undefined || cuts.firstGap === null) return false;
  return askedTo > cuts.firstGap.client || answeredTo > cuts.firstGap.server;
}

/** Notes where segments end, and passes everything on. */
class Tee implements StreamSink {
  readonly #inner: StreamSink;
  readonly #cuts: Cuts;

  constructor(inner: StreamSink, cuts: Cuts) {
    this.#inner = inner;
    this.#cuts = cuts;
  }

  get wanted(): boolean {
    return this.#inner.wanted;
  }
  bytes(from: Side, atUs: number, frame: number, buffer: Uint8Array, start: number, end: number): void {
    this.#cuts[from].bytes(frame, end - start);
    this.#inner.bytes(from, atUs, frame, buffer, start, end);
  }
  gap(from: Side, atUs: number, frame: number, lengthBytes: number, why: GapCause): void {
    const { client, server } = this.#cuts;
    this.#cuts.firstGap ??= { client: client.offset, server: server.offset };
    this.#cuts[from].gap(lengthBytes);
    this.#inner.gap(from, atUs, frame, lengthBytes, why);
  }
  copy(from: Side, fromOffset: number, toOffset: number, frame: number): void {
    this.#inner.copy(from, fromOffset, toOffset, frame);
  }
  end(from: Side, atUs: number, how: EndCause): void {
    if (from === "client") this.#cuts.clientEndAt = atUs;
    this.#inner.end(from, atUs, how);
  }
  close(atUs: number): void {
    this.#inner.close(atUs);
  }
}
