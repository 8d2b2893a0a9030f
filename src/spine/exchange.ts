import type { Phase, PhaseIndex } from "./phase.ts";
import type { AtUs } from "./wire.ts";

/**
 * Why a reply time is not to be trusted. A tainted exchange is counted, never recorded.
 * `gap`: bytes are missing where it matters; `clock`: the capture's time ran backwards or is absent;
 * `unanswered`: no reply came; `early`: the reply came before its command ended.
 */
export type Taint = "gap" | "clock" | "unanswered" | "early";

/** Bytes as they came, lent with the exchange: `bytes[0, length)`; `omitted` more were not kept. */
export interface RawText {
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly omitted: number;
}

/**
 * One command (or other cause of a reply) and its reply. Times are µs since 1970; *first* and *last*
 * are the first and last byte in sequence order, each with the stamp of its first captured copy.
 *
 * An exchange is lent: whoever is handed one copies what it needs before returning, for the object
 * is filled again for a later exchange.
 */
export interface Exchange {
  readonly ordinal: number;
  readonly phaseIndex: PhaseIndex;
  readonly phase: Phase;
  /** The verb in capitals, or a pseudo-verb: (connect) (end-of-data) (auth) (tls) (encrypted) (unsolicited) (unknown). */
  readonly verb: string;
  /** A reply that answers nothing: verb (unsolicited). */
  readonly unsolicited: boolean;
  /** The command line as shown text, AUTH payloads replaced; null for a pseudo-verb other than (auth). */
  command(): string | null;
  readonly code: number | null;
  /** The reply's lines as shown text. */
  lines(): string[];
  /** The reply with its line ends. */
  readonly replyBytes: RawText;
  /**
   * The command line as it was on the wire, its line end included, each character one byte: to be compared,
   * never shown as it is. Null where there is none, where it held a secret, or where more was said than is kept.
   */
  commandOctets(): string | null;
  /** The `.CRLF` that ends a message came in more than one packet. */
  readonly endSplit: boolean;
  /** Of what is not kept: the message (or chunk) that this exchange answers, the secret in its command. */
  readonly unkept: Unkept | null;
  readonly askedFirstAtUs: AtUs | null;
  readonly askedLastAtUs: AtUs | null;
  readonly answeredFirstAtUs: AtUs | null;
  /** End of the reply's first line: differs from the last line's where a server teases. */
  readonly answeredLineAtUs: AtUs | null;
  readonly answeredLastAtUs: AtUs | null;
  /** answeredFirst − askedLast; null when an edge is missing. */
  readonly thinkUs: number | null;
  /** The same from when the previous reply was complete, if that was later: this reply's own share. */
  readonly serviceUs: number | null;
  /** Banner only: from the SYN-ACK to the first byte. */
  readonly sinceSynAckUs: number | null;
  /**
   * µs in which this was the oldest reply pending, up to its last byte. Pending intervals that overlap
   * are counted once, so the sum over a dialogue is the time its client waited.
   */
  readonly waitedUs: number;
  /** Unanswered commands, banner excluded, when the command's first byte was seen. */
  readonly pipelinedBehind: number;
  /** Later copies of either span. */
  readonly retransmits: number;
  /** Packet numbers over the whole source; 0 stands for none. */
  readonly askedFirstFrame: number;
  readonly askedLastFrame: number;
  readonly answeredFirstFrame: number;
  readonly answeredLastFrame: number;
  /** Stream offsets [from, to) of the command's and the reply's bytes; equal where there are none. */
  readonly askedFrom: number;
  readonly askedTo: number;
  readonly answeredFrom: number;
  readonly answeredTo: number;
  readonly taint: Taint | null;
}

/** Bytes that are not kept can still be told apart from others. */
export interface Unkept {
  readonly lengthBytes: number;
  /** Null where bytes are missing, or nobody asked for it. */
  readonly digest: string | null;
}
