import { DialogueKeeper } from "../analysis/dialogue-keeper.ts";
import { Timelines } from "../analysis/timelines.ts";
import type { KeptDialogues } from "../spine/kept.ts";
import { CONNECT } from "../spine/phase.ts";
import type { Timeline } from "../spine/timeline.ts";
import type { Listeners } from "./as-it-goes.ts";

/** What the screen shows beside the report: the dialogues, and reply times over time. */
export class Watched {
  readonly #redact: ((text: string) => string) | null;
  #keeper: DialogueKeeper;
  #timelines = new Timelines();
  /** Of keepers before a reset. */
  #earlierVersion = 0;

  /** @param redact applied to text from the wire; null: it is kept as it is */
  constructor(redact: ((text: string) => string) | null) {
    this.#redact = redact;
    this.#keeper = new DialogueKeeper({ redact });
  }

  /** Forgets everything so far. */
  reset(): void {
    this.#earlierVersion = this.version;
    this.#keeper = new DialogueKeeper({ redact: this.#redact });
    this.#timelines = new Timelines();
  }

  /** To be given to an analysis. */
  readonly watch: Listeners = {
    onExchange: (settled) => {
      this.#keeper.exchange(settled);
      this.#timelines.exchange(settled.exchange);
    },
    onConversation: (conversation, frames) => {
      this.#keeper.conversation(conversation, frames);
      const { synAtUs, synAckAtUs } = conversation.transport;
      if (synAtUs !== null && synAckAtUs !== null && synAckAtUs >= synAtUs)
        this.#timelines.record(CONNECT, synAckAtUs - synAtUs, synAckAtUs);
    },
  };

  /** Rises with everything that is told. */
  get version(): number {
    return this.#earlierVersion + this.#keeper.version;
  }

  snapshot(): { readonly kept: KeptDialogues; readonly timeline: Timeline } {
    return { kept: this.#keeper.snapshot(), timeline: this.#timelines.snapshot() };
  }
}
