import type { Answers, Reference, ReferenceLine } from "../../spine/reference.ts";
import { replyLines } from "../compare/reply.ts";
import { DATE } from "./pattern.ts";

/**
 * Several askings of a server made one reference: what differed between them varies (times, ids, process
 * numbers), and so do dates, and what a reply to EHLO says of the client behind the server's name.
 */

/** Words and what is between them; a date is one. */
const TOKENS = new RegExp(`${DATE}|[A-Za-z0-9]+|[^A-Za-z0-9]`, "gs");
const DATE_ALONE = new RegExp(`^(?:${DATE})$`);

/** @param asked at least one asking */
export function learn(server: string, takenAt: string, asked: readonly Answers[]): Reference {
  const replies: Record<string, ReferenceLine[]> = {};
  for (const [command, reply] of Object.entries(asked[0]!.replies)) {
    const samples = asked
      .map((each) => replyLines(each.replies[command] ?? ""))
      .filter((lines) => lines.length > 0);
    const first = replyLines(reply);
    // Another number of lines is another server behind the same address: it is compared as the first one was.
    const alike = samples.filter((lines) => lines.length === first.length);
    replies[command] = first.map((_, i) => {
      const lines = alike.map((each) => each[i]!);
      return command === "EHLO" && i === 0 ? greetingOf(lines) : lineOf(lines);
    });
  }
  return {
    kind: "smtpscope-reference",
    schema: 1,
    server,
    takenAt,
    asked: asked.length,
    replies,
    bannerPattern: null,
    certificate: asked[0]!.certificate,
  };
}

/** The first line of a reply to EHLO: behind the host it greets the client, who is another each time. */
function greetingOf(lines: readonly string[]): ReferenceLine {
  const parts = /^(\d{3}[ -]\S+)( [^\r\n]*)(\r?\n?)$/.exec(lines[0]!);
  if (parts === null) return lineOf(lines);
  return [parts[1]!, { varies: parts[2]! }, parts[3]!].filter((part) => part !== "");
}

/** @param lines the same line of several askings */
export function lineOf(lines: readonly string[]): ReferenceLine {
  const all = lines.map((line) => line.match(TOKENS) ?? []);
  const first = all[0]!;
  const parts: (string | { varies: string })[] = [];
  const add = (text: string, varies: boolean) => {
    const last = parts.at(-1);
    if (varies) parts.push({ varies: text });
    else if (typeof last === "string") parts[parts.length - 1] = last + text;
    else parts.push(text);
  };
  if (all.every((tokens) => tokens.length === first.length)) {
    first.forEach((token, i) => {
      add(token, DATE_ALONE.test(token) || all.some((tokens) => tokens[i] !== token));
    });
    return parts;
  }
  const shortest = Math.min(...all.map(({ length }) => length));
  let head = 0;
  while (head < shortest && all.every((tokens) => tokens[head] === first[head])) head++;
  let tail = 0;
  while (tail < shortest - head && all.every((tokens) => tokens.at(-1 - tail) === first.at(-1 - tail)))
    tail++;
  add(first.slice(0, head).join(""), false);
  add(first.slice(head, first.length - tail).join(""), true);
  add(first.slice(first.length - tail).join(""), false);
  return parts.filter((part) => part !== "");
}

/**
 * What the operator expects of a banner: its text (the code may be left out), or an expression between slashes.
 * @throws SyntaxError for an expression that is none
 */
export function expectedBanner(text: string): Reference {
  const expression = /^\/(.*)\/([a-z]*)$/s.exec(text);
  const reference = {
    kind: "smtpscope-reference",
    schema: 1,
    server: "--expect-banner",
    takenAt: null,
    asked: 0,
    certificate: null,
  } as const;
  if (expression !== null) {
    const source = expression[2]!.includes("i") ? `(?i:${expression[1]})` : expression[1]!;
    bannerRegexp(source);
    return { ...reference, replies: {}, bannerPattern: source };
  }
  const whole = /^220[ -]/.test(text) ? text : `220 ${text}`;
  return {
    ...reference,
    replies: { "(connect)": [[...lineOf([whole]), { varies: "\r\n" }]] },
    bannerPattern: null,
  };
}

/** Node 20 has no `(?i:…)`. */
export function bannerRegexp(source: string): RegExp {
  const insensitive = /^\(\?i:(.*)\)$/s.exec(source);
  return insensitive === null ? new RegExp(source) : new RegExp(insensitive[1]!, "i");
}
