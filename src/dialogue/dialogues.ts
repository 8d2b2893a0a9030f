import type { DialogueListener } from "../spine/conversation.ts";
import { NO_TIME, type SourceSink, type StreamSink, type Transport } from "../spine/wire.ts";
import { Desk, Dialogue, type DialogueContext } from "./dialogue.ts";
import { ExchangeRecord } from "./exchange-record.ts";
import type { VerbIndex } from "./verbs.ts";

/** An exchange settles this long after its last byte: no retransmission of acknowledged bytes takes longer (RFC 6298 §2.1). */
const SETTLE_US = 3_000_000;

/** An exchange record without its texts. */
const RECORD_BYTES = 700;
/** What all exchanges that have not been handed on may cost. Beyond it dialogues keep fewer of them. */
const MAX_OUTSTANDING_BYTES = 24 << 20;
/** A record or desk whose buffers have grown beyond this is not kept for the next dialogue. */
const MAX_SPARE_BYTES = 2_048;

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
  #outstandingBytes = 0;

  constructor(listener: DialogueListener, { ports, copiesPossible }: DialogueOptions) {
    const crowded = () => this.#outstandingBytes > MAX_OUTSTANDING_BYTES;
    this.#context = {
      listener,
      closed: (dialogue) => this.#open.delete(dialogue),
      isMailPort: (port) => ports.has(port),
      settleUs: copiesPossible ? SETTLE_US : 0,
      takeDesk: () => this.#desks.pop() ?? new Desk(),
      giveDesk: (desk) => {
        const grown = desk.line.bytes.length + desk.banner.bytes.length + desk.reply.text.bytes.length;
        if (grown > MAX_SPARE_BYTES || this.#desks.length >= MAX_SPARE) return;
        desk.clear();
        this.#desks.push(desk);
      },
      take: (verb, ordinal) => this.#take(verb, ordinal),
      give: (exchange) => {
        this.#outstandingBytes -= exchange.weightBytes;
        const grown = exchange.commandBytes.bytes.length + exchange.replyBytes.bytes.length;
        if (grown <= MAX_SPARE_BYTES && this.#spare.length < MAX_SPARE) this.#spare.push(exchange);
      },
      weigh: (exchange) => {
        const weight = RECORD_BYTES + exchange.commandBytes.bytes.length + exchange.replyBytes.bytes.length;
        this.#outstandingBytes += weight - exchange.weightBytes;
        exchange.weightBytes = weight;
      },
      held: { bytes: 0 },
      get crowded() {
        return crowded();
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
    exchange.weightBytes = RECORD_BYTES;
    this.#outstandingBytes += RECORD_BYTES;
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
