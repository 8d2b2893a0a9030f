import type { Conversation } from "../spine/conversation.ts";
import type { Exchange, RawText } from "../spine/exchange.ts";
import type { ByteString } from "./compare/line.ts";

/** What signatures look at: as much of a dialogue as has been seen, byte for byte. */

/** What a server says before mail is spoken of: the same in dialogue after dialogue. */
export interface Heard {
  readonly banner: Reply | null;
  /** The latest reply to EHLO, LHLO or HELO. */
  readonly hello: Reply | null;
}

/** One command and its reply, with what was heard before. */
export interface Moment {
  readonly exchange: Exchange;
  readonly conversation: Conversation;
  readonly heard: Heard;
}

export interface Reply {
  /** Of what it answers: EHLO, HELO, (connect) … */
  readonly verb: string;
  readonly code: number | null;
  /** As it came, line ends included. */
  readonly raw: ByteString;
  /** Without line ends. */
  readonly lines: readonly ByteString[];
}

/** A line of an EHLO reply, as `AUTH PLAIN LOGIN`. */
export interface Keyword {
  /** In capitals. */
  readonly name: string;
  /** Without code and separator. */
  readonly text: ByteString;
}

export function replyOf(exchange: Exchange): Reply {
  const { verb, code, replyBytes } = exchange;
  const raw = byteString(replyBytes);
  return { verb, code, raw, lines: linesOf(raw) };
}

function byteString({ bytes, length }: RawText): ByteString {
  return Buffer.from(bytes.buffer, bytes.byteOffset, length).toString("latin1");
}

function linesOf(raw: ByteString): ByteString[] {
  const lines = raw.split("\n").map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/** What an EHLO reply offers; empty for HELO. */
export function keywordsOf(hello: Reply | null): Keyword[] {
  if (hello === null || hello.code !== 250) return [];
  return hello.lines.slice(1).map((line) => {
    const text = line.slice(4);
    return { name: /^[^\s=]*/.exec(text)![0].toUpperCase(), text };
  });
}

/** The host that a banner or an EHLO reply names itself by, of its first line; null where there is none. */
export function hostIn(line: ByteString | undefined): string | null {
  const word = /^\d{3}[ -]([^\s;,]+)/.exec(line ?? "")?.[1];
  return word !== undefined && isHost(word) ? word.toLowerCase() : null;
}

/** A name of a host, with a domain. */
export function isHost(name: string): boolean {
  return HOST.test(name);
}

const HOST = /^(?=.{4,253}$)[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?)+$/i;

/** The last two labels, three where the second is a registry's. */
export function domainOf(host: string): string {
  const labels = host.split(".");
  const deep = labels.at(-1)!.length === 2 && REGISTRIES.has(labels.at(-2) ?? "");
  return labels.slice(deep ? -3 : -2).join(".");
}

/** Second-level labels under which countries register names, as in `co.uk`. */
const REGISTRIES: ReadonlySet<string> = new Set(
  "ac asn co com edu gob gouv gov govt go id ltd mil ne net nhs or org plc sch".split(" "),
);
