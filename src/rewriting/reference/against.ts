import type { Certificate, Reference, ReferenceLine } from "../../spine/reference.ts";
import { type ByteString, endOf } from "../compare/line.ts";
import { compareReplies, type LineDifference, replyLines } from "../compare/reply.ts";
import { showDifference } from "../compare/show.ts";
import type { RewritingId, Sighting } from "../signature.ts";
import type { Reply } from "../view.ts";
import { bannerRegexp } from "./learn.ts";
import { filledFrom, matches } from "./pattern.ts";

/** What arrived against what the server itself says: each difference named. */

export interface Proven {
  readonly id: RewritingId;
  readonly sighting: Sighting;
}

/**
 * @param references several are several servers, or one asked at several times: what is as one of them is not changed
 * @param command what was asked: (connect), EHLO, NOOP …
 */
export function againstReferences(
  references: readonly Reference[],
  command: string,
  reply: Reply,
): readonly Proven[] {
  let fewest: readonly Proven[] | null = null;
  for (const reference of references) {
    const proven = against(reference, command, reply);
    if (proven === null) continue;
    if (proven.length === 0) return proven;
    if (fewest === null || proven.length < fewest.length) fewest = proven;
  }
  return fewest ?? [];
}

/**
 * One with the same issuer and subject is the same one renewed, or one of two (RSA and ECDSA) that the server has.
 * @returns null where it is the server's, or no reference has one
 */
export function againstCertificates(references: readonly Reference[], shown: Certificate): Proven | null {
  const own = references.flatMap(({ certificate }) => certificate ?? []);
  const isOwn = ({ fingerprint, issuer, subject }: Certificate) =>
    fingerprint === shown.fingerprint || (issuer === shown.issuer && subject === shown.subject);
  if (own.length === 0 || own.some(isOwn)) return null;
  const text = `the certificate: the server's is of ${own[0]!.subject} by ${own[0]!.issuer}; what arrived: of ${shown.subject} by ${shown.issuer}`;
  const variant = `${text} (SHA-256 ${shown.fingerprint})`;
  return { id: "rewriting/tls-replaced", sighting: { variant, confidence: 0.95, text } };
}

/** @returns null where the reference says nothing of it */
function against(reference: Reference, command: string, reply: Reply): Proven[] | null {
  if (command === "(connect)" && reference.bannerPattern !== null)
    return againstPattern(reference.bannerPattern, reply);
  const lines = reference.replies[command];
  if (lines === undefined) return null;
  const arrived = replyLines(reply.raw);
  const before = lines.map((line, i) => asSaid(line, i, lines, arrived)).join("");
  return compareReplies(before, reply.raw, command === "EHLO" && lines.length > 1).map((difference) => ({
    id: idOf(command, difference),
    sighting: sightingOf(command, difference),
  }));
}

function againstPattern(pattern: string, reply: Reply): Proven[] {
  const text = reply.lines.map((line) => line.slice(4)).join("\n");
  if (bannerRegexp(pattern).test(text) || bannerRegexp(pattern).test(reply.lines.join("\n"))) return [];
  const masked = reply.lines.every((line) => /^220[ -]?[*20 ]*$/.test(line)) && text.includes("*");
  const variant = reply.lines.join(" / ");
  const sighting = { variant, confidence: 0.95, text: `${variant}, and /${pattern}/ was expected` };
  return [{ id: masked ? "rewriting/banner-masked" : "rewriting/banner-changed", sighting }];
}

/** The reference's line as it would have been said here, by the line that arrived in its place. */
function asSaid(
  line: ReferenceLine,
  at: number,
  lines: readonly ReferenceLine[],
  arrived: readonly ByteString[],
): ByteString {
  const isLast = at === lines.length - 1;
  for (const other of arrived) {
    // The hyphen in front of the text depends on what follows, and what follows may be missing here.
    const [text] = separated([other], isLast);
    if (matches(line, text!)) return text!;
  }
  const there = arrived[at];
  return filledFrom(line, there === undefined ? "" : separated([there], isLast)[0]!);
}

function separated(lines: readonly ByteString[], isLast: boolean): ByteString[] {
  return lines.map((line) => line.replace(/^(\d{3})[ -]/, isLast ? "$1 " : "$1-"));
}

function idOf(command: string, { changes, keyword }: LineDifference): RewritingId {
  const main = changes.find((change) => change !== "code" && change !== "keyword-changed") ?? changes[0]!;
  if (command === "(connect)")
    return main === "masked" ? "rewriting/banner-masked" : "rewriting/banner-changed";
  if (keyword === null) return "rewriting/reply-changed";
  const isTls = keyword === "STARTTLS";
  if (main === "masked") return isTls ? "rewriting/starttls-masked" : "rewriting/ehlo-keyword-masked";
  if (main === "keyword-removed") return isTls ? "rewriting/starttls-removed" : "rewriting/keyword-removed";
  return "rewriting/keyword-changed";
}

function sightingOf(command: string, difference: LineDifference): Sighting {
  const { changes, before, after } = difference;
  const shown = showDifference(before, after);
  const what = command === "(connect)" ? "the banner" : `the reply to ${command}`;
  const from = before === null ? "nothing" : bare(before);
  const to = after === null ? "nothing" : bare(after);
  return {
    variant: `${what}: ${from} → ${to} (${changes.join(", ")})`,
    // It was asked at another time, perhaps from another place.
    confidence: 0.95,
    text: `${what}: the server says ${from}; what arrived: ${to}`,
    difference: { kinds: changes, ...shown },
  };
}

function bare(line: ByteString): ByteString {
  return line.slice(0, endOf(line));
}
