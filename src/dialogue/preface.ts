import { addressText, plainAddress } from "../spine/address.ts";
import type { Flag } from "../spine/conversation.ts";

/**
 * What may come before the SMTP dialogue on the same connection: a SOCKS 4 or 5 negotiation (RFC
 * 1928, 1929), an HTTP CONNECT (RFC 9110 §9.3.6), a PROXY protocol header v1 or v2.
 *
 * Only the lengths are understood, and whom a PROXY header speaks for; credentials pass through and nothing is
 * kept of them.
 */

const SIGNATURE_V2 = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
const PROXY_V1 = [..."PROXY "].map((letter) => letter.charCodeAt(0));
const HTTP_CONNECT = [..."CONNECT "].map((letter) => letter.charCodeAt(0));

/** A header longer than this is none: PROXY v1 has at most 107 octets, v2 and HTTP heads stay below. */
const MAX_PREFACE_BYTES = 16_384;

type Kind = "undecided" | "none" | "socks4" | "socks5" | "http-connect" | "proxy-v1" | "proxy-v2";

/** The longest thing that has to be looked at whole: a SOCKS 5 user name and password (RFC 1929). */
const MAX_LOOKED_AT_BYTES = 3 + 255 + 255;

/** What one side says in one step of a preface: how much it is, its beginning and its last four bytes. */
class Stretch {
  length = 0;
  readonly head: number[] = [];
  /** The last four bytes, the latest lowest. */
  tail = 0;
  /** NULs behind the ninth byte. */
  nuls = 0;

  push(byte: number): void {
    if (this.head.length < MAX_LOOKED_AT_BYTES) this.head.push(byte);
    this.length++;
    this.tail = (this.tail << 8) | byte;
    if (this.length > SOCKS4_HEAD_BYTES && byte === 0) this.nuls++;
  }

  get last(): number {
    return this.tail & 0xff;
  }

  /** An empty line: the end of an HTTP head. */
  get endsHead(): boolean {
    return this.tail === 0x0d0a0d0a || (this.tail & 0xffff) === 0x0a0a;
  }

  wipe(): void {
    this.head.fill(0);
    this.tail = 0;
  }
}

/** Version, command, port 2, address 4. */
const SOCKS4_HEAD_BYTES = 8;

/** Reads the preface of one connection, byte by byte: it is short, and is over before speed matters. */
export class Preface {
  kind: Kind = "undecided";
  /** The client's latest byte belongs to somebody's credentials, or may. */
  isPrivate = false;
  /** The address of the client that a PROXY header speaks for. */
  announced: string | null = null;
  /** The client's bytes while it is undecided what they are. */
  readonly #start: number[] = [];
  #client = new Stretch();
  #server = new Stretch();
  #step = 0;
  #method = 0;
  #clientDone = false;
  #serverDone = false;
  #seen = 0;

  get done(): boolean {
    return this.kind === "none" || (this.#clientDone && this.#serverDone);
  }

  get flag(): Flag | null {
    switch (this.kind) {
      case "socks4":
      case "socks5":
        return "socks";
      case "http-connect":
        return "http-connect";
      case "proxy-v1":
      case "proxy-v2":
        return "proxy-protocol";
      default:
        return null;
    }
  }

  /** True when a first byte could begin a preface, so that nearly every client is spared the look. */
  static mayBegin(byte: number): boolean {
    return byte === 4 || byte === 5 || byte === 0x0d || byte === 0x50 || byte === 0x43;
  }

  /** The client's byte that comes next belongs to somebody's credentials, or may. */
  get #nextIsPrivate(): boolean {
    const { length } = this.#client;
    switch (this.kind) {
      case "socks4":
      case "http-connect":
        return length >= 8;
      case "socks5":
        // RFC 1929: version, length of the name, the name, length of the password, the password.
        return this.#step === 1 && this.#method === 2 && length >= 2 && length !== 2 + this.#client.head[1]!;
      default:
        return false;
    }
  }

  /** It was none. */
  giveUp(): void {
    this.kind = "none";
  }

  /** Takes one byte of the client. */
  clientByte(byte: number): void {
    if (++this.#seen > MAX_PREFACE_BYTES) this.#over();
    if (this.kind === "undecided") {
      this.#start.push(byte);
      this.#decide();
      return;
    }
    this.isPrivate = this.#nextIsPrivate;
    this.#client.push(byte);
    this.#clientStep();
  }

  /** Lets go of what was read: there may be credentials in it. */
  wipe(): void {
    this.#start.fill(0);
    this.#client.wipe();
    this.#server.wipe();
  }

  /** Takes one byte of the server. */
  serverByte(byte: number): void {
    if (++this.#seen > MAX_PREFACE_BYTES) this.#over();
    this.#server.push(byte);
    this.#serverStep();
  }

  #over(): void {
    this.#clientDone = true;
    this.#serverDone = true;
  }

  #decide(): void {
    const start = this.#start;
    const kind = prefaceOf(start);
    if (kind === "undecided") return;
    this.kind = kind;
    if (kind === "none") return;
    for (const byte of start.splice(0)) this.#client.push(byte);
    if (kind === "proxy-v1" || kind === "proxy-v2") this.#serverDone = true;
    this.#clientStep();
  }

  #clientStep(): void {
    const { head, length, last, endsHead, nuls } = this.#client;
    switch (this.kind) {
      case "proxy-v1":
        if (last !== 0x0a) break;
        this.#clientDone = true;
        this.announced = announcedV1(head);
        break;
      case "proxy-v2":
        if (length < 16 || length < 16 + ((head[14]! << 8) | head[15]!)) break;
        this.#clientDone = true;
        this.announced = announcedV2(head);
        break;
      case "http-connect":
        if (endsHead) this.#clientDone = true;
        break;
      case "socks4":
        // version, command, port 2, address 4, user id NUL; 4a (address 0.0.0.x): domain NUL
        if (length > SOCKS4_HEAD_BYTES && last === 0) {
          const named = head[4] === 0 && head[5] === 0 && head[6] === 0 && head[7] !== 0;
          if (nuls >= (named ? 2 : 1)) this.#clientDone = true;
        }
        break;
      case "socks5":
        this.#socks5Client(head);
        break;
    }
  }

  #socks5Client(bytes: readonly number[]): void {
    const complete =
      this.#step === 0
        ? bytes.length >= 2 && bytes.length >= 2 + bytes[1]!
        : this.#step === 1 && this.#method === 2
          ? bytes.length >= 2 &&
            bytes.length >= 3 + bytes[1]! &&
            bytes.length >= 3 + bytes[1]! + bytes[2 + bytes[1]!]!
          : bytes.length >= 5 && bytes.length >= addressLength(bytes);
    if (!complete) return;
    if (this.#step === 2 || (this.#step === 1 && this.#method !== 2)) this.#clientDone = true;
    this.#step++;
    this.#client = new Stretch();
  }

  #serverStep(): void {
    const { head: bytes, length, endsHead } = this.#server;
    switch (this.kind) {
      case "http-connect":
        if (endsHead) this.#serverDone = true;
        break;
      case "socks4":
        if (length >= 8) this.#serverDone = true;
        break;
      case "socks5":
        if (
          this.#clientDone ? bytes.length >= 5 && bytes.length >= addressLength(bytes) : bytes.length >= 2
        ) {
          if (this.#clientDone) this.#serverDone = true;
          else if (this.#step === 1) this.#method = bytes[1]!;
          this.#server = new Stretch();
        }
        break;
      default:
        this.#serverDone = true;
    }
  }
}

/** SOCKS 5 request and reply: 4 octets, an address by its type, a port. */
function addressLength(bytes: readonly number[]): number {
  const type = bytes[3];
  return 6 + (type === 1 ? 4 : type === 4 ? 16 : 1 + bytes[4]!);
}

function prefaceOf(start: readonly number[]): Kind {
  const [first, second] = start;
  if (first === 5) return start.length < 2 ? "undecided" : second! > 0 ? "socks5" : "none";
  if (first === 4) return start.length < 2 ? "undecided" : second === 1 || second === 2 ? "socks4" : "none";
  for (const [pattern, kind] of [
    [PROXY_V1, "proxy-v1"],
    [HTTP_CONNECT, "http-connect"],
    [SIGNATURE_V2, "proxy-v2"],
  ] as const) {
    const n = Math.min(start.length, pattern.length);
    let same = true;
    for (let i = 0; i < n && same; i++) same = start[i] === pattern[i];
    if (same) return n === pattern.length ? kind : "undecided";
  }
  return "none";
}

/** `PROXY TCP4 source destination port port`; of UNKNOWN nothing is told. */
function announcedV1(head: readonly number[]): string | null {
  const [, family, source = ""] = String.fromCharCode(...head).split(" ");
  if (family !== "TCP4" && family !== "TCP6") return null;
  return /^[0-9a-fA-F.:]+$/.test(source) ? plainAddress(source) : null;
}

/** Bytes of an address by its family, which is in the upper half of the 14th byte: IPv4, IPv6. */
const ADDRESS_BYTES: Readonly<Record<number, number>> = { 1: 4, 2: 16 };
/** Version 2, and a connection on somebody's behalf; 0x20 is the sender's own. */
const V2_PROXIED = 0x21;

function announcedV2(head: readonly number[]): string | null {
  const addressBytes = ADDRESS_BYTES[head[13]! >> 4];
  if (head[12] !== V2_PROXIED || addressBytes === undefined || head.length < 16 + addressBytes) return null;
  return addressText(Uint8Array.from(head.slice(16, 16 + addressBytes)));
}
