import type { DialogueListener } from "../spine/conversation.ts";
import type { PrivacyListener } from "../spine/privacy.ts";
import { NO_TIME, type SourceSink, type StreamSink, type Transport } from "../spine/wire.ts";
import { Desk } from "./desk.ts";
import { Dialogue, type DialogueContext } from "./dialogue.ts";
import { ExchangePool } from "./exchange-pool.ts";
import { WaitingList } from "./waiting-list.ts";

/** An exchange settles this long after its last byte: no retransmission of acknowledged bytes takes longer (RFC 6298 §2.1). */
const SETTLE_US = 3_000_000;

/** Desks kept for the next dialogue; what is beyond it is left to the collector. */
const MAX_SPARE_DESKS = 256;

export interface DialogueOptions {
  /** Server ports on which a connection is mail whatever is (not) said. */
  readonly ports: ReadonlySet<number>;
  /** False for sources in which a byte comes only once. */
  readonly copiesPossible: boolean;
  /** Digests of messages, secrets and encrypted bytes are wanted: see digests.ts. */
  readonly digests?: boolean;
  /** Is told what the bytes are. */
  readonly privacy?: PrivacyListener;
}

/** Turns a source's connections into dialogues, and keeps what they share. */
export class Dialogues implements SourceSink {
  readonly #context: DialogueContext;
  /** Dialogues in which an exchange waits to settle. */
  readonly #settling = new WaitingList<Dialogue>();
  readonly #desks: Desk[] = [];

  constructor(listener: DialogueListener, options: DialogueOptions) {
    const { ports, copiesPossible, digests = false, privacy = null } = options;
    const pool = new ExchangePool();
    const held = { bytes: 0 };
    this.#context = {
      listener,
      isMailPort: (port) => ports.has(port),
      settleUs: copiesPossible ? SETTLE_US : 0,
      pool,
      settling: (dialogue) => this.#settling.add(dialogue),
      takeDesk: () => this.#desks.pop() ?? new Desk(pool, held, digests, privacy),
      closed: (dialogue, desk) => {
        this.#settling.remove(dialogue);
        if (desk.clear() && this.#desks.length < MAX_SPARE_DESKS) this.#desks.push(desk);
        else desk.release();
      },
    };
  }

  open(transport: Transport): StreamSink {
    return new Dialogue(transport, this.#context);
  }

  tick(atUs: number): void {
    this.#settling.tell((dialogue) => dialogue.tick(atUs));
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
