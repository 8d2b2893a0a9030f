import { DialogueKeeper } from "../analysis/dialogue-keeper.ts";
import { OpenConnections } from "../analysis/open-connections.ts";
import { Timelines } from "../analysis/timelines.ts";
import type { FileFrames } from "../spine/files.ts";
import type { KeptDialogues } from "../spine/kept.ts";
import { CONNECT } from "../spine/phase.ts";
import type { Timeline } from "../spine/timeline.ts";
import type { SourceSink } from "../spine/wire.ts";
import type { Listeners } from "./as-it-goes.ts";

/** What the screen shows beside the report: the dialogues, and reply times over time. */
export class Watched {
  readonly #redact: ((text: string) => string) | null;
  /** They go on over a reset. */
  readonly #open = new OpenConnections();
  #keeper: DialogueKeeper;
  #timelines = new Timelines();
  /** Of keepers before a reset. */
  #earlierVersion = 0;
  #earlierHeard = 0;

  /** @param redact applied to text from the wire; null: it is kept as it is */
  constructor(redact: ((text: string) => string) | null) {
    this.#redact = redact;
    this.#keeper = new DialogueKeeper({ redact, open: this.#open });
  }

  /** Forgets everything so far. */
  reset(): void {
    this.#earlierVersion += this.#keeper.version + 1;
    this.#earlierHeard += this.#keeper.heard;
    this.#keeper = new DialogueKeeper({ redact: this.#redact, open: this.#open });
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

  /** To be put between a source that goes on and its dialogues: connections are then listed at once. */
  around(sink: SourceSink, isMail: (port: number) => boolean, frames: () => FileFrames): SourceSink {
    return this.#open.around(sink, isMail, frames);
  }

  /** Exchanges heard of. */
  get heard(): number {
    return this.#earlierHeard + this.#keeper.heard;
  }

  /** Rises with everything that is told. */
  get version(): number {
    return this.#earlierVersion + this.#keeper.version + this.#open.version;
  }

  snapshot(): { readonly kept: KeptDialogues; readonly timeline: Timeline } {
    return { kept: this.#keeper.snapshot(), timeline: this.#timelines.snapshot() };
  }
}
