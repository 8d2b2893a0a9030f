import type { RewritingFinding } from "./finding.ts";
import type { Phase } from "./phase.ts";
import type { FileView } from "./report.ts";

/**
 * What `smtpscope diff INSIDE OUTSIDE` says: the same dialogues on two sides of a path, and what became of them
 * on it. Plain values, times as in Report; texts from the wire are escaped.
 */
export interface DiffReport {
  readonly kind: "diff";
  readonly schema: 1;
  readonly tool: { readonly name: "smtpscope"; readonly version: string };
  readonly inside: DiffSide;
  readonly outside: DiffSide;
  /** Dialogues whose server is on this side; mail that goes in and mail that goes out may be in the same captures. */
  readonly servers: Readonly<Record<SideName, number>>;
  readonly clock: ClockView | null;
  readonly matched: {
    readonly dialogues: number;
    readonly by: Readonly<Record<"sequence" | "timestamps" | "contents" | "time", number>>;
    /** Of these, dialogues that could be compared whole and in which nothing was changed. */
    readonly unchanged: number;
    readonly exchanges: number;
    /** Of these, exchanges that could not be compared: bytes are missing in a capture, or before them. */
    readonly doubtful: number;
  };
  /** Most dialogues first. */
  readonly changes: readonly ChangeView[];
  /** How often something was changed of a kind for which there was no room. */
  readonly changesLeftOut: number;
  readonly delays: readonly DelayView[];
  readonly segments: SegmentsView;
  readonly findings: readonly RewritingFinding[];
}

export type SideName = "inside" | "outside";

export interface DiffSide {
  readonly files: readonly FileView[];
  readonly firstAtUs: number | null;
  readonly lastAtUs: number | null;
  readonly packets: number;
  readonly dialogues: number;
  /** For lack of room. */
  readonly leftOut: number;
  /** That the other side never saw, though it was capturing at the time. */
  readonly only: UnmatchedView;
  /** From before the other capture began, or after it ended. */
  readonly outsideWindow: number;
  /** Several dialogues of the other side could be it, or too little of it was captured to tell. */
  readonly ambiguous: UnmatchedView;
}

export interface UnmatchedView {
  readonly dialogues: number;
  /** The first few. */
  readonly first: readonly Place[];
}

export interface Place {
  readonly file: string;
  readonly frame: number;
  readonly tcpStream: number;
  readonly client: string;
  readonly server: string;
  readonly atUs: number | null;
}

/** Offset: outside's stamps less inside's. */
interface ClockView {
  readonly offsetUs: number;
  readonly uncertaintyUs: number;
  readonly driftPpm: number;
  /** Dialogues that agree, of those that could be asked. */
  readonly agreeing: number;
  readonly asked: number;
}

export interface ChangeView {
  /** Where the server of these dialogues is; what it says comes from there. */
  readonly serverSide: SideName;
  readonly part: "reply" | "command" | "message" | "secret" | "encrypted";
  readonly phase: Phase;
  readonly verb: string;
  /** The main kind first: see rewriting/compare. */
  readonly kinds: readonly string[];
  readonly keyword: string | null;
  readonly dialogues: number;
  readonly times: number;
  /** Commonest first, the first few. */
  readonly variants: readonly ChangeVariant[];
}

/** `before` is as it was sent, `after` as it arrived. */
export interface ChangeVariant {
  readonly before: string | null;
  readonly beforeMarks: string;
  readonly beforeHex: string;
  readonly after: string | null;
  readonly afterMarks: string;
  readonly afterHex: string;
  readonly times: number;
  readonly inside: Place | null;
  readonly outside: Place | null;
}

/** A path of wires and routers does not add so much; somebody kept it. */
export const HELD_US = 100_000;

/** By how much longer a reply took where the client is than where the server is; a message (body) where the server is. */
export interface DelayView {
  readonly serverSide: SideName;
  readonly phase: Phase;
  readonly added: DelayDistribution;
  /** None for body. Replies to which HELD_US or more was added, beyond what the way takes by itself (as the handshake shows). */
  readonly held: number;
  /** The same, of which one side has seen more copies than the other: lost between them, and sent again. */
  readonly lost: number;
  /** Of that, on the command's way and on the reply's; null without a clock. */
  readonly command: DelayDistribution | null;
  readonly reply: DelayDistribution | null;
  /** The most that was added, and where. */
  readonly worst: { readonly addedUs: number; readonly inside: Place; readonly outside: Place } | null;
}

export interface DelayDistribution {
  readonly n: number;
  readonly minUs: number;
  readonly p50Us: number;
  readonly p95Us: number;
  readonly maxUs: number;
  readonly uncertaintyUs: number;
}

/** Commands, replies and messages of equal length whose segments were cut at other places. */
export interface SegmentsView {
  readonly compared: number;
  readonly resplit: number;
  readonly dialogues: number;
  readonly example: {
    readonly verb: string;
    readonly from: "client" | "server";
    /** Bytes from the beginning at which a segment ends, where the sender is and where the receiver is. */
    readonly before: readonly number[];
    readonly after: readonly number[];
    readonly inside: Place;
    readonly outside: Place;
  } | null;
}
