import { FilterError } from "../filter/filter-error.ts";
import { parseFilter } from "../filter/parser.ts";
import type { FilterSubject } from "../filter/subject.ts";
import type { CompiledFilter } from "../screens/index.ts";
import type { KeptDialogue, KeptExchange } from "../spine/kept.ts";
import { FINDING_NAMES } from "./finding-names.ts";

/** The filter language for dialogues that are kept: what is written after `/` on the screen. */
export function compileKeptFilter(text: string): CompiledFilter {
  try {
    const filter = parseFilter(text, FINDING_NAMES);
    const subject = new KeptSubject();
    return { ok: true, matches: (exchange, dialogue) => filter.matches(subject.of(exchange, dialogue)) };
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    return { ok: false, message: error.message, position: [...text.slice(0, error.position)].length };
  }
}

/** One for all exchanges that a filter looks at, one after the other: there are hundreds of thousands. */
class KeptSubject implements FilterSubject {
  #exchange!: KeptExchange;
  #dialogue!: KeptDialogue;

  of(exchange: KeptExchange, dialogue: KeptDialogue): this {
    this.#exchange = exchange;
    this.#dialogue = dialogue;
    return this;
  }

  get phase(): string {
    return this.#exchange.phase;
  }
  get verb(): string {
    return this.#exchange.verb;
  }
  command(): string | null {
    return this.#exchange.command;
  }
  get code(): number | null {
    return this.#exchange.code;
  }
  lines(): readonly string[] {
    return this.#exchange.lines;
  }
  get serviceUs(): number | null {
    return this.#exchange.serviceUs;
  }
  get thinkUs(): number | null {
    return this.#exchange.thinkUs;
  }
  get client(): string {
    return this.#dialogue.client;
  }
  get server(): string {
    return this.#dialogue.server;
  }
  get file(): string {
    return this.#exchange.file;
  }
  get tcpStream(): number {
    return this.#exchange.tcpStream;
  }
  get askedFrames(): readonly [number, number] | null {
    return this.#exchange.askedFrames;
  }
  get answeredFrames(): readonly [number, number] | null {
    return this.#exchange.answeredFrames;
  }
  get pipelinedBehind(): number {
    return this.#exchange.pipelinedBehind;
  }
  get retransmits(): number {
    return this.#exchange.retransmits;
  }
  get taint(): string | null {
    return this.#exchange.taint;
  }
  findings(): readonly string[] {
    return this.#dialogue.findings;
  }
  readonly conversation: FilterSubject["conversation"] = new KeptConversation(() => this.#dialogue);
}

class KeptConversation {
  readonly #dialogue: () => KeptDialogue;

  constructor(dialogue: () => KeptDialogue) {
    this.#dialogue = dialogue;
  }

  get tls(): boolean {
    return this.#dialogue().tls !== null;
  }
  get starttls(): string {
    return this.#dialogue().starttls;
  }
  banner(): string | null {
    return this.#dialogue().banner;
  }
  get ended(): string | null {
    const { ended } = this.#dialogue();
    return ended === "open" ? null : ended;
  }
}
