import type { Conversation, TlsView } from "../spine/conversation.ts";
import type { Exchange } from "../spine/exchange.ts";
import type { FileFrames } from "../spine/files.ts";
import type { Difference, Evidence, RewritingFinding } from "../spine/finding.ts";
import { BANNER, EHLO, HELO } from "../spine/phase.ts";
import type { Reference } from "../spine/reference.ts";
import { escapeText } from "../spine/text.ts";
import type { SourceSink, Transport } from "../spine/wire.ts";
import { Certificates, type CertificatesPart } from "./certificates.ts";
import { Beginnings } from "./heard.ts";
import { Ledger, type LedgerPart } from "./ledger.ts";
import { inBeginning, inCertificate, inExchange, inPackets, inReply, isOdd } from "./looking.ts";
import { Paths } from "./paths.ts";
import { namesInReferences, ServerNames, type ServerNamesPart } from "./server-names.ts";
import { type GreetingsPart, SharedBanners } from "./shared-banners.ts";
import type { RewritingId, Sighting } from "./signature.ts";
import { type Heard, replyOf } from "./view.ts";
import { heardIn, Watched, watchedIn } from "./watched.ts";

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

/** What was found, on its way between threads: plain values. */
export interface RewritingPart {
  readonly ledger: LedgerPart;
  readonly greetings: GreetingsPart;
  readonly certificates: CertificatesPart;
  readonly names: ServerNamesPart;
}

const NOTHING: Heard = { banner: null, hello: null };
const NONE: readonly RewritingId[] = [];

export class Rewriting {
  readonly #options: RewritingOptions;
  readonly #ledger = new Ledger();
  readonly #shared = new SharedBanners();
  readonly #certificates = new Certificates();
  readonly #names = new ServerNames();
  readonly #paths = new Paths();
  readonly #variants = new WeakMap<Sighting, string>();
  #references: readonly Reference[] = [];
  #beginnings!: Beginnings;

  constructor(options: RewritingOptions) {
    this.#options = options;
    this.compareWith(options.references);
  }

  /** From here on what arrives is compared with these. */
  compareWith(references: readonly Reference[]): void {
    this.#references = references;
    const look = (heard: Heard, stage: "banner" | "hello") => inBeginning(heard, stage, references);
    this.#beginnings = new Beginnings(look, references.length > 0);
  }

  /** Sees what passes a source besides the mail. Sources come one after the other, each from its own place. */
  watch(sink: SourceSink): SourceSink {
    this.#paths.clear();
    return {
      open: (transport) => sink.open(transport),
      tick: (atUs) => sink.tick(atUs),
      lookup: (lookup) => {
        this.#names.note(lookup);
        sink.lookup?.(lookup);
      },
    };
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
    const { tls, transport } = conversation;
    const looked = this.#paths.lookAt(transport);
    if (looked !== null) {
      for (const found of inPackets(looked.packets, looked.path))
        watchedIn(conversation).add(found, transport.firstFrame, transport.firstAtUs);
    }
    if (counts) this.#greeted(conversation, frames);
    if (tls !== null && tls.certificate !== null) this.#certified(conversation, tls, frames, counts);
    const { kept } = conversation;
    conversation.kept = null;
    if (counts && kept instanceof Watched) this.#note(kept, transport, frames);
  }

  #note({ heard, sightings }: Watched, transport: Transport, frames: FileFrames): void {
    const { server } = transport;
    const host = heard?.host ?? null;
    for (const { signature, basis, sighting, frame: looked, atUs } of sightings) {
      const { confidence, text, frame = looked } = sighting;
      const variant = this.#variantOf(sighting);
      const difference = sighting.difference === undefined ? undefined : this.#safe(sighting.difference);
      const isFirst =
        basis === "likely" ||
        sightings.find((seen) => seen.signature === signature && seen.basis === basis)!.sighting === sighting;
      const note = { id: signature.id, basis, isFirst, confidence, variant, host, server, atUs, difference };
      this.#ledger.note(note, () => ({ ...placed(frame, transport, frames), atUs, text: this.#shown(text) }));
    }
  }

  #certified(conversation: Conversation, tls: TlsView, frames: FileFrames, counts: boolean): void {
    const { transport } = conversation;
    const { certificateFrame: frame, helloAtUs: atUs } = tls;
    const certificate = tls.certificate!;
    for (const found of inCertificate(heardIn(conversation) ?? NOTHING, certificate, this.#references))
      watchedIn(conversation).add(found, frame, atUs);
    if (!counts) return;
    this.#certificates.note(transport.server, transport.serverPort, certificate, () => ({
      ...placed(frame, transport, frames),
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
        ...placed(transport.firstFrame, transport, frames),
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
    const names = this.#names.part();
    return { ledger: this.#ledger.part(), greetings: this.#shared.part(), certificates, names };
  }

  add({ ledger, greetings, certificates, names }: RewritingPart): void {
    this.#names.add(names);
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
    const inReferences = namesInReferences(this.#references);
    return ledger.findings((server) => [...inReferences, ...this.#names.of(server)]);
  }

  /** What is found in a beginning is found in all dialogues that begin so. */
  #variantOf(sighting: Sighting): string {
    let variant = this.#variants.get(sighting);
    if (variant === undefined) {
      variant = this.#shown(sighting.variant);
      this.#variants.set(sighting, variant);
    }
    return variant;
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
    for (const found of inReply(verb, replyOf(exchange), this.#references))
      watchedIn(conversation).add(found, exchange.answeredFirstFrame, exchange.answeredFirstAtUs);
  }

  #begins(exchange: Exchange, conversation: Conversation): void {
    // Behind STARTTLS, in a capture that was decrypted, a server offers other things, and nobody can change them.
    if (exchange.phaseIndex !== BANNER && conversation.flags.has("decrypted")) return;
    const { server } = conversation.transport;
    const before = heardIn(conversation);
    const beginning =
      exchange.phaseIndex === BANNER
        ? this.#beginnings.banner(server, exchange, tornLines(conversation))
        : this.#beginnings.hello(server, exchange, before);
    if (conversation.kept instanceof Watched) conversation.kept.heard = beginning;
    else conversation.kept = beginning;
    for (const found of beginning.found)
      watchedIn(conversation).add(found, exchange.answeredFirstFrame, exchange.answeredFirstAtUs);
  }

  #odd(exchange: Exchange, conversation: Conversation): void {
    const moment = { exchange, conversation, heard: heardIn(conversation) ?? NOTHING };
    const frame = exchange.answeredFirstFrame || exchange.askedLastFrame;
    const atUs = exchange.answeredFirstAtUs ?? exchange.askedLastAtUs;
    for (const found of inExchange(moment)) watchedIn(conversation).add(found, frame, atUs);
  }
}

/** A banner of which not all lines have a code. */
function tornLines(conversation: Conversation): readonly string[] | null {
  const { flags } = conversation;
  return flags.size > 0 && flags.has("reply-without-code") ? conversation.banner() : null;
}

function placed(
  frame: number,
  transport: Transport,
  frames: FileFrames,
): Pick<Evidence, "file" | "frame" | "tcpStream"> {
  return { ...frames.locate(frame), tcpStream: transport.tcpStreamAt(frame) };
}
