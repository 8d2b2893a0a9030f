import type { Conversation } from "../spine/conversation.ts";
import type { Exchange } from "../spine/exchange.ts";
import { durationText, plural, timeText } from "../spine/format.ts";
import type { Phase } from "../spine/phase.ts";
import { escapeText } from "../spine/text.ts";

/**
 * One line a finished dialogue, for somebody who watches: when, who, how long, its slowest phase, the
 * last code, what was remarkable.
 */
export class DialogueLines {
  readonly #slowest = new Map<Conversation, { phase: Phase; serviceUs: number; code: number | null }>();

  exchange(exchange: Exchange, conversation: Conversation): void {
    const soFar = this.#slowest.get(conversation);
    const code = exchange.code ?? soFar?.code ?? null;
    const serviceUs = exchange.taint === null ? (exchange.serviceUs ?? -1) : -1;
    if (soFar === undefined) this.#slowest.set(conversation, { phase: exchange.phase, serviceUs, code });
    else if (serviceUs > soFar.serviceUs)
      this.#slowest.set(conversation, { phase: exchange.phase, serviceUs, code });
    else soFar.code = code;
  }

  conversation(conversation: Conversation): string {
    const { transport, endedAtUs, messages, flags } = conversation;
    const slowest = this.#slowest.get(conversation);
    this.#slowest.delete(conversation);
    const startUs = transport.synAtUs ?? transport.firstAtUs;
    const when = startUs === null ? "no time" : timeText(startUs).slice(11, 23);
    const length = startUs === null || endedAtUs === null ? "?" : durationText(endedAtUs - startUs);
    const worst =
      slowest === undefined || slowest.serviceUs < 0 ? "no reply" : slowestText(slowest, transport);
    const parts = [`${worst}`, slowest?.code ?? "-", plural(messages, "message"), ...flags];
    const failure = transport.live?.failure ?? null;
    if (failure !== null) parts.push(`server not reached: ${escapeText(failure)}`);
    return `${when}  ${transport.client} → ${transport.server}  ${length.padStart(7)}  ${parts.join("  ")}`;
  }
}

/** The connection may have taken longer than any reply. */
function slowestText(
  { phase, serviceUs }: { readonly phase: Phase; readonly serviceUs: number },
  { synAtUs, synAckAtUs }: Conversation["transport"],
): string {
  const connectUs = synAtUs === null || synAckAtUs === null ? 0 : synAckAtUs - synAtUs;
  return connectUs > serviceUs ? `connect ${durationText(connectUs)}` : `${phase} ${durationText(serviceUs)}`;
}
