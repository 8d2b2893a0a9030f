import { type ByteString, endOf, type LineChange, textChanges } from "./line.ts";

/**
 * A reply of several lines as the server gave it, against the same reply as it arrived: the lines are
 * aligned first, so that one that was taken out does not make all that follow it look changed.
 *
 * In an answer to EHLO every line but the first is a keyword with parameters (RFC 5321 §4.1.1.1). The hyphen
 * that announces a further line is no text: it changes wherever the last line does, and is not reported.
 */

export type ReplyChange =
  | LineChange
  | "code"
  | "line-removed"
  | "line-added"
  /** The line is there, but at another place. */
  | "line-order"
  | "keyword-removed"
  | "keyword-added"
  /** The same keyword with other parameters. */
  | "keyword-changed";

export interface LineDifference {
  /** Not empty; the main change first. */
  readonly changes: readonly ReplyChange[];
  /** null for a line that was added. */
  readonly before: ByteString | null;
  /** null for a line that was removed. */
  readonly after: ByteString | null;
  /** Place within the reply, from 0. */
  readonly beforeLine: number | null;
  readonly afterLine: number | null;
  /** In capitals; null where the line is no keyword line. */
  readonly keyword: string | null;
}

/** Cuts a reply into its lines, line ends included. */
export function replyLines(reply: ByteString): ByteString[] {
  return reply.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** @param toEhlo the reply answers EHLO (or LHLO): its lines are keywords */
export function compareReplies(before: ByteString, after: ByteString, toEhlo: boolean): LineDifference[] {
  if (before === after) return [];
  const a = parsed(replyLines(before), toEhlo);
  const b = parsed(replyLines(after), toEhlo);
  const differences: LineDifference[] = [];
  const removed: Line[] = [];
  const added: Line[] = [];
  for (const [x, y] of aligned(a, b)) {
    if (x !== null && y !== null) {
      const changes = changesOf(x, y);
      if (changes.length > 0) differences.push(difference(changes, x, y));
    } else if (x !== null) removed.push(x);
    else if (y !== null) added.push(y);
  }
  differences.push(...unpaired(removed, added));
  const placeOf = ({ beforeLine, afterLine }: LineDifference) => beforeLine ?? afterLine ?? 0;
  return differences.sort((x, y) => placeOf(x) - placeOf(y));
}

interface Line {
  readonly raw: ByteString;
  readonly place: number;
  readonly code: string;
  /** What stands between code and text; empty where it is not what belongs at this place. */
  readonly separator: "" | " " | "-";
  /** Without code, line end, and the separator named above. */
  readonly text: ByteString;
  readonly lineEnd: ByteString;
  readonly keyword: string | null;
}

function parsed(lines: readonly ByteString[], toEhlo: boolean): Line[] {
  return lines.map((raw, place) => {
    const end = endOf(raw);
    const bare = raw.slice(0, end);
    const code = /^\d{3}/.exec(bare)?.[0] ?? "";
    const due = place === lines.length - 1 ? " " : "-";
    const separator = code !== "" && bare[code.length] === due ? due : "";
    const text = bare.slice(code.length + separator.length);
    // A keyword ends at white space; `AUTH=LOGIN` is the old way to write AUTH.
    const keyword = toEhlo && place > 0 ? /^[^\s=]*/.exec(text)![0].toUpperCase() : null;
    return { raw, place, code, separator, text, lineEnd: raw.slice(end), keyword };
  });
}

function changesOf(a: Line, b: Line): ReplyChange[] {
  const changes: ReplyChange[] = textsChanges(a, b);
  const main = changes[0];
  const isKeyword = a.keyword !== null && a.keyword === b.keyword;
  if (isKeyword && main !== undefined && !FORMATTING.has(main)) changes.unshift("keyword-changed");
  if (a.code !== b.code) changes.unshift("code");
  if (a.lineEnd !== b.lineEnd) changes.push("line-end");
  return changes;
}

function textsChanges(a: Line, b: Line): ReplyChange[] {
  if ((a.separator === "") === (b.separator === "")) return textChanges(a.text, b.text);
  // A blank in the hyphen's place belongs to a mask, whatever else it may be.
  const behind = (line: Line) => (line.separator === "" ? line.text.replace(/^[ -]/, "") : line.text);
  const masked = textChanges(behind(a), behind(b));
  if (masked[0] === "masked") return masked;
  return textChanges(a.separator + a.text, b.separator + b.text);
}

/** A keyword's meaning stays the same. */
const FORMATTING: ReadonlySet<ReplyChange> = new Set(["case", "whitespace", "non-ascii"]);

/** A line that was removed here and added there has moved. */
function unpaired(removed: readonly Line[], added: readonly Line[]): LineDifference[] {
  const differences: LineDifference[] = [];
  const rest = [...added];
  for (const line of removed) {
    let at = rest.findIndex((other) => other.text === line.text && other.code === line.code);
    if (at < 0 && line.keyword !== null) at = rest.findIndex((other) => other.keyword === line.keyword);
    const [moved] = at < 0 ? [] : rest.splice(at, 1);
    if (moved === undefined) {
      const change = line.keyword === null ? "line-removed" : "keyword-removed";
      differences.push(difference([change], line, null));
    } else differences.push(difference(["line-order", ...changesOf(line, moved)], line, moved));
  }
  for (const line of rest) {
    const change = line.keyword === null ? "line-added" : "keyword-added";
    differences.push(difference([change], null, line));
  }
  return differences;
}

function difference(changes: readonly ReplyChange[], before: Line | null, after: Line | null) {
  return {
    changes,
    before: before?.raw ?? null,
    after: after?.raw ?? null,
    beforeLine: before?.place ?? null,
    afterLine: after?.place ?? null,
    keyword: before?.keyword ?? after?.keyword ?? null,
  };
}

/** Replies with more lines are compared place by place; the longest EHLO replies have thirty. */
const MAX_ALIGNED_LINES = 128;

/** Pairs of lines that belong together, in order; null for a line without a partner. */
function aligned(a: readonly Line[], b: readonly Line[]): [Line | null, Line | null][] {
  if (a.length > MAX_ALIGNED_LINES || b.length > MAX_ALIGNED_LINES) {
    const most = Math.max(a.length, b.length);
    return Array.from({ length: most }, (_, i) => [a[i] ?? null, b[i] ?? null]);
  }
  const width = b.length + 1;
  const cost = new Float64Array((a.length + 1) * width);
  for (let i = a.length; i >= 0; i--) {
    for (let j = b.length; j >= 0; j--) {
      if (i === a.length || j === b.length) {
        cost[i * width + j] = a.length - i + (b.length - j);
        continue;
      }
      const pair = pairCost(a[i]!, b[j]!) + cost[(i + 1) * width + j + 1]!;
      const apart = 1 + Math.min(cost[(i + 1) * width + j]!, cost[i * width + j + 1]!);
      cost[i * width + j] = Math.min(pair, apart);
    }
  }
  const pairs: [Line | null, Line | null][] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    const here = cost[i * width + j]!;
    const both = i < a.length && j < b.length;
    if (both && here === pairCost(a[i]!, b[j]!) + cost[(i + 1) * width + j + 1]!) {
      pairs.push([a[i++]!, b[j++]!]);
    } else if (i < a.length && here === 1 + cost[(i + 1) * width + j]!) pairs.push([a[i++]!, null]);
    else pairs.push([null, b[j++]!]);
  }
  return pairs;
}

/** What it costs to take one line for the other; leaving both without a partner costs 2. */
function pairCost(a: Line, b: Line): number {
  const changes = changesOf(a, b);
  const main = changes.find((change) => change !== "code" && change !== "keyword-changed") ?? changes[0];
  if (main === undefined) return 0;
  if ((a.keyword === null) !== (b.keyword === null) && a.text !== b.text) return APART;
  const code = a.code === b.code ? 0 : 0.3;
  switch (main) {
    case "case":
    case "whitespace":
    case "non-ascii":
    case "line-end":
    case "code":
      return 0.2 + code;
    case "masked":
      return 0.4 + code;
    default:
      // Another keyword is another line, unless it is the place that speaks for it.
      if (a.keyword !== null) return a.keyword === b.keyword ? 0.5 + code : APART;
      return (main === "replaced" ? 1.2 : 0.6) + code;
  }
}

const APART = 3;
