/**
 * What smtpscope concludes, beyond what it measured: that something on the path rewrote the dialogue,
 * or why a reply was late. A conclusion never comes without what it rests on and what to do next.
 */

/** How bad it is for the mail: `critical` breaks or endangers it, `warning` slows or weakens it, `info` is worth knowing. */
export type Severity = "info" | "warning" | "critical";

/** Where the reader can see it: in Wireshark, if `frame` is given (as numbered within `file`). */
export interface Evidence {
  readonly file: string;
  readonly frame: number | null;
  readonly tcpStream: number | null;
  /** µs since 1970. */
  readonly atUs: number | null;
  /** Escaped; says what is to be seen there. */
  readonly text: string;
}

interface FindingBase {
  readonly kind: "finding";
  readonly severity: Severity;
  /** 0 … 1. */
  readonly confidence: number;
  /** Dialogues it was found in. */
  readonly dialogues: number;
  /** One sentence, with the numbers it rests on. */
  readonly claim: string;
  /** Bounded: the first few of all there are. */
  readonly evidence: readonly Evidence[];
  /** What to do next. */
  readonly remedy: string;
  /** Where the knowledge comes from (RFC, manual). */
  readonly source: string;
}

/** The path changed what was said. */
export interface RewritingFinding extends FindingBase {
  readonly id: `rewriting/${string}`;
  /** `seen`: compared with the server's own bytes; `likely`: recognised by its looks. */
  readonly basis: "seen" | "likely";
  /** What masked text was before, as far as can be told; the most likely first. */
  readonly originals?: readonly Originals[];
  /** What the server said, and what arrived of it. */
  readonly differences?: readonly Difference[];
}

/** Two lines, escaped, with carets under what differs and that in hex; empty for a line that is not there. */
export interface Difference {
  /** masked, replaced, cut, keyword-removed …; the main one first. */
  readonly kinds: readonly string[];
  readonly before: string;
  readonly beforeMarks: string;
  readonly after: string;
  readonly afterMarks: string;
  readonly beforeHex: string;
  readonly afterHex: string;
}

/** What a masked text may have been. Escaped. */
export interface Originals {
  readonly masked: string;
  readonly candidates: readonly {
    /** `?` stands for a character that is not known. */
    readonly text: string;
    /** What it is, and what of it is inferred from what. */
    readonly inferred: string;
    /** 0 … 1, of all candidates there are. */
    readonly share: number;
  }[];
}

/** Why clients waited. */
export interface CauseFinding extends FindingBase {
  readonly id: `cause/${string}`;
  /** 1 is the worst over the whole input; causes that the evidence cannot separate share a rank. */
  readonly rank: number;
  /** The ids of the others of the same rank. */
  readonly ties: readonly string[];
  /** Done on purpose: not a fault. */
  readonly deliberate: boolean;
  /** The phases whose replies it delayed. */
  readonly phases: readonly string[];
  /** µs that clients waited in the dialogues and phases concerned. */
  readonly waitedUs: number;
  /** Of these, µs that this cause accounts for. */
  readonly explainedUs: number;
  /** What speaks against it. */
  readonly against: readonly Evidence[];
  /** The one observation that would separate the ties; null where there are none. */
  readonly decide: string | null;
}

export type Finding = RewritingFinding | CauseFinding;

/** Causes of the same rank cannot be told apart: they are one entry, the first of them its head. */
export function inClasses(findings: readonly Finding[]): Finding[][] {
  const classes: Finding[][] = [];
  for (const finding of findings) {
    const before = classes.at(-1);
    const first = before?.[0];
    if (first !== undefined && "rank" in finding && "rank" in first && finding.rank === first.rank)
      before!.push(finding);
    else classes.push([finding]);
  }
  return classes;
}

/** The page that `smtpscope explain ID` prints. Plain sentences; no line breaks within one. */
export interface Explanation {
  readonly id: Finding["id"];
  readonly title: string;
  /** What happens, and what the reader sees of it. */
  readonly what: readonly string[];
  /** What the finding rests on, and what looks alike but is not it. */
  readonly evidence: readonly string[];
  /** Devices, programs and settings that usually do this. */
  readonly usually: readonly string[];
  readonly confirm: readonly string[];
  /** What to change, with the setting's name. */
  readonly remedy: readonly string[];
  /** Whether somebody wants it so, and why. */
  readonly deliberate: string;
  readonly sources: readonly string[];
}
