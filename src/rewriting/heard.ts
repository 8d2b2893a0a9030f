import type { Exchange, RawText } from "../spine/exchange.ts";
import { BANNER } from "../spine/phase.ts";
import type { Found } from "./looking.ts";
import type { Greeting } from "./shared-banners.ts";
import { type Heard, hostIn, type Reply, replyOf } from "./view.ts";

/**
 * What each server says at the beginning, remembered: most dialogues begin alike, and what was found in
 * one is found in the next. Looking closer costs microseconds, comparing with what was heard before a
 * tenth of one.
 *
 * Where nothing was found, what changes from dialogue to dialogue (dates, queue ids, the client's name in
 * the reply to EHLO) does not count.
 */

/** Looks closer at what was heard. */
export type Look = (heard: Heard, stage: "banner" | "hello", server: string) => readonly Found[];

/** Beginnings remembered of one server (banners, and replies to EHLO behind each): load balancers have a few. */
const MAX_BEGINNINGS = 8;
/** Servers remembered; when there are more, all are forgotten. */
const MAX_SERVERS = 4_096;

/** A banner, or a reply to EHLO behind one. */
export class Beginning implements Heard {
  readonly banner: Reply | null;
  readonly hello: Reply | null;
  readonly found: readonly Found[];
  /** The banner that this reply to EHLO came behind; itself for a banner. */
  readonly root: Beginning;
  readonly next: Beginning[] = [];
  replaced = 0;
  /** The name that the server gives itself in it. */
  readonly host: string | null;
  /** Who else gives this banner; undefined while nobody has asked. */
  shared: Greeting | null | undefined = undefined;
  readonly #phaseIndex: number;
  readonly #bytes: Uint8Array;
  readonly #exact: boolean;

  /** @param lines of the banner, where it has more than its reply */
  constructor(
    root: Beginning | null,
    exchange: Exchange | null,
    found: (heard: Heard) => readonly Found[],
    exact: boolean,
    lines: readonly string[] | null = null,
  ) {
    const said = exchange === null ? null : replyOf(exchange);
    const reply = said === null || lines === null ? said : { ...said, lines };
    const isBanner = root === null;
    this.root = root ?? this;
    this.banner = isBanner ? reply : root.banner;
    this.hello = isBanner ? null : reply;
    this.host = hostIn(this.hello?.lines[0]);
    this.found = found(this);
    this.#phaseIndex = exchange?.phaseIndex ?? BANNER;
    this.#bytes = exchange === null ? new Uint8Array(0) : copyOf(exchange.replyBytes);
    this.#exact = exact || this.found.length > 0;
  }

  /** The reply says the same as this one. */
  isSaidBy(exchange: Exchange): boolean {
    if (exchange.phaseIndex !== this.#phaseIndex) return false;
    const { bytes, length } = exchange.replyBytes;
    const known = this.#bytes;
    let i = 0;
    let j = 0;
    if (this.#phaseIndex !== BANNER && !this.#exact) {
      // Behind the server's name is that of the client.
      while (i < known.length && known[i] === bytes[i] && (i < 4 || known[i]! > SPACE)) i++;
      if (i === known.length || known[i]! > SPACE || bytes[i]! > SPACE) return false;
      j = i;
      while (i < known.length && known[i] !== LF) i++;
      while (j < length && bytes[j] !== LF) j++;
    }
    if (known.length - i !== length - j) return false;
    for (; j < length; i++, j++) {
      if (known[i] !== bytes[j] && (this.#exact || !vary(known, i, bytes, j))) return false;
    }
    return true;
  }
}

const LF = 0x0a;
const SPACE = 0x20;

function copyOf({ bytes, length }: RawText): Uint8Array {
  return bytes.slice(0, length);
}

/** Two digits; or letters and digits in a word that has a digit in both: a time, a version, an id. */
function vary(a: Uint8Array, i: number, b: Uint8Array, j: number): boolean {
  if (isDigit(a[i]!) && isDigit(b[j]!)) return true;
  return isWord(a[i]!) && isWord(b[j]!) && hasDigit(a, i) && hasDigit(b, j);
}

function hasDigit(bytes: Uint8Array, at: number): boolean {
  let from = at;
  while (from > 0 && isWord(bytes[from - 1]!)) from--;
  for (let i = from; i < bytes.length && isWord(bytes[i]!); i++) if (isDigit(bytes[i]!)) return true;
  return false;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isWord(byte: number): boolean {
  return isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a);
}

/** What all servers say. */
export class Beginnings {
  readonly #look: Look;
  readonly #exact: boolean;
  readonly #servers = new Map<string, Beginning>();
  #lastServer = "";
  #lastRoots: Beginning | null = null;

  /** @param exact whether every byte counts: what is heard is compared with a reference */
  constructor(look: Look, exact: boolean) {
    this.#look = look;
    this.#exact = exact;
  }

  /** @param lines of the banner, where some have no code: there are too few such servers to remember what they say */
  banner(server: string, exchange: Exchange, lines: readonly string[] | null): Beginning {
    if (lines !== null) {
      const look = (heard: Heard) => this.#look(heard, "banner", server);
      return new Beginning(null, exchange, look, this.#exact, lines);
    }
    return this.#among(this.#of(server), null, exchange, server);
  }

  /** @param before what was heard in this dialogue so far; null where its banner was not captured */
  hello(server: string, exchange: Exchange, before: Beginning | null): Beginning {
    const root = before?.root ?? this.#of(server);
    return this.#among(root, root, exchange, server);
  }

  /** What stands for a server's banner that was not seen; behind it are its banners. */
  #of(server: string): Beginning {
    if (server === this.#lastServer && this.#lastRoots !== null) return this.#lastRoots;
    let roots = this.#servers.get(server);
    if (roots === undefined) {
      if (this.#servers.size >= MAX_SERVERS) this.#servers.clear();
      roots = new Beginning(null, null, () => [], true);
      this.#servers.set(server, roots);
    }
    this.#lastServer = server;
    this.#lastRoots = roots;
    return roots;
  }

  #among(parent: Beginning, root: Beginning | null, exchange: Exchange, server: string): Beginning {
    for (const known of parent.next) if (known.isSaidBy(exchange)) return known;
    const stage = root === null ? "banner" : "hello";
    const beginning = new Beginning(root, exchange, (heard) => this.#look(heard, stage, server), this.#exact);
    if (parent.next.length < MAX_BEGINNINGS) parent.next.push(beginning);
    else parent.next[parent.replaced++ % MAX_BEGINNINGS] = beginning;
    return beginning;
  }
}
