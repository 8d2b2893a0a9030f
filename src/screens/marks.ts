import type { Flag } from "../spine/conversation.ts";
import type { KeptDialogue } from "../spine/kept.ts";

/** From here on a reply counts as slow where no limit was set: people notice a second. */
export const SLOW_US = 1_000_000;

/** Flags of a dialogue in letters, as the list shows them; help explains them. */
export const FLAG_LETTERS: readonly (readonly [letter: string, meaning: string])[] = [
  ["!", "a reply took a second or more"],
  ["~", "rewritten on the path"],
  ["X", "a command or the connection got no reply"],
  ["T", "TLS"],
  ["P", "pipelining"],
  ["G", "bytes missing from the capture, or only one direction"],
  ["M", "already under way when the capture began"],
  ["R", "packets captured more than once"],
  ["?", "odd: talked early, bare LF, NUL, a line too long, replies that do not fit"],
];

const GAPS: readonly Flag[] = ["gap", "one-way"];
const ODD: readonly Flag[] = [
  "early-talker",
  "bare-lf",
  "nul",
  "line-too-long",
  "reply-without-code",
  "mixed-codes",
  "loose-end-of-data",
  "unfinished-message",
];
const BROKEN: readonly Flag[] = ["refused", "syn-unanswered", "silent-server"];

export function isRewritten({ findings }: KeptDialogue): boolean {
  return findings.some((id) => id.startsWith("rewriting/"));
}

export function flagLetters(dialogue: KeptDialogue): string {
  const { flags, exchanges, slowest, pending } = dialogue;
  const has = (wanted: readonly Flag[]) => flags.some((flag) => wanted.includes(flag));
  const isUnanswered =
    exchanges?.some(({ taint }) => taint === "unanswered") ?? slowest?.taint === "unanswered";
  const letters: readonly (readonly [string, boolean])[] = [
    ["!", Math.max(slowest?.waitedUs ?? 0, pending?.waitedUs ?? 0) >= SLOW_US],
    ["~", isRewritten(dialogue)],
    ["X", isUnanswered || has(BROKEN)],
    ["T", dialogue.tls !== null],
    ["P", has(["pipelining"])],
    ["G", has(GAPS)],
    ["M", has(["mid-stream"])],
    ["R", has(["syn-retransmitted"]) || (exchanges?.some(({ retransmits }) => retransmits > 0) ?? false)],
    ["?", has(ODD)],
  ];
  return letters
    .filter(([, is]) => is)
    .map(([letter]) => letter)
    .join("");
}
