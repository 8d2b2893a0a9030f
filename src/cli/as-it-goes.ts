import type { AnalysisOptions } from "../analysis/analysis.ts";
import { conversationLine, DialogueLines, exchangeLine } from "../reports/index.ts";

/** What to write while it happens: every exchange and dialogue as NDJSON, a line a dialogue to watch, or nothing. */
export type AsItGoes = "ndjson" | "lines" | "nothing";

export type Listeners = Pick<AnalysisOptions, "onExchange" | "onConversation">;

/** @param say takes each line, without its end */
export function asItGoes(
  kind: AsItGoes,
  redact: (text: string) => string,
  say: (line: string) => void,
): Listeners {
  if (kind === "nothing") return { onExchange: null, onConversation: null };
  if (kind === "ndjson") {
    return {
      onExchange: (settled) => say(exchangeLine(settled, redact)),
      onConversation: (conversation, frames) => say(conversationLine(conversation, frames, redact)),
    };
  }
  const lines = new DialogueLines();
  return {
    onExchange: ({ exchange, conversation }) => lines.exchange(exchange, conversation),
    onConversation: (conversation) => say(lines.conversation(conversation)),
  };
}

/** Told of both, the first one first. */
export function both(one: Listeners, other: Listeners): Listeners {
  return {
    onExchange: (settled) => {
      one.onExchange?.(settled);
      other.onExchange?.(settled);
    },
    onConversation: (conversation, frames) => {
      one.onConversation?.(conversation, frames);
      other.onConversation?.(conversation, frames);
    },
  };
}
