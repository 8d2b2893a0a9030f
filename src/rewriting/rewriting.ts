import type { Conversation, TlsView } from "../spine/conversation.ts";
import type { Exchange } from "../spine/exchange.ts";
import type { FileFrames } from "../spine/files.ts";
import type { Difference, RewritingFinding } from "../spine/finding.ts";
import { PacketTable } from "../spine/packets.ts";
import { AUTH, BANNER, CONNECT, EHLO, HELO, NOOP, OTHER, STARTTLS } from "../spine/phase.ts";
import type { Reference } from "../spine/reference.ts";
import { escapeText } from "../spine/text.ts";
import { Certificates, type CertificatesPart } from "./certificates.ts";
import { Beginning, Beginnings, type Found } from "./heard.ts";
import { Ledger, type LedgerPart } from "./ledger.ts";
import { againstCertificates, againstReferences } from "./reference/against.ts";
import { sampleOf } from "./reference/pattern.ts";
import { type GreetingsPart, SharedBanners } from "./shared-banners.ts";
import type { Path, RewritingId, Sighting, Signature } from "./signature.ts";
import { SIGNATURES } from "./signatures/index.ts";
import { type Heard, hostIn, type Reply, replyOf } from "./view.ts";

/**
 * Looks for what the path changed: asks the signatures about each dialogue's beginning, its odd exchanges
 * and its end, and adds up what they recognised. What was found in a dialogue counts when it is over, if
 * that dialogue was to be looked at.
 *
 * Nearly all exchanges are neither a beginning nor odd: for those next to nothing may be done here.
 */

export interface RewritingOptions {
  /** Applied to text from the wire that is kept. */
  readonly redact: (text: string) => string;
  /** What the server itself says, to compare with what arrives. */
  readonly references: readonly Reference[];
}

type Of<Stage extends Signature["stage"]> = Extract<Signature, { stage: Stage }>;

function at<Stage extends Signature["stage"]>(stage: Stage): readonly Of<Stage>[] {
  return SIGNATURES.filter((signature): signature is Of<Stage> => signature.stage === stage);
}

const AT_BANNER = at("banner");
const AT_HELLO = at("hello");
const AT_EXCHANGE = at("exchange");
const AT_END = at("end");
const AT_CERTIFICATE = at("certified");

/** Connections to a server whose packets are looked at: the first few, and then one in so many. */
const STACKS_LOOKED_AT = 8;
const STACKS_EACH = 64;
/** Servers whose connections are counted; when there are more, counting begins anew. */
const MAX_SERVERS = 4_096;

/** What was found, on its way between threads: plain values. */
export interface RewritingPart {
  readonly ledger: LedgerPart;
  readonly greetings: GreetingsPart;
  readonly certificates: CertificatesPart;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function newPath(): Mutable<Path> & { connections: number } {
  return { connections: 0, handshakes: 0, leastHandshakeUs: Number.POSITIVE_INFINITY };
}

/** A dialogue in which something was found. */
class Watched {
  heard: Beginning | null;
  readonly sightings: Seen[] = [];

  constructor(heard: Beginning | null) {
    this.heard = heard;
  }
}

interface Seen extends Found {
  /** Packet number over the whole source. */
  readonly frame: number;
  readonly atUs: number | null;
}

/** Of one dialogue: a reply in which every line is another has some dozens. */
const MAX_SIGHTINGS = 64;

const NOTHING: Heard = { banner: null, hello: null };
const NONE: readonly RewritingId[] = [];

export class Rewriting {
  readonly #options: RewritingOptions;
  readonly #ledger = new Ledger();
  readonly #shared = new SharedBanners();
  readonly #certificates = new Certificates();
  readonly #servers = new Map<string, Mutable<Path> & { connections: number }>();
  #lastServer = "";
  #path = newPath();
  #packets: PacketTable | null = null;
  #references: readonly Reference[] = [];
  #beginnings!: Beginnings;

  constructor(options: RewritingOptions) {
    this.#options = options;
    this.compareWith(options.references);
  }

  /** From here on what arrives is compared with these. */
  compareWith(references: readonly Reference[]): void {
    this.#references = references;
    this.#beginnings = new Beginnings(
      (heard, stage) => look(heard, stage, references),
      references.length > 0,
    );
  }

  /** A settled exchange. */
  exchange(exchange: Exchange, conversation: Conversation): void {
    const { phaseIndex } = exchange;
    if (phaseIndex === BANNER || phaseIndex === EHLO || phaseIndex === HELO) {
      if (exchange.answeredFirstFrame > 0 && exchange.taint !== "gap") this.#begins(exchange, conversation);
    }
    if (isOdd(exchange)) this.#odd(exchange, conversation);
    if (this.#references.length > 0 && phaseIndex !== BANNER) this.#compare(exchange, conversation);
  }

  /** A dialogue is over. @param counts whether what was found in it is to be reported */
  conversation(conversation: Conversation, frames: FileFrames, counts: boolean): void {
    const { transport } = conversation;
    if (transport.trail !== undefined && this.#isLookedAt(transport)) this.#lookAtPackets(conversation);
    if (counts) this.#greeted(conversation, frames);
    const { tls } = conversation;
    if (tls !== null && tls.certificate !== null) this.#certified(conversation, tls, frames, counts);
    const watched = conversation.kept;
    conversation.kept = null;
    if (!counts || !(watched instanceof Watched)) return;
    const host = hostIn(watched.heard?.hello ?? null);
    const noted = new Set<string>();
    for (const { signature, basis, sighting, frame: looked, atUs } of watched.sightings) {
      const variant = this.#shown(sighting.variant);
      const { confidence, text, frame = looked } = sighting;
      const difference = sighting.difference === undefined ? undefined : this.#safe(sighting.difference);
      const { server } = transport;
      const isFirst = !noted.has(signature.id + basis);
      noted.add(signature.id + basis);
      const note = { id: signature.id, basis, isFirst, confidence, variant, host, server, atUs, difference };
      this.#ledger.note(note, () => ({
        ...frames.locate(frame),
        tcpStream: transport.tcpStreamAt(frame),
        atUs,
        text: this.#shown(text),
      }));
    }
  }

  /** Two hosts behind one address answer alike: a few connections tell, and each costs some µs. */
  #isLookedAt({ server, synAtUs, synAckAtUs, synCount }: Conversation["transport"]): boolean {
    if (server !== this.#lastServer) {
      this.#lastServer = server;
      this.#path = this.#servers.get(server) ?? newPath();
      if (this.#servers.size >= MAX_SERVERS) this.#servers.clear();
      this.#servers.set(server, this.#path);
    }
    const number = this.#path.connections++;
    if (synAtUs !== null && synAckAtUs !== null && synCount === 1) {
      this.#path.handshakes++;
      this.#path.leastHandshakeUs = Math.min(this.#path.leastHandshakeUs, synAckAtUs - synAtUs);
    }
    return number < STACKS_LOOKED_AT || number % STACKS_EACH === 0;
  }

  #lookAtPackets(conversation: Conversation): void {
    const { transport } = conversation;
    this.#packets ??= new PacketTable();
    transport.trail!.read(this.#packets);
    for (const signature of AT_END) {
      const sighting = signature.detect(this.#packets, this.#path);
      if (sighting === null) continue;
      const found = { signature, sighting, basis: "likely" } as const;
      this.#seen(conversation, found, transport.firstFrame, transport.firstAtUs);
    }
  }

  #certified(conversation: Conversation, tls: TlsView, frames: FileFrames, counts: boolean): void {
    const { transport } = conversation;
    const { certificateFrame: frame, helloAtUs: atUs } = tls;
    const certificate = tls.certificate!;
    for (const signature of AT_CERTIFICATE) {
      const sighting = signature.detect(heardIn(conversation) ?? NOTHING, certificate);
      if (sighting !== null) this.#seen(conversation, { signature, sighting, basis: "likely" }, frame, atUs);
    }
    const replaced = againstCertificates(this.#references, certificate);
    if (replaced !== null) {
      const { id, sighting } = replaced;
      this.#seen(conversation, { signature: BY_ID.get(id)!, sighting, basis: "seen" }, frame, atUs);
    }
    if (!counts) return;
    this.#certificates.note(transport.server, transport.serverPort, certificate, () => ({
      ...frames.locate(frame),
      tcpStream: transport.tcpStreamAt(frame),
      atUs,
      text: `port ${transport.serverPort}: certificate of ${certificate.subject}, issued by ${certificate.issuer}`,
    }));
  }

  #greeted(conversation: Conversation, frames: FileFrames): void {
    const root = heardIn(conversation)?.root;
    if (root === undefined || root.banner === null) return;
    if (root.shared === undefined) {
      const { transport } = conversation;
      root.shared = this.#shared.greeting(root.banner, transport.server, () => ({
        ...frames.locate(transport.firstFrame),
        tcpStream: transport.tcpStreamAt(transport.firstFrame),
        atUs: transport.firstAtUs,
        text: this.#shown(`${transport.server}: ${root.banner!.lines[0]}`),
      }));
    }
    if (root.shared !== null) root.shared.dialogues++;
  }

  /** What has been found in an open dialogue. */
  foundIn(conversation: Conversation): readonly RewritingId[] {
    const { kept } = conversation;
    return kept instanceof Watched ? kept.sightings.map(({ signature }) => signature.id) : NONE;
  }

  part(): RewritingPart {
    const certificates = this.#certificates.part();
    return { ledger: this.#ledger.part(), greetings: this.#shared.part(), certificates };
  }

  add({ ledger, greetings, certificates }: RewritingPart): void {
    this.#ledger.add(ledger);
    this.#shared.add(greetings);
    this.#certificates.add(certificates);
  }

  findings(): RewritingFinding[] {
    const ledger = new Ledger();
    ledger.add(this.#ledger.part());
    for (const { note, evidence, dialogues } of [...this.#shared.notes(), ...this.#certificates.notes()]) {
      ledger.note(note, () => evidence);
      ledger.more(note.id, note.basis, note.variant, dialogues - 1);
    }
    return ledger.findings();
  }

  #shown(text: string): string {
    return this.#options.redact(escapeText(text));
  }

  /** Carets stand where they belong only if nothing was masked. */
  #safe(difference: Difference): Difference {
    const { redact } = this.#options;
    const [before, after] = [redact(difference.before), redact(difference.after)];
    if (before === difference.before && after === difference.after) return difference;
    return { ...difference, before, after, beforeMarks: "", afterMarks: "", beforeHex: "", afterHex: "" };
  }

  /** Replies that are no beginning, against a reference. */
  #compare(exchange: Exchange, conversation: Conversation): void {
    const { code, phaseIndex, verb } = exchange;
    if (code === null || conversation.tls !== null || phaseIndex === EHLO || phaseIndex === HELO) return;
    if (!this.#references.some(({ replies }) => replies[verb] !== undefined)) return;
    for (const found of seenIn(verb, replyOf(exchange), this.#references))
      this.#seen(conversation, found, exchange.answeredFirstFrame, exchange.answeredFirstAtUs);
  }

  #begins(exchange: Exchange, conversation: Conversation): void {
    const { server } = conversation.transport;
    const before = heardIn(conversation);
    const beginning =
      exchange.phaseIndex === BANNER
        ? this.#beginnings.banner(server, exchange)
        : this.#beginnings.hello(server, exchange, before);
    if (conversation.kept instanceof Watched) conversation.kept.heard = beginning;
    else conversation.kept = beginning;
    for (const found of beginning.found)
      this.#seen(conversation, found, exchange.answeredFirstFrame, exchange.answeredFirstAtUs);
  }

  #odd(exchange: Exchange, conversation: Conversation): void {
    const moment = { exchange, conversation, heard: heardIn(conversation) ?? NOTHING };
    for (const signature of AT_EXCHANGE) {
      const sighting = signature.detect(moment);
      if (sighting === null) continue;
      const frame = exchange.answeredFirstFrame || exchange.askedLastFrame;
      const atUs = exchange.answeredFirstAtUs ?? exchange.askedLastAtUs;
      this.#seen(conversation, { signature, sighting, basis: "likely" }, frame, atUs);
    }
  }

  /** Of each signature a dialogue's first sighting counts; of what was compared, each change. */
  #seen(conversation: Conversation, found: Found, frame: number, atUs: number | null): void {
    let watched = conversation.kept;
    if (!(watched instanceof Watched)) {
      watched = new Watched(heardIn(conversation));
      conversation.kept = watched;
    }
    const { sightings } = watched as Watched;
    const { signature, basis, sighting } = found;
    const isKnown = (known: Seen) =>
      known.signature.id === signature.id &&
      known.basis === basis &&
      (basis === "likely" || known.sighting.variant === sighting.variant);
    if (sightings.length >= MAX_SIGHTINGS || sightings.some(isKnown)) return;
    sightings.push({ ...found, frame, atUs });
  }
}

function heardIn({ kept }: Conversation): Beginning | null {
  if (kept instanceof Beginning) return kept;
  return kept instanceof Watched ? kept.heard : null;
}

/** Refused, never answered, no command of SMTP, NOOP or answered like it: what a rewritten command comes to. */
function isOdd(exchange: Exchange): boolean {
  const { code, phaseIndex } = exchange;
  if (code === null) return phaseIndex !== CONNECT && exchange.taint === "unanswered";
  if (code >= 500 || phaseIndex === OTHER || phaseIndex === NOOP) return true;
  return code === 250 && (phaseIndex === STARTTLS || phaseIndex === AUTH);
}

function look(heard: Heard, stage: "banner" | "hello", references: readonly Reference[]): Found[] {
  const reply = stage === "banner" ? heard.banner : heard.hello;
  const found =
    reply === null ? [] : seenIn(stage === "banner" ? "(connect)" : reply.verb, reply, references);
  for (const signature of stage === "banner" ? AT_BANNER : AT_HELLO) {
    // What has been seen need not be guessed.
    if (found.some((seen) => seen.signature.id === signature.id)) continue;
    const sighting: Sighting | null = signature.detect(heard);
    if (sighting !== null) found.push({ signature, sighting, basis: "likely" });
  }
  return found;
}

/** A reply with another code is an answer to something else: busy, out of order, not allowed. */
function seenIn(command: string, reply: Reply, references: readonly Reference[]): Found[] {
  if (references.length === 0) return [];
  const own = references.filter(({ replies, bannerPattern }) => {
    const first = replies[command]?.[0];
    if (first === undefined) return command === "(connect)" && bannerPattern !== null && reply.code === 220;
    return sampleOf(first).startsWith(String(reply.code));
  });
  return againstReferences(own, command, reply).map(({ id, sighting }) => ({
    signature: BY_ID.get(id)!,
    sighting,
    basis: "seen",
  }));
}

const BY_ID: ReadonlyMap<RewritingId, Signature> = new Map(SIGNATURES.map((each) => [each.id, each]));
