import { Rewriting } from "../../src/rewriting/rewriting.ts";
import type { Conversation, DialogueListener } from "../../src/spine/conversation.ts";
import type { Exchange } from "../../src/spine/exchange.ts";
import { FileFrames } from "../../src/spine/files.ts";
import type { RewritingFinding } from "../../src/spine/finding.ts";
import type { Reference } from "../../src/spine/reference.ts";
import { playTo, type Script } from "../dialogue/playbook.ts";

/** Hears dialogues for a Rewriting, as the analysis does. */
class Listener implements DialogueListener {
  readonly rewriting: Rewriting;
  readonly #frames = new FileFrames();

  constructor(references: readonly Reference[]) {
    this.rewriting = new Rewriting({ redact: (text) => text, references });
    this.#frames.begin("a.pcap", 0);
  }
  exchange(exchange: Exchange, conversation: Conversation): void {
    this.rewriting.exchange(exchange, conversation);
  }
  conversation(conversation: Conversation): void {
    this.rewriting.conversation(conversation, this.#frames, true);
  }
  body(): void {}
  other(): void {}
  undecided(): void {}
}

/** What is found in dialogues that are played one after the other. */
export function foundIn(...scripts: readonly (string | Script)[]): RewritingFinding[] {
  return foundAgainst([], ...scripts);
}

/** The same, compared with what the server says itself. */
export function foundAgainst(
  references: readonly Reference[],
  ...scripts: readonly (string | Script)[]
): RewritingFinding[] {
  const listener = new Listener(references);
  for (const script of scripts) playTo(listener, script);
  return listener.rewriting.findings();
}

/** A dialogue from what is said in turn: the server's texts and, between them, the client's. */
export function talk(...texts: readonly string[]): string {
  const lines = ["0 SYN", "10 SYN-ACK", "20 ACK"];
  texts.forEach((text, i) => {
    lines.push(`${1_000 * (i + 1)} ${i % 2 === 0 ? "S<" : "C>"} ${text.replaceAll("\n", "\\r\\n")}\\r\\n`);
  });
  return lines.join("\n");
}

/** The ids that a dialogue shows, without `rewriting/`. */
export function idsIn(...scripts: readonly (string | Script)[]): string[] {
  return foundIn(...scripts)
    .map(({ id }) => id.slice("rewriting/".length))
    .sort();
}
