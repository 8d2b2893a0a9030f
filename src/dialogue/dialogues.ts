import type { DialogueListener } from "../spine/conversation.ts";
import { NO_TIME, type SourceSink, type StreamSink, type Transport } from "../spine/wire.ts";
import { Desk, Dialogue, type DialogueContext } from "./dialogue.ts";
import { ExchangeRecord } from "./exchange-record.ts";
import type { VerbIndex } from "./verbs.ts";

/** An exchange settles this long after its last byte: no retransmission of acknowledged bytes takes longer (RFC 6298 §2.1). */
const SETTLE_US = 3_000_000;

/** Exchange records, and desks, kept for the next dialogue; what is beyond it is left to the collector. */
const MAX_SPARE = 1_024;

export interface DialogueOptions {
  /** Server ports on which a connection is mail whatever is (not) said. */
  readonly ports: ReadonlySet<number>;
  /** False for sources in which a byte comes only once. */
  readonly copiesPossible: boolean;
}

/** Turns a source's connections into dialogues and keeps what they share. */
export class Dialogues implements SourceSink {
  readonly #context: DialogueContext;
  readonly #open = new Set<Dialogue>();
  readonly #spare: ExchangeRecord[] = [];
  readonly #desks: Desk[] = [];

  constructor(listener: DialogueListener, { ports, copiesPossible }: DialogueOptions) {
    this.#context = {
      listener,
      closed: (dialogue) => this.#open.delete(dialogue),
      isMailPort: (port) => ports.has(port),
      settleUs: copiesPossible ? SETTLE_US : 0,
      takeDesk: () => this.#desks.pop() ?? new Desk(),
      giveDesk: (desk) => {
        if (this.#desks.length >= MAX_SPARE) return;
        desk.clear();
        this.#desks.push(desk);
      },
      take: (verb, ordinal) => this.#take(verb, ordinal),
      give: (exchange) => {
        if (exchange.commandBytes.omitted > 0 || this.#spare.length >= MAX_SPARE) return;
        this.#spare.push(exchange);
      },
    };
  }

  open(transport: Transport): StreamSink {
    const dialogue = new Dialogue(transport, this.#context);
    this.#open.add(dialogue);
    return dialogue;
  }

  tick(atUs: number): void {
    for (const dialogue of this.#open) dialogue.tick(atUs);
  }

  #take(verb: VerbIndex, ordinal: number): ExchangeRecord {
    const exchange = this.#spare.pop() ?? new ExchangeRecord();
    exchange.reset(verb, ordinal);
    return exchange;
  }
}

/** Reports a connection on which nothing was said as a dialogue: its server is known to speak SMTP. */
export function closeSilent(transport: Transport, listener: DialogueListener): void {
  const dialogues = new Dialogues(listener, {
    ports: new Set([transport.serverPort]),
    copiesPossible: false,
  });
  dialogues.open(transport).close(transport.lastAtUs ?? NO_TIME);
}
