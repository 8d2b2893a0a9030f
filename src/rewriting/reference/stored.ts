import type { Certificate, Reference, ReferenceLine } from "../../spine/reference.ts";

/** A reference's file. What is in it was written by this program or by hand: nothing is taken on trust. */

/** More than any server says. */
export const MAX_REFERENCE_BYTES = 256 << 10;
const MAX_REPLIES = 64;
const MAX_LINES = 256;
const MAX_PARTS = 512;
const MAX_TEXT = 8_192;

/** @throws Error saying in a clause what is wrong with it */
export function parseReference(text: string): Reference {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error("it is no JSON");
  }
  const { kind, schema, server, takenAt, asked, replies, certificate } = record(value, "the file");
  if (kind !== "smtpscope-reference") throw new Error("it is no reference");
  if (schema !== 1) throw new Error("it was made by another version");
  const entries = Object.entries(record(replies, "replies"));
  if (entries.length === 0 || entries.length > MAX_REPLIES) throw new Error("it has no replies, or too many");
  return {
    kind,
    schema,
    server: string(server, "server"),
    takenAt: takenAt === null ? null : string(takenAt, "takenAt"),
    asked: typeof asked === "number" ? asked : 0,
    replies: Object.fromEntries(entries.map(([command, lines]) => [command, linesOf(lines, command)])),
    bannerPattern: null,
    certificate: certificate === null || certificate === undefined ? null : certificateOf(certificate),
  };
}

function linesOf(value: unknown, command: string): ReferenceLine[] {
  return list(value, command, MAX_LINES).map((line) =>
    list(line, command, MAX_PARTS).map((part) =>
      typeof part === "string"
        ? string(part, command)
        : { varies: string(record(part, command).varies, command) },
    ),
  );
}

function certificateOf(value: unknown): Certificate {
  const { fingerprint, subject, issuer, names } = record(value, "certificate");
  return {
    fingerprint: string(fingerprint, "fingerprint"),
    subject: string(subject, "subject"),
    issuer: string(issuer, "issuer"),
    names: list(names, "names", MAX_LINES).map((name) => string(name, "names")),
  };
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error(`${what} is no object`);
  return value as Record<string, unknown>;
}

function list(value: unknown, what: string, most: number): unknown[] {
  if (!Array.isArray(value) || value.length > most) throw new Error(`${what} is no list, or too long`);
  return value;
}

function string(value: unknown, what: string): string {
  if (typeof value !== "string" || value.length > MAX_TEXT)
    throw new Error(`${what} is no text, or too long`);
  return value;
}
