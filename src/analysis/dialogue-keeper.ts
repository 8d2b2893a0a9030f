import type { Conversation } from "../spine/conversation.ts";
import type { RawText } from "../spine/exchange.ts";
import type { FileFrames } from "../spine/files.ts";
import type { KeptDialogue, KeptDialogues, KeptExchange } from "../spine/kept.ts";
import { QUIT } from "../spine/phase.ts";
import type { Settled } from "../spine/settled.ts";
import type { Transport } from "../spine/wire.ts";
import { type Draft, MAX_LINE, NO_OUTCOME, untold, view } from "./kept-dialogue.ts";
import type { OpenConnections } from "./open-connections.ts";
import { Queue } from "./queue.ts";

/**
 * Keeps dialogues to be looked at: each with its exchanges as long as there is room, then condensed to
 * one line and its slowest reply, then only counted. What it hands out never changes.
 */

/** Dialogues in the list, at about 1 KB a condensed one. */
const MAX_DIALOGUES = 100_000;
/** Estimated bytes of all exchanges kept: some 60,000 of common size. */
const MAX_DETAIL_BYTES = 64 * 1024 * 1024;
/** Exchanges kept of one dialogue: 100 recipients are common, and a list of more is not read. */
const MAX_EXCHANGES = 1_000;
/** Of a reply: EHLO replies have 30 lines at most. */
const MAX_LINES = 64;
/** Of a command or a reply, as bytes. */
const MAX_OCTETS = MAX_LINES * MAX_LINE;
/** Objects and numbers of a kept exchange, measured; texts come on top. */
const EXCHANGE_BYTES = 1_000;
/** Texts that are said again and again are kept once: the latest so many different ones. */
const MAX_SHARED_TEXTS = 4_096;
/** Longer ones are rarely the same twice. */
const MAX_SHARED_LENGTH = 80;
/** Slow or broken ones are what is looked for: they are condensed after all others. */
const REMARKABLE_US = 1_000_000;

export interface KeeperOptions {
  /** Applied to text from the wire; null: it is kept as it is. */
  readonly redact: ((text: string) => string) | null;
  /** Connections on which nothing has come of it yet are listed as well. */
  readonly open?: OpenConnections;
  /** Smaller in tests. */
  readonly maxDialogues?: number;
  readonly maxDetailBytes?: number;
}

interface Detailed {
  readonly id: number;
  /** Estimated, of its exchanges. */
  readonly bytes: number;
}

export class DialogueKeeper {
  readonly #redact: (text: string) => string;
  readonly #isRedacted: boolean;
  readonly #maxDialogues: number;
  readonly #maxDetailBytes: number;
  readonly #open: OpenConnections | null;
  /** Ids of connections that were listed before a dialogue told of them. */
  readonly #listed = new WeakMap<Transport, number>();
  readonly #drafts = new Map<Conversation, Draft>();
  /** Dialogues that are over, by id, oldest first. */
  readonly #kept = new Map<number, KeptDialogue>();
  /** Those with exchanges, in the order in which they are condensed. */
  readonly #ordinary = new Queue<Detailed>();
  readonly #remarkable = new Queue<Detailed>();
  #condensed = 0;
  /** Texts of the wire, and what is kept of each. */
  readonly #texts = new Map<string, string>();
  #detailBytes = 0;
  #forgotten = 0;
  #nextId = 1;
  /** Rises with every change. */
  version = 0;
  /** Exchanges told of. */
  heard = 0;

  constructor({ redact, open, maxDialogues, maxDetailBytes }: KeeperOptions) {
    this.#open = open ?? null;
    this.#redact = redact ?? ((text) => text);
    this.#isRedacted = redact !== null;
    this.#maxDialogues = maxDialogues ?? MAX_DIALOGUES;
    this.#maxDetailBytes = maxDetailBytes ?? MAX_DETAIL_BYTES;
  }

  exchange(settled: Settled): void {
    this.version++;
    this.heard++;
    const { exchange, conversation } = settled;
    const draft = this.#draft(conversation, settled.file, settled.tcpStream);
    draft.count++;
    draft.waitedUs += exchange.waitedUs;
    draft.findings = settled.findings();
    draft.lastAtUs = exchange.answeredLastAtUs ?? exchange.askedLastAtUs ?? draft.lastAtUs;
    // Where bytes are missing, or the clock ran backwards, nobody knows how long it was.
    const isSure = exchange.taint === null || exchange.taint === "unanswered";
    const isSlower = isSure && (draft.slowest === null || exchange.waitedUs > draft.slowest.waitedUs);
    const hasRoom = draft.count <= MAX_EXCHANGES;
    if (isSlower || hasRoom) {
      const kept = this.#keep(settled);
      if (isSlower) draft.slowest = kept;
      if (hasRoom) this.#add(draft, kept);
    }
    if (exchange.phase === "rcpt") draft.recipients++;
    if (exchange.phaseIndex !== QUIT && exchange.code !== null) {
      draft.outcome = { code: exchange.code, text: this.#text(exchange.lines().at(-1) ?? "") };
    }
    this.#makeRoom();
  }

  conversation(conversation: Conversation, frames: FileFrames): void {
    this.version++;
    const { transport } = conversation;
    const { file } = frames.locate(transport.firstFrame);
    const draft = this.#draft(conversation, file, transport.tcpStreamAt(transport.firstFrame));
    this.#drafts.delete(conversation);
    const kept = view(draft, this.#redact, conversation.ended, null);
    this.#kept.set(kept.id, kept);
    const isRemarkable = kept.waitedUs >= REMARKABLE_US || kept.flags.length > 0;
    (isRemarkable ? this.#remarkable : this.#ordinary).add({ id: kept.id, bytes: draft.bytes });
    this.#makeRoom();
  }

  snapshot(): KeptDialogues {
    const open = [...this.#drafts.values()].map((draft) =>
      view(draft, this.#redact, null, this.#open?.pendingOf(draft.conversation.transport) ?? null),
    );
    open.push(...this.#untold());
    const dialogues = [...this.#kept.values(), ...open].sort((a, b) => a.id - b.id);
    const waiting = open
      .filter(({ pending }) => pending !== null)
      .sort((a, b) => b.pending!.waitedUs - a.pending!.waitedUs);
    return { dialogues, open: open.length, waiting, condensed: this.#condensed, forgotten: this.#forgotten };
  }

  /** Connections on which nothing has come of it yet. */
  *#untold(): Iterable<KeptDialogue> {
    if (this.#open === null) return;
    const told = new Set<Transport>();
    for (const { transport } of this.#drafts.keys()) told.add(transport);
    for (const connection of this.#open.listed()) {
      const { transport } = connection;
      if (told.has(transport)) continue;
      const id = this.#listed.get(transport) ?? this.#nextId++;
      this.#listed.set(transport, id);
      yield untold(connection, id, this.#open.pendingOf(transport));
    }
  }

  #draft(conversation: Conversation, file: string, tcpStream: number): Draft {
    let draft = this.#drafts.get(conversation);
    if (draft === undefined) {
      draft = {
        id: this.#listed.get(conversation.transport) ?? this.#nextId++,
        conversation,
        file,
        tcpStream,
        exchanges: [],
        bytes: 0,
        count: 0,
        recipients: 0,
        waitedUs: 0,
        slowest: null,
        outcome: NO_OUTCOME,
        lastAtUs: null,
        findings: [],
      };
      this.#drafts.set(conversation, draft);
    }
    return draft;
  }

  #add(draft: Draft, kept: KeptExchange): void {
    const octets = (kept.commandOctets?.length ?? 0) + (kept.replyOctets?.length ?? 0);
    const text = kept.lines.reduce((sum, line) => sum + line.length, (kept.command?.length ?? 0) + octets);
    const bytes = EXCHANGE_BYTES + text;
    // Dialogues that go on can be as many as the source follows: they too end somewhere.
    const nothingToCondense = this.#ordinary.length + this.#remarkable.length === 0;
    if (nothingToCondense && this.#detailBytes + bytes > this.#maxDetailBytes) return;
    draft.exchanges.push(kept);
    draft.bytes += bytes;
    this.#detailBytes += bytes;
  }

  #makeRoom(): void {
    while (this.#detailBytes > this.#maxDetailBytes) {
      const next = this.#ordinary.take() ?? this.#remarkable.take();
      if (next === undefined) break;
      this.#detailBytes -= next.bytes;
      const kept = this.#kept.get(next.id);
      // It may have been forgotten before.
      if (kept === undefined) continue;
      this.#kept.set(next.id, { ...kept, exchanges: null });
      this.#condensed++;
    }
    while (this.#kept.size > this.#maxDialogues) {
      const [id, oldest] = this.#kept.entries().next().value!;
      if (oldest.exchanges === null) this.#condensed--;
      this.#kept.delete(id);
      this.#forgotten++;
    }
  }

  #keep({ exchange, askedFrames, answeredFrames, file, tcpStream }: Settled): KeptExchange {
    const command = exchange.command();
    const lines = exchange.lines();
    const asked = command !== null && isWhole([command], exchange.askedTo - exchange.askedFrom);
    const answered = isWhole(lines, exchange.answeredTo - exchange.answeredFrom);
    return {
      phase: exchange.phase,
      verb: exchange.verb,
      command: command === null ? null : this.#text(command),
      code: exchange.code,
      lines: this.#lines(lines),
      commandOctets: asked ? null : this.#octets(exchange.commandOctets()),
      replyOctets: answered ? null : this.#octets(latin1(exchange.replyBytes)),
      askedFirstAtUs: exchange.askedFirstAtUs,
      askedLastAtUs: exchange.askedLastAtUs,
      answeredFirstAtUs: exchange.answeredFirstAtUs,
      answeredLineAtUs: exchange.answeredLineAtUs,
      answeredLastAtUs: exchange.answeredLastAtUs,
      thinkUs: exchange.thinkUs,
      serviceUs: exchange.serviceUs,
      waitedUs: exchange.waitedUs,
      pipelinedBehind: exchange.pipelinedBehind,
      retransmits: exchange.retransmits,
      askedFrames,
      answeredFrames,
      file,
      tcpStream,
      taint: exchange.taint,
    };
  }

  #octets(octets: string | null): string | null {
    return this.#isRedacted || octets === null || octets === "" ? null : octets.slice(0, MAX_OCTETS);
  }

  #lines(lines: readonly string[]): string[] {
    const shown = lines.slice(0, MAX_LINES).map((line) => this.#text(line));
    if (lines.length > MAX_LINES) shown.push(`[… ${lines.length - MAX_LINES} lines more]`);
    return shown;
  }

  #text(text: string): string {
    const shared = this.#texts.get(text);
    if (shared !== undefined) return shared;
    const redacted = this.#redact(text);
    const kept = redacted.length <= MAX_LINE ? redacted : `${redacted.slice(0, MAX_LINE - 1)}…`;
    if (text.length <= MAX_SHARED_LENGTH) {
      if (this.#texts.size >= MAX_SHARED_TEXTS) this.#texts.clear();
      this.#texts.set(text, kept);
    }
    return kept;
  }
}

function latin1({ bytes, length }: RawText): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, length).toString("latin1");
}

/** Whether the shown lines, each ended by CRLF, are all that so many bytes can be: no escapes, no other line ends. */
function isWhole(lines: readonly string[], bytes: number): boolean {
  let length = 0;
  for (const line of lines) {
    // An escape may make up for a line end.
    if (line.includes("\\")) return false;
    length += line.length + 2;
  }
  return length === bytes || lines.length === 0;
}
