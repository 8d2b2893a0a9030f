import type { Conversation } from "../spine/conversation.ts";
import type { Exchange } from "../spine/exchange.ts";
import type { FileFrames } from "../spine/files.ts";
import type { KeptDialogue, KeptDialogues, KeptExchange } from "../spine/kept.ts";
import { QUIT } from "../spine/phase.ts";
import type { Settled } from "../spine/settled.ts";

/**
 * Keeps dialogues to be looked at: each with its exchanges as long as there is room, then condensed to
 * one line and its slowest reply, then only counted. What it hands out never changes.
 */

/** Dialogues in the list, at about 700 bytes a condensed one. */
const MAX_DIALOGUES = 100_000;
/** Estimated bytes of all exchanges kept: some 100,000 of common size. */
const MAX_DETAIL_BYTES = 64 * 1024 * 1024;
/** Exchanges kept of one dialogue: 100 recipients are common, and a list of more is not read. */
const MAX_EXCHANGES = 1_000;
/** Of a reply: EHLO replies have 30 lines at most. */
const MAX_LINES = 64;
/** Of a line; RFC 5321 allows 512 octets. */
const MAX_LINE = 512;
/** Objects and numbers of a kept exchange, measured. */
const EXCHANGE_BYTES = 400;
/** Slow or broken ones are what is looked for: they are condensed after all others. */
const REMARKABLE_US = 1_000_000;

export interface KeeperOptions {
  /** Applied to text from the wire. */
  readonly redact: (text: string) => string;
  /** Smaller in tests. */
  readonly maxDialogues?: number;
  readonly maxDetailBytes?: number;
}

/** A dialogue while it goes on. */
interface Draft {
  readonly id: number;
  readonly conversation: Conversation;
  readonly file: string;
  readonly tcpStream: number;
  readonly exchanges: KeptExchange[];
  bytes: number;
  count: number;
  recipients: number;
  waitedUs: number;
  slowest: KeptExchange | null;
  outcome: KeptDialogue["outcome"];
  lastAtUs: number | null;
  findings: KeptDialogue["findings"];
}

const NO_OUTCOME = { code: null, text: "" };

export class DialogueKeeper {
  readonly #redact: (text: string) => string;
  readonly #maxDialogues: number;
  readonly #maxDetailBytes: number;
  readonly #drafts = new Map<Conversation, Draft>();
  /** Dialogues that are over, by id, oldest first. */
  readonly #kept = new Map<number, KeptDialogue>();
  /** Estimated bytes of those with exchanges, in the order in which they are condensed. */
  readonly #ordinary = new Map<number, number>();
  readonly #remarkable = new Map<number, number>();
  #detailBytes = 0;
  #forgotten = 0;
  #nextId = 1;
  /** Rises with every change. */
  version = 0;

  constructor({ redact, maxDialogues, maxDetailBytes }: KeeperOptions) {
    this.#redact = redact;
    this.#maxDialogues = maxDialogues ?? MAX_DIALOGUES;
    this.#maxDetailBytes = maxDetailBytes ?? MAX_DETAIL_BYTES;
  }

  exchange(settled: Settled): void {
    this.version++;
    const { exchange, conversation } = settled;
    const draft = this.#draft(conversation, settled.file, settled.tcpStream);
    draft.count++;
    draft.waitedUs += exchange.waitedUs;
    draft.findings = settled.findings();
    draft.lastAtUs = exchange.answeredLastAtUs ?? exchange.askedLastAtUs ?? draft.lastAtUs;
    const isSlower = draft.slowest === null || exchange.waitedUs > draft.slowest.waitedUs;
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
    const kept = view(draft, this.#redact, conversation.ended);
    this.#kept.set(kept.id, kept);
    const isRemarkable = kept.waitedUs >= REMARKABLE_US || kept.flags.length > 0;
    (isRemarkable ? this.#remarkable : this.#ordinary).set(kept.id, draft.bytes);
    this.#makeRoom();
  }

  snapshot(): KeptDialogues {
    const open = [...this.#drafts.values()].map((draft) => view(draft, this.#redact, null));
    const dialogues = [...this.#kept.values(), ...open].sort((a, b) => a.id - b.id);
    const condensed = this.#kept.size - this.#ordinary.size - this.#remarkable.size;
    return { dialogues, condensed, forgotten: this.#forgotten };
  }

  #draft(conversation: Conversation, file: string, tcpStream: number): Draft {
    let draft = this.#drafts.get(conversation);
    if (draft === undefined) {
      draft = {
        id: this.#nextId++,
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
    const text = kept.lines.reduce((sum, line) => sum + line.length, kept.command?.length ?? 0);
    const bytes = EXCHANGE_BYTES + text;
    // Dialogues that go on can be as many as the source follows: they too end somewhere.
    if (this.#detailBytes + bytes > this.#maxDetailBytes && this.#ordinary.size + this.#remarkable.size === 0)
      return;
    draft.exchanges.push(kept);
    draft.bytes += bytes;
    this.#detailBytes += bytes;
  }

  #makeRoom(): void {
    while (this.#detailBytes > this.#maxDetailBytes) {
      const from = this.#ordinary.size > 0 ? this.#ordinary : this.#remarkable;
      const next = from.entries().next();
      if (next.done === true) break;
      const [id, bytes] = next.value;
      from.delete(id);
      this.#detailBytes -= bytes;
      const kept = this.#kept.get(id)!;
      this.#kept.set(id, { ...kept, exchanges: null });
    }
    while (this.#kept.size > this.#maxDialogues) {
      const id = this.#kept.keys().next().value!;
      this.#detailBytes -= this.#ordinary.get(id) ?? this.#remarkable.get(id) ?? 0;
      this.#ordinary.delete(id);
      this.#remarkable.delete(id);
      this.#kept.delete(id);
      this.#forgotten++;
    }
  }

  #keep({ exchange, askedFrames, answeredFrames, file, tcpStream }: Settled): KeptExchange {
    const command = exchange.command();
    return {
      phase: exchange.phase,
      verb: exchange.verb,
      command: command === null ? null : this.#text(command),
      code: exchange.code,
      lines: this.#lines(exchange),
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

  #lines(exchange: Exchange): string[] {
    const lines = exchange.lines();
    const shown = lines.slice(0, MAX_LINES).map((line) => this.#text(line));
    if (lines.length > MAX_LINES) shown.push(`[… ${lines.length - MAX_LINES} lines more]`);
    return shown;
  }

  #text(text: string): string {
    const redacted = this.#redact(text);
    return redacted.length <= MAX_LINE ? redacted : `${redacted.slice(0, MAX_LINE - 1)}…`;
  }
}

function view(draft: Draft, redact: (text: string) => string, ended: KeptDialogue["ended"]): KeptDialogue {
  const { conversation, exchanges, count, recipients, waitedUs, slowest, outcome } = draft;
  const { transport, account } = conversation;
  const banner = conversation.banner()[0];
  const { connectUs, serverUs, pathUs, clientUs, transferUs, unknownUs } = account;
  return {
    id: draft.id,
    file: draft.file,
    tcpStream: draft.tcpStream,
    client: transport.client,
    server: transport.server,
    startAtUs: transport.synAtUs ?? transport.firstAtUs,
    synAtUs: transport.synAtUs,
    synAckAtUs: transport.synAckAtUs,
    handshakeAtUs: transport.handshakeAtUs,
    synCount: transport.synCount,
    lastAtUs: conversation.endedAtUs ?? draft.lastAtUs ?? transport.lastAtUs,
    ended,
    messages: conversation.messages,
    recipients,
    waitedUs: waitedUs + connectUs,
    slowest,
    outcome,
    banner: banner === undefined ? null : redact(banner).slice(0, MAX_LINE),
    tls: conversation.tls === null ? null : { ...conversation.tls },
    starttls: conversation.starttls,
    account: { connectUs, serverUs, pathUs, clientUs, transferUs, unknownUs },
    flags: [...conversation.flags],
    findings: draft.findings,
    exchangeCount: count,
    exchanges: [...exchanges],
  };
}
