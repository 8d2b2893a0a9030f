import { createRequire } from "node:module";
import type { Answer, Packet } from "dns-packet";
import type { Lookup } from "../../spine/packets.ts";
import { escapeText } from "../../spine/text.ts";
import type { EndCause, GapCause, Side, StreamSink } from "../../spine/wire.ts";

/**
 * The DNS that is seen beside the mail: questions are put together with their answers and retries.
 * The wire format is read by dns-packet; messages are hostile input, and what it refuses is left out.
 */

export const DNS_PORT = 53;

/** Questions that are remembered, for their answers and late second ones; whoever asks more gets the oldest forgotten. */
const MAX_PENDING = 4_096;
/** Answers kept of one message: what is chained on are the first few. */
const MAX_ANSWERS = 16;
/** A stub's answers are far smaller; a zone transfer is nobody's reverse lookup. */
const MAX_MESSAGE_BYTES = 16_384;
/** A question that comes again this late (µs) is a new one: resolvers give up after some 60 s. */
const RETRY_US = 75_000_000;

/** Loaded when the first message is there: most captures have none, and loading costs as much as reading 15,000 packets. */
let decode: ((message: Buffer) => Packet) | null = null;

function decoder(): (message: Buffer) => Packet {
  decode ??= (createRequire(import.meta.url)("dns-packet") as typeof import("dns-packet")).decode;
  return decode;
}

type Pending = { -readonly [K in keyof Lookup]: Lookup[K] };

export class Lookups {
  readonly #pending = new Map<string, Pending>();
  readonly #emit: (lookup: Lookup) => void;

  /** @param emit told of each question once, when it is first asked */
  constructor(emit: (lookup: Lookup) => void) {
    this.#emit = emit;
  }

  /** One DNS message from `sender` to `receiver`. */
  message(
    buffer: Uint8Array,
    start: number,
    end: number,
    sender: string,
    receiver: string,
    overTcp: boolean,
    atUs: number,
    frame: number,
  ): void {
    if (end - start < 17 || end - start > MAX_MESSAGE_BYTES || atUs < 0) return;
    let packet: Packet;
    try {
      packet = decoder()(Buffer.from(buffer.subarray(start, end)));
    } catch {
      return;
    }
    const question = packet.questions?.[0];
    if (question === undefined) return;
    const isAnswer = packet.type === "response";
    const name = nameText(question.name);
    const key = `${isAnswer ? receiver : sender} ${packet.id} ${question.type} ${name}`;
    if (isAnswer) this.#answer(key, packet, overTcp, atUs, frame);
    else {
      const edns = (packet.additionals ?? []).some(({ type }) => type === "OPT");
      this.#ask(key, { asker: sender, resolver: receiver, name, type: question.type, edns }, atUs, frame);
    }
  }

  #ask(
    key: string,
    question: Pick<Lookup, "asker" | "resolver" | "name" | "type" | "edns">,
    atUs: number,
    frame: number,
  ): void {
    const known = this.#pending.get(key);
    const isOpen = known !== undefined && (known.answeredAtUs === null || known.truncated);
    if (known !== undefined && isOpen && atUs - known.lastAskedAtUs < RETRY_US) {
      // The same over TCP is no retry: the answer was too long.
      if (!known.truncated) known.queries++;
      known.lastAskedAtUs = atUs;
      return;
    }
    this.#pending.delete(key);
    if (this.#pending.size >= MAX_PENDING) {
      const oldest = this.#pending.keys().next();
      if (!oldest.done) this.#pending.delete(oldest.value);
    }
    const lookup: Pending = {
      ...question,
      askedAtUs: atUs,
      askedFrame: frame,
      queries: 1,
      lastAskedAtUs: atUs,
      answeredAtUs: null,
      answeredFrame: 0,
      rcode: null,
      responses: 0,
      answers: [],
      truncated: false,
      overTcp: false,
    };
    this.#pending.set(key, lookup);
    this.#emit(lookup);
  }

  #answer(key: string, packet: Packet, overTcp: boolean, atUs: number, frame: number): void {
    const lookup = this.#pending.get(key);
    if (lookup === undefined || atUs < lookup.askedAtUs) return;
    lookup.responses++;
    if (lookup.answeredAtUs !== null && !lookup.truncated) return;
    lookup.answeredAtUs = atUs;
    lookup.answeredFrame = frame;
    lookup.rcode = "rcode" in packet ? String(packet.rcode) : null;
    lookup.answers = (packet.answers ?? []).slice(0, MAX_ANSWERS).flatMap(answerText);
    lookup.overTcp = overTcp;
    lookup.truncated = "flag_tc" in packet && packet.flag_tc === true && !overTcp;
  }
}

function nameText(name: string): string {
  return escapeText(name.toLowerCase().replace(/\.$/, ""));
}

function answerText(answer: Answer): string[] {
  switch (answer.type) {
    case "A":
    case "AAAA":
    case "PTR":
    case "CNAME":
    case "NS":
      return [nameText(answer.data)];
    case "MX":
      return [nameText(answer.data.exchange)];
    default:
      return [];
  }
}

/** Looks for DNS messages in a TCP connection (RFC 7766) on its way to another sink. */
export class DnsStream implements StreamSink {
  readonly #inner: StreamSink;
  readonly #lookups: Lookups;
  readonly #addresses: Record<Side, string>;
  readonly #waiting: Record<Side, Buffer | null> = { client: Buffer.alloc(0), server: Buffer.alloc(0) };

  constructor(inner: StreamSink, lookups: Lookups, client: string, server: string) {
    this.#inner = inner;
    this.#lookups = lookups;
    this.#addresses = { client, server };
  }

  get wanted(): boolean {
    return this.#inner.wanted || this.#waiting.client !== null || this.#waiting.server !== null;
  }

  bytes(from: Side, atUs: number, frame: number, buffer: Uint8Array, start: number, end: number): void {
    if (this.#inner.wanted) this.#inner.bytes(from, atUs, frame, buffer, start, end);
    let waiting = this.#waiting[from];
    if (waiting === null) return;
    waiting = Buffer.concat([waiting, buffer.subarray(start, end)]);
    while (waiting.length >= 2 && waiting.length >= 2 + waiting.readUInt16BE(0)) {
      const to = 2 + waiting.readUInt16BE(0);
      const [sender, receiver] =
        from === "client"
          ? [this.#addresses.client, this.#addresses.server]
          : [this.#addresses.server, this.#addresses.client];
      this.#lookups.message(waiting, 2, to, sender, receiver, true, atUs, frame);
      waiting = waiting.subarray(to);
    }
    this.#waiting[from] = waiting.length > MAX_MESSAGE_BYTES ? null : waiting;
  }

  gap(from: Side, atUs: number, frame: number, lengthBytes: number, why: GapCause): void {
    if (this.#inner.wanted) this.#inner.gap(from, atUs, frame, lengthBytes, why);
    this.#waiting[from] = null;
  }

  copy(from: Side, fromOffset: number, toOffset: number, frame: number): void {
    if (this.#inner.wanted) this.#inner.copy(from, fromOffset, toOffset, frame);
  }

  end(from: Side, atUs: number, how: EndCause): void {
    if (this.#inner.wanted) this.#inner.end(from, atUs, how);
  }

  close(atUs: number): void {
    this.#inner.close(atUs);
  }
}
