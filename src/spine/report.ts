import type { Flag } from "./conversation.ts";
import type { Finding } from "./finding.ts";
import type { Phase } from "./phase.ts";
import type { ThresholdView } from "./threshold.ts";

/**
 * What a reader gets: plain values, the same for text, JSON and (later) the screen.
 * All times are integer µs; instants since 1970, durations by their name `…Us`.
 */
export interface Report {
  readonly kind: "report";
  /** Rises when a field changes its meaning or goes; new fields do not raise it. */
  readonly schema: 1;
  readonly tool: { readonly name: "smtpscope"; readonly version: string };
  readonly source: { readonly files: readonly FileView[] };
  readonly window: { readonly firstAtUs: number | null; readonly lastAtUs: number | null };
  /** The restrictions that were asked for; what follows is about what they let through. */
  readonly restriction: {
    readonly filter: string | null;
    readonly sinceAtUs: number | null;
    readonly untilAtUs: number | null;
  };
  /** Of a live run through the proxy; null for captures. */
  readonly relay: RelayView | null;
  /** The percentiles that were asked for, in order of size. */
  readonly percentiles: readonly number[];
  /** Those that were asked for, in that order. */
  readonly thresholds: readonly ThresholdView[];
  readonly totals: Totals;
  readonly health: Health;
  /** Time that clients spent waiting for a reply, overlapping waits counted once. */
  readonly waitedUs: number;
  /** Where the dialogues' time went, from SYN to end; the parts add up to `lengthUs`. */
  readonly account: AccountView;
  /** What the waiting was for; its parts add up. */
  readonly waiting: WaitingView;
  /** What was concluded: rewriting by severity, then causes by rank. */
  readonly findings: readonly Finding[];
  /** Ranked by share of the waiting time. */
  readonly phases: readonly PhaseView[];
  readonly by: GroupTable | null;
  readonly slowest: readonly SlowReply[];
  /** Commands (and connections) that got no reply, longest wait first. */
  readonly unanswered: readonly SlowReply[];
}

/** How a live run was made, and what it cost and missed. Counts are since the proxy started. */
export interface RelayView {
  readonly listen: readonly string[];
  readonly upstream: string;
  readonly mode: string;
  /** False: the server's lookups are about the proxy's address, not the client's. */
  readonly sourcePreserved: boolean;
  readonly accepted: number;
  readonly connected: number;
  readonly open: number;
  /** Clients turned away, and connections whose server could not be reached, by why. */
  readonly refused: Readonly<Record<string, number>>;
  readonly failed: Readonly<Record<string, number>>;
  readonly relayedBytes: number;
  /** Bytes and connections that were relayed but not observed. */
  readonly overrunBytes: number;
  readonly missedConnections: number;
  readonly observerRestarts: number;
  /** Defects caught in the analysis, each at the cost of one connection's results. */
  readonly faults: number;
  /** The proxy's own share of every delay: from reading bytes to having written them. */
  readonly share: Distribution;
  /** By how much stamps may be late, the proxy having been busy. */
  readonly uncertainty: Distribution;
  /** The longest that a turn of the event loop was busy. */
  readonly loopBusyMaxUs: number;
  readonly residentBytes: number;
}

export interface FileView {
  readonly file: string;
  readonly format: string | null;
  readonly compression: string | null;
  readonly bytes: number;
  /** `damaged` or `cut` at this byte offset; what came before is in the report. */
  readonly damage: {
    readonly kind: "cut" | "damaged";
    readonly offsetBytes: number;
    readonly what: string;
  } | null;
  /** Interrupted by the operator. */
  readonly interrupted: boolean;
  readonly nanoseconds: boolean;
}

export interface Totals {
  readonly packets: number;
  readonly packetBytes: number;
  readonly connections: number;
  readonly dialogues: number;
  /** Dialogues there were, whether the restriction let anything of them through or not. */
  readonly dialoguesSeen: number;
  readonly messages: number;
  readonly exchanges: number;
  /** Exchanges whose time is in the distributions. */
  readonly recorded: number;
  readonly unanswered: number;
  /** Replies that answered nothing. */
  readonly unsolicited: number;
  readonly otherStreams: number;
  /** Silent connections that may have been SMTP and were left out, for lack of room to remember them. */
  readonly silentLeftOut: number;
}

export interface Health {
  readonly droppedPackets: number;
  readonly packetsCutBySnaplen: number;
  /** Packets whose stamp lies before that of the packet before. */
  readonly packetsOutOfOrder: number;
  readonly undecodedPackets: Readonly<Record<string, number>>;
  readonly dialoguesWithGaps: number;
  readonly oneWayDialogues: number;
  readonly midStreamDialogues: number;
  readonly unfinishedDialogues: number;
  /** Exchanges whose command or reply was captured more than once. */
  readonly retransmittedExchanges: number;
  readonly taintedExchanges: Readonly<Record<"gap" | "clock" | "unanswered" | "early", number>>;
  readonly flags: Readonly<Partial<Record<Flag, number>>>;
}

export interface AccountView {
  readonly lengthUs: number;
  readonly connectUs: number;
  readonly serverUs: number;
  readonly pathUs: number;
  readonly clientUs: number;
  readonly transferUs: number;
  readonly unknownUs: number;
}

/**
 * The account of waiting: each µs that clients waited is put down to one part or is unexplained.
 * `waitedUs` is what the report's is, and `unseenUs` on top: waits past the point of capture (a reply
 * that had to be sent again). It is `unexplainedUs` and the parts together.
 */
export interface WaitingView {
  readonly waitedUs: number;
  readonly unseenUs: number;
  /** By size. */
  readonly parts: readonly WaitingPart[];
  readonly unexplainedUs: number;
  /** Of what is unexplained, waited in dialogues that were prompt. */
  readonly promptUs: number;
  /** Whether delay concerns everybody. `none`: nothing is wrong. `unknown`: too few dialogues. */
  readonly scope: "none" | "isolated" | "general" | "unknown";
  /** One sentence for a reader: what was waited for, and for whom. */
  readonly verdict: string;
}

export interface WaitingPart {
  /** Causes that the evidence cannot tell apart. */
  readonly causes: readonly string[];
  readonly rank: number;
  readonly phases: readonly Phase[];
  readonly explainedUs: number;
  /** Of all waiting. */
  readonly share: number;
  readonly dialogues: number;
  /** What it was: "PTR lookups". */
  readonly what: string;
  /** Whom it concerned, where it did not concern everybody: a client, a network, a server. */
  readonly where: string | null;
}

/** A distribution of durations. min, max and sum are exact, percentiles within 0.1 %. */
export interface Distribution {
  readonly n: number;
  readonly minUs: number | null;
  readonly maxUs: number | null;
  readonly sumUs: number;
  /** Keys as asked for: "50", "99.9". Nearest rank. */
  readonly percentilesUs: Readonly<Record<string, number>>;
}

export interface HistogramBar {
  readonly fromUs: number;
  readonly toUs: number;
  readonly count: number;
}

export interface PhaseView {
  readonly phase: Phase;
  /** Exchanges (connections, bodies) seen, tainted ones included. */
  readonly seen: number;
  readonly unanswered: number;
  /** Replies that say 4xx or 5xx. */
  readonly refused: number;
  /** Time in which a reply of this phase was the oldest pending; null for phases in which no reply is waited for. */
  readonly waitedUs: number | null;
  /** Of all waiting time: 0 … 1. */
  readonly share: number | null;
  /** For replies serviceUs: from when the server could begin. For `connect` SYN to SYN-ACK, for `body` its transfer. */
  readonly service: Distribution;
  /** For replies thinkUs: from the command's last byte, the server's work on earlier commands included. */
  readonly think: Distribution | null;
  readonly histogram: readonly HistogramBar[];
}

export interface GroupTable {
  readonly key: string;
  readonly groups: readonly GroupView[];
  /** Groups beyond the bound are together in this one. */
  readonly rest: GroupView | null;
}

export interface GroupView {
  readonly name: string;
  readonly waitedUs: number;
  readonly share: number;
  readonly seen: number;
  readonly unanswered: number;
  readonly service: Distribution;
}

/** One exchange worth looking up in the capture. */
export interface SlowReply {
  readonly file: string;
  readonly tcpStream: number;
  readonly client: string;
  readonly server: string;
  readonly phase: Phase;
  readonly verb: string;
  readonly command: string | null;
  readonly code: number | null;
  readonly reply: string | null;
  /** What the reply's place holds where there is no text of one: why there was none, or that it is encrypted. */
  readonly remark: string | null;
  readonly atUs: number | null;
  /** Until the reply's last byte (or the end, without one): what the list is ordered by. */
  readonly waitedUs: number;
  /** Until its first byte; null without a reply. */
  readonly serviceUs: number | null;
  /** Frames within `file`; null also for a command that is in an earlier file of the same ring. */
  readonly askedFrame: number | null;
  readonly answeredFrame: number | null;
}
