/**
 * SMTP for who has everything before them: both sides' whole bytes, from fields that tshark printed.
 * Replies and commands are numbered, and the n-th reply answers the n-th command. Good enough for
 * captures in which nothing is missing and nobody speaks out of turn; shares nothing with the product.
 */
import { fields, microsOf } from "./stream/tshark.ts";

/** One packet's payload in its sender's stream. */
interface Piece {
  frame: number;
  atUs: number;
  offset: number;
  length: number;
}

export interface NaiveSide {
  bytes: Buffer;
  /** Of each byte, the first packet that held it. */
  first: Piece[];
  pieces: Piece[];
}

export interface NaiveStream {
  number: number;
  client: NaiveSide;
  server: NaiveSide;
}

export interface NaiveSpan {
  from: number;
  to: number;
}

export interface NaiveExchange {
  verb: string;
  code: number | null;
  asked: NaiveSpan | null;
  answered: NaiveSpan | null;
}

const NAMES = [
  "frame.number",
  "frame.time_epoch",
  "tcp.stream",
  "tcp.srcport",
  "tcp.dstport",
  "tcp.seq_raw",
  "tcp.flags.syn",
  "tcp.payload",
];

/** All streams of a file; who has the lower port is the server. */
export async function naiveStreams(file: string): Promise<NaiveStream[]> {
  const streams = new Map<number, { [side in "client" | "server"]: { start: number | null; rows: Row[] } }>();
  for (const [frame, epoch, number, source, destination, sequence, syn, payload = ""] of await fields(
    file,
    NAMES,
    "tcp && !icmp && !icmpv6",
  )) {
    const stream = streams.get(Number(number)) ?? {
      client: { start: null, rows: [] },
      server: { start: null, rows: [] },
    };
    streams.set(Number(number), stream);
    const side = Number(source) < Number(destination) ? stream.server : stream.client;
    const at = syn === "1" ? (Number(sequence) + 1) >>> 0 : Number(sequence);
    side.start ??= at;
    if (payload !== "")
      side.rows.push({
        frame: Number(frame),
        atUs: microsOf(epoch!),
        offset: (at - side.start) | 0,
        payload: Buffer.from(payload, "hex"),
      });
  }
  return [...streams].map(([number, { client, server }]) => ({
    number,
    client: sideOf(client.rows),
    server: sideOf(server.rows),
  }));
}

interface Row {
  frame: number;
  atUs: number;
  offset: number;
  payload: Buffer;
}

function sideOf(rows: readonly Row[]): NaiveSide {
  const first: Piece[] = [];
  const values: number[] = [];
  const pieces: Piece[] = [];
  for (const { frame, atUs, offset, payload } of rows) {
    const piece = { frame, atUs, offset, length: payload.length };
    pieces.push(piece);
    payload.forEach((value, i) => {
      if (first[offset + i] !== undefined) return;
      first[offset + i] = piece;
      values[offset + i] = value;
    });
  }
  return { bytes: Buffer.from(values), first, pieces };
}

/** Every exchange up to the end or to TLS; null where it is TLS from the start or the server said nothing. */
export function naiveExchanges({ client, server }: NaiveStream): NaiveExchange[] | null {
  if (server.bytes.length === 0 || server.bytes[0] === 0x16) return null;
  const replies = repliesOf(server.bytes);
  const exchanges: NaiveExchange[] = [];
  const add = (verb: string, asked: NaiveSpan | null) => {
    const reply = replies[exchanges.length];
    exchanges.push({ verb, asked, code: reply?.code ?? null, answered: reply ?? null });
    return reply?.code ?? null;
  };
  add("(connect)", null);
  const { bytes } = client;
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf("\r\n", at) + 2;
    if (end < 2) break;
    const [verb = "", size = "0"] = bytes.toString("latin1", at, end).trim().toUpperCase().split(/\s+/);
    const to = verb === "BDAT" ? end + Number(size) : end;
    const code = add(verb, { from: at, to });
    at = to;
    // A client that does not like the answer may go on in clear: only a record of a handshake is TLS.
    if (verb === "STARTTLS" && code === 220 && bytes[at] === 0x16) break;
    if (verb === "DATA" && code === 354) {
      const close = bytes.indexOf("\r\n.\r\n", at - 2);
      if (close < 0) break;
      at = close + 5;
      add("(end-of-data)", { from: at - 1, to: at });
    }
  }
  return exchanges;
}

function repliesOf(bytes: Buffer): (NaiveSpan & { code: number })[] {
  const replies: (NaiveSpan & { code: number })[] = [];
  const text = bytes.toString("latin1");
  for (const match of text.matchAll(/(?:\d{3}-[^\n]*\n)*(\d{3})(?: [^\n]*)?\r\n/gy))
    replies.push({ code: Number(match[1]), from: match.index, to: match.index + match[0].length });
  return replies;
}

/** First and last byte of a span: packets and times, as one line. */
export function spanLine(side: NaiveSide, span: NaiveSpan | null): string {
  if (span === null) return "-";
  const first = side.first[span.from]!;
  const last = side.first[span.to - 1]!;
  return `${first.frame}-${last.frame} ${first.atUs}-${last.atUs}`;
}

/** Later packets with bytes of the span; one byte sent again just behind what was acknowledged is a keep-alive. */
export function copiesIn(side: NaiveSide, span: NaiveSpan | null): number {
  if (span === null) return 0;
  return side.pieces.filter((piece) => {
    for (
      let at = Math.max(span.from, piece.offset);
      at < Math.min(span.to, piece.offset + piece.length);
      at++
    ) {
      if (side.first[at] !== piece) return true;
    }
    return false;
  }).length;
}
