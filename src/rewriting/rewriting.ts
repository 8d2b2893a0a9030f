import type { Conversation } from "../spine/conversation.ts";
import type { Exchange } from "../spine/exchange.ts";
import type { FileFrames } from "../spine/files.ts";
import type { Evidence, RewritingFinding } from "../spine/finding.ts";
import { BANNER, EHLO, HELO } from "../spine/phase.ts";
import { escapeText } from "../spine/text.ts";
import { Ledger, type LedgerPart } from "./ledger.ts";
import type { RewritingId, Sighting, Signature, Stage } from "./signature.ts";
import { SIGNATURES } from "./signatures/index.ts";
import { type DialogueView, type Said, saidIn } from "./view.ts";

/**
 * Looks for what the path changed: collects of each dialogue what signatures look at, asks them, and
 * adds up what they recognised. A dialogue's sightings count when it is over, if it was to be looked at.
 */

export interface RewritingOptions {
  /** Applied to text from the wire that is kept. */
  readonly redact: (text: string) => string;
}

const AT_STAGE: Readonly<Record<Stage, readonly Signature[]>> = {
  banner: SIGNATURES.filter(({ stage }) => stage === "banner"),
  hello: SIGNATURES.filter(({ stage }) => stage === "hello"),
};

const NONE: readonly RewritingId[] = [];

/** An open dialogue, as far as it matters here. */
class Watched implements DialogueView {
  readonly transport: DialogueView["transport"];
  banner: Said | null = null;
  hello: Said | null = null;
  sightings: { signature: Signature; sighting: Sighting; evidence: Evidence }[] = [];

  constructor(transport: DialogueView["transport"]) {
    this.transport = transport;
  }
}

export class Rewriting {
  readonly #options: RewritingOptions;
  readonly #ledger = new Ledger();
  /** Dialogues that are open: no more than the source keeps. */
  readonly #watched = new Map<Conversation, Watched>();

  constructor(options: RewritingOptions) {
    this.#options = options;
  }

  /** A settled exchange. */
  exchange(exchange: Exchange, conversation: Conversation, frames: FileFrames): void {
    const { phaseIndex } = exchange;
    if (phaseIndex !== BANNER && phaseIndex !== EHLO && phaseIndex !== HELO) return;
    if (exchange.code === null || exchange.taint === "gap") return;
    const watched = this.#watch(conversation);
    const said = saidIn(exchange);
    const stage = phaseIndex === BANNER ? "banner" : "hello";
    watched[stage] = said;
    for (const signature of AT_STAGE[stage]) this.#ask(signature, watched, said, frames);
  }

  /** A dialogue is over. @param counts whether what was found in it is to be reported */
  conversation(conversation: Conversation, counts: boolean): void {
    const watched = this.#watched.get(conversation);
    if (watched === undefined) return;
    this.#watched.delete(conversation);
    if (!counts) return;
    for (const { signature, sighting, evidence } of watched.sightings)
      this.#ledger.note(signature.id, "likely", watched.transport.server, sighting, evidence);
  }

  /** What has been found in an open dialogue. */
  foundIn(conversation: Conversation): readonly RewritingId[] {
    return this.#watched.get(conversation)?.sightings.map(({ signature }) => signature.id) ?? NONE;
  }

  part(): LedgerPart {
    return this.#ledger.part();
  }

  add(part: LedgerPart): void {
    this.#ledger.add(part);
  }

  findings(): RewritingFinding[] {
    return this.#ledger.findings();
  }

  #watch(conversation: Conversation): Watched {
    let watched = this.#watched.get(conversation);
    if (watched === undefined) {
      watched = new Watched(conversation.transport);
      this.#watched.set(conversation, watched);
    }
    return watched;
  }

  #ask(signature: Signature, watched: Watched, said: Said, frames: FileFrames): void {
    if (watched.sightings.some((known) => known.signature === signature)) return;
    const sighting = signature.detect(watched);
    if (sighting === null) return;
    const { file, frame } = frames.locate(said.frame);
    const tcpStream = watched.transport.tcpStreamAt(said.frame);
    const text = this.#options.redact(escapeText(sighting.text));
    const evidence: Evidence = { file, frame, tcpStream, atUs: said.atUs, text };
    watched.sightings.push({ signature, sighting, evidence });
  }
}
