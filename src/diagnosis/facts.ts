import type { PhaseIndex } from "../spine/phase.ts";

/**
 * What a dialogue leaves behind for the judge: plain values, bounded, so that they can be kept, sent
 * between threads and judged together when all of the input has been read.
 */

/** What the server was looking up, as far as the dialogue tells. */
export type LookupSubject = "ptr" | "forward" | "reputation" | "sender";

/**
 * What a stretch of a client's waiting was spent on, as far as packets show it. What they don't show
 * is silence.
 */
export type Spent =
  /** The server looked a name up. `slow`: the answer took its time; `lost`: it came after a retry; `silent`: none came. */
  | { readonly kind: "lookup"; readonly subject: LookupSubject; readonly outcome: "slow" | "lost" | "silent" }
  /** The server asked the client's host who is calling (port 113). */
  | { readonly kind: "ident" }
  /** The reply was sent, by the server's clock, and arrived later; or the client's packet was answered late in the same way. */
  | { readonly kind: "held"; readonly what: "reply" | "command" }
  /** A packet was lost and sent again. */
  | { readonly kind: "lost"; readonly what: "reply" | "command" | "syn" | "syn-ack" }
  /** The client had no room for the reply: its window was closed. */
  | { readonly kind: "window" }
  /** The handshake's last ACK was lost or not taken: the SYN-ACK came again after it. */
  | { readonly kind: "overflow" }
  /** The reply began, and its rest came later. `teaser`: after the first line; `stutter`: in small pieces; `ack`: after the client's ACK. */
  | { readonly kind: "dribble"; readonly how: "teaser" | "stutter" | "ack" | "other" }
  /** One round trip between the point of capture and the server. */
  | { readonly kind: "path" }
  /** The SYN was refused, or never answered. */
  | { readonly kind: "unreachable"; readonly how: "refused" | "dropped" | "elsewhere" }
  /** No reply came. */
  | { readonly kind: "unanswered" }
  /** The server had the command and said nothing. */
  | { readonly kind: "silence" }
  /** Not waiting for the server: these are no part of the account. */
  | Beside;

/** What makes mail late without anybody waiting for a reply. */
export type Beside =
  /** The client's own time. */
  | { readonly kind: "client"; readonly beforeDot: boolean }
  /** A command in pieces, of which the later ones waited for an acknowledgement. */
  | { readonly kind: "pieces" }
  /** A temporary refusal, at once. */
  | { readonly kind: "greylisted"; readonly acceptedLater: boolean }
  /** The client spoke before the greeting. */
  | { readonly kind: "early" };

/** A stretch of waiting. Those of one reply don't overlap and add up to its wait. */
export interface Stretch {
  readonly spent: Spent;
  readonly lengthUs: number;
  /** Packet that shows it, as Wireshark numbers it in the dialogue's file; 0 for none. */
  readonly frame: number;
  /** The name that was looked up; empty otherwise. */
  readonly name: string;
}

/** One reply that was waited for, or the connection itself (phase CONNECT). */
export interface ReplyFacts {
  readonly phase: PhaseIndex;
  readonly code: number | null;
  /** When the server could begin. */
  readonly fromUs: number;
  readonly waitedUs: number;
  /** Of that, past the point of capture: no part of the exchange's own time. */
  readonly unseenUs: number;
  /** The operator asked for it: it is in the account. */
  readonly accepted: boolean;
  readonly stretches: readonly Stretch[];
  /** Of the stretches, silence. */
  readonly silenceUs: number;
  /** The server acknowledged the command long before it answered: the command was not held on its way. Null: not known. */
  readonly arrived: boolean | null;
  /** The server's clock tells when the reply was sent. */
  readonly clockKnown: boolean;
  /** The command's rest came so much later than its beginning, right after the server's acknowledgement of that; else 0. */
  readonly piecesUs: number;
  /** Size of the message that was answered, else 0. */
  readonly messageBytes: number;
  /** Earlier replies of the dialogue with 4xx or 5xx. */
  readonly errorsBefore: number;
  /** Earlier replies to RCPT of the same message. */
  readonly recipientsBefore: number;
  /** A text of a temporary refusal that says it is greylisting. */
  readonly saysGreylisted: boolean;
  readonly frame: number;
}

export interface DialogueFacts {
  readonly file: string;
  readonly tcpStream: number;
  /** Addresses; the server's with port. */
  readonly client: string;
  readonly server: string;
  readonly fromUs: number;
  readonly toUs: number;
  readonly frame: number;
  readonly replies: readonly ReplyFacts[];
  /** What was waited besides the replies that are listed. */
  readonly unlistedUs: number;
  /** Of the client's own time, the longest turns. */
  readonly clientTurns: readonly ClientTurn[];
  readonly clientUs: number;
  readonly roundTripUs: number | null;
  /** Routers between the point of capture and each end, by the time to live; null where it is not known. */
  readonly hopsToServer: number | null;
  readonly hopsToClient: number | null;
  /** Lookups of the server that belong to it. */
  readonly lookups: number;
  readonly tls: "none" | "starttls" | "implicit";
  readonly earlyTalker: boolean;
  /** Who ended it first. */
  readonly closedBy: "client" | "server" | null;
  /** What the path changed in it, by id. */
  readonly rewriting: readonly string[];
  /** A message went through. */
  readonly delivered: boolean;
}

/** A pause of the client's. */
export interface ClientTurn {
  /** Phase of the command that came after it; BODY for the pause before the end of a message. */
  readonly before: PhaseIndex;
  readonly lengthUs: number;
  readonly frame: number;
}
