import type { Originals } from "../../spine/finding.ts";

/**
 * What a masked line of an EHLO reply was: its length is known, what is plainly there is not masked as
 * well, and servers list their keywords in an order of their own.
 */

/** Lines that servers say, and how often (of servers that are behind such devices), by experience. */
const LINES: readonly (readonly [line: string, weight: number])[] = [
  ["STARTTLS", 100],
  ["CHUNKING", 60],
  ["SMTPUTF8", 50],
  ["HELP", 60],
  ["VRFY", 40],
  ["EXPN", 15],
  ["TURN", 15],
  ["PRDR", 15],
  ["OK", 40],
  ["SMTP", 2],
  ["DELIVERBY", 25],
  ["REQUIRETLS", 10],
  ["PIPECONNECT", 4],
  ["PIPE_CONNECT", 10],
  ["BURL imap", 4],
  ["SUBMITTER", 4],
  ["AUTH=LOGIN", 25],
  ["AUTH=PLAIN LOGIN", 15],
  ["AUTH=LOGIN PLAIN", 15],
  ["X-EXPS=LOGIN", 30],
  ["X-EXPS LOGIN", 5],
  ["X-EXPS NTLM", 15],
  ["X-EXPS GSSAPI NTLM", 30],
  ["X-EXPS GSSAPI NTLM LOGIN", 30],
  ["X-LINK2STATE", 30],
  ["X-ANONYMOUSTLS", 40],
  ["XEXCH50", 40],
  ["XRDST", 25],
  ["XSHADOW", 20],
  ["XSHADOWREQUEST", 15],
  ["XOORG", 10],
  ["XPROXY", 5],
  ["XPROXYTO", 5],
  ["XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT", 10],
  ["XCLIENT NAME ADDR PROTO HELO", 5],
  ["XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE", 8],
  ["XFORWARD NAME ADDR PROTO HELO", 5],
  ["MT-PRIORITY", 4],
  ["NO-SOLICITING", 4],
  ["CHECKPOINT", 2],
  ["LIMITS MAILMAX=1000 RCPTMAX=50000", 4],
  ["LIMITS RCPTMAX=1000", 4],
  ["XVERP", 3],
  ["XDEBUG", 2],
  ["XLOOP", 1],
  ["ONEX", 3],
  ["VERB", 3],
  ["ATRN", 3],
  ["8BITMIME", 10],
  ["BINARYMIME", 10],
  ["PIPELINING", 10],
  ["ENHANCEDSTATUSCODES", 10],
  ["DSN", 5],
  ["ETRN", 5],
  ["SIZE", 5],
];

/** The order in which servers list them. */
const ORDERS: readonly (readonly [server: string, names: readonly string[]])[] = [
  [
    "Postfix",
    "PIPELINING SIZE VRFY ETRN STARTTLS XCLIENT XFORWARD AUTH AUTH=LOGIN ENHANCEDSTATUSCODES 8BITMIME DSN SMTPUTF8 CHUNKING".split(
      " ",
    ),
  ],
  [
    "Exim",
    "SIZE LIMITS 8BITMIME DSN ETRN VRFY EXPN PIPELINING PIPECONNECT PIPE_CONNECT AUTH CHUNKING STARTTLS PRDR SMTPUTF8 HELP".split(
      " ",
    ),
  ],
  [
    "Sendmail",
    "ENHANCEDSTATUSCODES PIPELINING EXPN VERB 8BITMIME SIZE DSN ETRN AUTH STARTTLS DELIVERBY HELP".split(" "),
  ],
  [
    "Exchange 2000 and 2003",
    "TURN SIZE ETRN PIPELINING DSN ENHANCEDSTATUSCODES 8BITMIME BINARYMIME CHUNKING VRFY TLS STARTTLS X-EXPS X-EXPS=LOGIN AUTH AUTH=LOGIN X-LINK2STATE XEXCH50 OK".split(
      " ",
    ),
  ],
  [
    "Exchange",
    "SIZE PIPELINING DSN ENHANCEDSTATUSCODES STARTTLS X-ANONYMOUSTLS AUTH X-EXPS 8BITMIME BINARYMIME CHUNKING XEXCH50 SMTPUTF8 XRDST XSHADOW XSHADOWREQUEST".split(
      " ",
    ),
  ],
  ["OpenSMTPD", "8BITMIME ENHANCEDSTATUSCODES SIZE DSN STARTTLS AUTH HELP".split(" ")],
  ["qmail", "STARTTLS PIPELINING SIZE 8BITMIME AUTH AUTH=LOGIN".split(" ")],
];

/** At the place where a server's order has it a keyword is so much likelier, and elsewhere less likely. */
const IN_PLACE = 8;
const OUT_OF_PLACE = 0.3;
/** Shown of one line. */
const MAX_CANDIDATES = 5;

interface Candidate {
  readonly line: string;
  readonly weight: number;
  readonly server: string | null;
}

type Order = (typeof ORDERS)[number];

/** @param lines of the reply, the first (the server's name) left out @param masked those that are masked */
export function keywordOriginals(lines: readonly string[], masked: readonly string[]): Originals[] {
  const plain = lines.filter((line) => !masked.includes(line));
  const order = likeliestOrder(plain.map(nameOf));
  const there = new Set(plain.map(nameOf));
  const placeOf = (line: string) => order?.[1].indexOf(nameOf(line)) ?? -1;
  const found: Originals[] = [];
  let after = -1;
  lines.forEach((line, i) => {
    if (!masked.includes(line)) {
      after = Math.max(after, placeOf(line));
      return;
    }
    let until = i;
    while (until < lines.length && masked.includes(lines[until]!)) until++;
    const next = until < lines.length ? placeOf(lines[until]!) : -1;
    const run = lines.slice(i, Math.min(until, i + MAX_AHEAD)).map(({ length }) => length);
    const before = next < 0 ? Number.POSITIVE_INFINITY : next;
    const candidates = candidatesFor(run, there, order, [after, before]);
    const total = candidates.reduce((sum, { weight }) => sum + weight, 0);
    // What a line most likely is, a later one is not.
    const first = candidates[0];
    if (first !== undefined) {
      there.add(nameOf(first.line));
      after = Math.max(after, placeOf(first.line));
    }
    found.push({
      masked: line,
      candidates: candidates.slice(0, MAX_CANDIDATES).map(({ line: text, weight, server }) => ({
        text,
        inferred: `by its length of ${line.length}${server === null ? "" : `, at the place where ${server} has it`}`,
        share: Math.round((weight / total) * 100) / 100,
      })),
    });
  });
  return found;
}

/** Masked lines behind one another that are looked at together. */
const MAX_AHEAD = 4;

/** What the first of a run of masked lines may be, given what that leaves for the others. */
function candidatesFor(
  [length, ...others]: readonly number[],
  there: ReadonlySet<string>,
  order: Order | null,
  [after, before]: readonly [number, number],
): Candidate[] {
  const candidates: Candidate[] = [];
  for (const [line, usual] of LINES) {
    const name = nameOf(line);
    if (line.length !== length || there.has(name)) continue;
    // BINARYMIME cannot be offered without it.
    const needed = name === "CHUNKING" && there.has("BINARYMIME") ? 10 : 1;
    const place = order?.[1].indexOf(name) ?? -1;
    const fits = place > after && place < before;
    const factor = place < 0 ? 1 : fits ? IN_PLACE : OUT_OF_PLACE;
    let weight = usual * needed * factor;
    if (others.length > 0) {
      const from = Math.max(after, place);
      const rest = candidatesFor(others, new Set([...there, name]), order, [from, before]);
      weight *= (rest[0]?.weight ?? 1) / 100;
    }
    candidates.push({ line, weight, server: place >= 0 && fits ? order![0] : null });
  }
  return candidates.sort((a, b) => b.weight - a.weight);
}

/** The server whose order the plain keywords keep, if there is one. */
function likeliestOrder(names: readonly string[]): Order | null {
  let best: Order | null = null;
  let most = 1;
  for (const order of ORDERS) {
    const known = names.map((name) => order[1].indexOf(name)).filter((place) => place >= 0);
    const inOrder = known.every((place, i) => i === 0 || place > known[i - 1]!);
    if (!inOrder || known.length !== names.length || known.length <= most) continue;
    best = order;
    most = known.length;
  }
  return best;
}

function nameOf(line: string): string {
  return /^[^\s=]*(?:=[A-Z]+)?/.exec(line.toUpperCase())![0];
}
