import type { Exchange, Unkept } from "./exchange.ts";
import type { Certificate } from "./reference.ts";
import type { AtUs, EndCause, Side, Transport } from "./wire.ts";

/** How the dialogue came to be encrypted. `unannounced`: TLS bytes after a plaintext greeting, without STARTTLS. */
export type TlsHow = "starttls" | "implicit" | "unannounced";

export interface TlsView {
  readonly how: TlsHow;
  /** "1.0" … "1.3", or null when the ServerHello was not seen. */
  readonly version: string | null;
  readonly resumed: boolean;
  readonly helloAtUs: AtUs | null;
  /** End of the handshake: see dialogue/tls.ts for which record that is. */
  readonly establishedAtUs: AtUs | null;
  /** The server's; null where it was not seen, as in TLS 1.3 and in resumed sessions. */
  readonly certificate: Certificate | null;
  /** Packet number over the whole source in which it ended; 0 for none. */
  readonly certificateFrame: number;
}

/**
 * Where a dialogue's time went, from SYN to its end, in µs; the parts add up to the whole.
 * `server`: a reply was pending; `path`: the part of that which is the round trip between the point
 * of capture and the server, where the handshake shows it; `client`: it was the client's turn;
 * `transfer`: a message body was on its way; `unknown`: bytes are missing or encrypted.
 */
export interface TimeAccount {
  readonly connectUs: number;
  readonly serverUs: number;
  readonly pathUs: number;
  readonly clientUs: number;
  readonly transferUs: number;
  readonly unknownUs: number;
}

export const NO_TIME_SPENT: TimeAccount = {
  connectUs: 0,
  serverUs: 0,
  pathUs: 0,
  clientUs: 0,
  transferUs: 0,
  unknownUs: 0,
};

/**
 * Of encrypted bytes so many are digested: whoever ends TLS on the way says other hellos, and behind them
 * nothing can be changed unnoticed (RFC 8446 §5.2).
 */
export const DIGESTED_TLS_BYTES = 1_024;

/** What a protocol or a capture did that is worth knowing, counted. */
export type Flag =
  | "mid-stream"
  | "one-way"
  | "gap"
  | "early-talker"
  | "pipelining"
  | "bare-lf"
  | "nul"
  | "line-too-long"
  | "reply-without-code"
  | "mixed-codes"
  | "loose-end-of-data"
  | "decrypted"
  | "lmtp"
  | "socks"
  | "http-connect"
  | "proxy-protocol"
  | "silent-server"
  | "refused"
  | "syn-unanswered"
  | "syn-retransmitted"
  | "unfinished-message";

/** One SMTP dialogue: a TCP connection's worth. Lent, like an exchange. */
export interface Conversation {
  readonly transport: Transport;
  readonly tls: TlsView | null;
  readonly ended: EndCause;
  readonly endedAtUs: AtUs | null;
  readonly messages: number;
  /** Recipients accepted of the message under way, or of the latest one if it was not accepted. */
  readonly acceptedRecipients: number;
  readonly account: TimeAccount;
  readonly flags: ReadonlySet<Flag>;
  /** The client's address, without port, that a PROXY header told the server; null where there was none. */
  readonly announcedClient: string | null;
  /** The banner's lines as shown text, with those behind it that have no code; empty when none was seen. */
  banner(): readonly string[];
  /** A side's bytes from where TLS begins, the digest of the first DIGESTED_TLS_BYTES; null where there were none. */
  encrypted(side: Side): Unkept | null;
  /** A place for whoever listens to keep something of its own while the dialogue is open. */
  kept: object | null;
  /** What became of STARTTLS. */
  readonly starttls: "used" | "offered" | "none";
}

/** Takes what the dialogue makes of a source. */
export interface DialogueListener {
  /** A settled exchange: nothing about it will change. */
  exchange(exchange: Exchange, conversation: Conversation): void;
  /** A message body went over: end of the 354 → last byte of CRLF.CRLF. */
  body(durationUs: number, lengthBytes: number, atUs: AtUs, conversation: Conversation): void;
  /** A dialogue is over; its exchanges came before. */
  conversation(conversation: Conversation): void;
  /** A connection that is not SMTP is over or given up. */
  other(transport: Transport): void;
  /**
   * A connection on which nothing was said and whose port says nothing either: SMTP only if that
   * server spoke SMTP elsewhere. The listener keeps it until the input is over.
   */
  undecided(transport: Transport): void;
}
