import type { Flag, TimeAccount, TlsView } from "./conversation.ts";
import type { Taint } from "./exchange.ts";
import type { Finding } from "./finding.ts";
import type { Phase } from "./phase.ts";
import type { EndCause } from "./wire.ts";

/**
 * Dialogues as they are kept to be looked at later: plain, frozen values, unlike the lent ones they
 * are copied from. Texts are escaped; instants are µs since 1970.
 */

export interface KeptExchange {
  readonly phase: Phase;
  readonly verb: string;
  readonly command: string | null;
  readonly code: number | null;
  /** The reply's lines; bounded, as is each line. */
  readonly lines: readonly string[];
  /**
   * Command and reply as they were on the wire, one character a byte, where the shown texts (each ended by
   * CRLF) are not just that; else null. Never of a secret, never where texts were redacted.
   */
  readonly commandOctets: string | null;
  readonly replyOctets: string | null;
  readonly askedFirstAtUs: number | null;
  readonly askedLastAtUs: number | null;
  readonly answeredFirstAtUs: number | null;
  readonly answeredLineAtUs: number | null;
  readonly answeredLastAtUs: number | null;
  readonly thinkUs: number | null;
  readonly serviceUs: number | null;
  readonly waitedUs: number;
  readonly pipelinedBehind: number;
  readonly retransmits: number;
  /** First and last frame: the reply's within `file`, the command's within its own, in a ring perhaps an earlier one. */
  readonly askedFrames: readonly [number, number] | null;
  readonly answeredFrames: readonly [number, number] | null;
  readonly file: string;
  readonly tcpStream: number;
  readonly taint: Taint | null;
}

/** What a client waits for now. */
export interface PendingWait {
  readonly what: "connect" | "banner" | "reply";
  readonly sinceUs: number;
  /** µs so far. */
  readonly waitedUs: number;
}

export interface KeptDialogue {
  /** Rises from dialogue to dialogue; stays with it. */
  readonly id: number;
  readonly file: string;
  readonly tcpStream: number;
  readonly client: string;
  readonly server: string;
  /** SYN, or the first packet seen. */
  readonly startAtUs: number | null;
  readonly synAtUs: number | null;
  readonly synAckAtUs: number | null;
  readonly handshakeAtUs: number | null;
  readonly synCount: number;
  /** Its latest sign of life, or its end. */
  readonly lastAtUs: number | null;
  /** Null while it goes on. */
  readonly ended: EndCause | null;
  readonly messages: number;
  readonly recipients: number;
  /** µs in which its client waited for a connection or a reply. */
  readonly waitedUs: number;
  /** The reply that was longest waited for; kept even when the others are not. */
  readonly slowest: KeptExchange | null;
  /** The last reply before the one to QUIT: how it went. */
  readonly outcome: { readonly code: number | null; readonly text: string };
  readonly banner: string | null;
  readonly tls: TlsView | null;
  readonly starttls: "used" | "offered" | "none";
  readonly account: TimeAccount;
  readonly flags: readonly Flag[];
  /** Ids of what was found in it. */
  readonly findings: readonly Finding["id"][];
  /** Null where it does not wait, and where nobody can tell. */
  readonly pending: PendingWait | null;
  readonly exchangeCount: number;
  /** Null: condensed, for lack of room. May hold fewer than `exchangeCount`: the first ones. */
  readonly exchanges: readonly KeptExchange[] | null;
}

/** What is kept of all dialogues, at one instant. Older ones are condensed, still older ones only counted. */
export interface KeptDialogues {
  /** In the order in which they were first heard of. */
  readonly dialogues: readonly KeptDialogue[];
  /** Of these, how many go on. */
  readonly open: number;
  /** Those whose clients wait now, the longest wait first. */
  readonly waiting: readonly KeptDialogue[];
  /** How many have no exchanges any more. */
  readonly condensed: number;
  /** Dialogues there were before: in the report, not in the list. */
  readonly forgotten: number;
}
