/** One end of a captured connection, and how it is written. */

import { ipv4Text, ipv6Text } from "../../spine/address.ts";

// The same few thousand servers come again and again; past the bound the cache starts anew.
const MAX_CACHED = 4096;

/** A server's address and port come with every connection to it; clients' are rarely asked for. */
const endpoints = new Map<number, string>();

function ipv4EndpointText(word: number, port: number): string {
  const key = (word >>> 0) * 65_536 + port;
  let text = endpoints.get(key);
  if (text === undefined) {
    text = `${ipv4Text(word)}:${port}`;
    if (endpoints.size >= MAX_CACHED) endpoints.clear();
    endpoints.set(key, text);
  }
  return text;
}

/** One end of a connection, kept as numbers until somebody wants to read it. */
export class Endpoint {
  readonly port: number;
  /** The address's first 32 bits: in IPv4 all of it. */
  readonly #first: number;
  readonly #words: readonly [number, number, number, number] | null;
  #text: string | null = null;

  constructor(buffer: Uint8Array, at: number, addressBytes: 4 | 16, port: number) {
    this.port = port;
    this.#first = word(buffer, at);
    this.#words =
      addressBytes === 4
        ? null
        : [this.#first, word(buffer, at + 4), word(buffer, at + 8), word(buffer, at + 12)];
  }

  get address(): string {
    return addressOf(this.text);
  }

  get text(): string {
    if (this.#text === null) {
      const words = this.#words;
      this.#text =
        words === null ? ipv4EndpointText(this.#first, this.port) : `[${ipv6Text(words)}]:${this.port}`;
    }
    return this.#text;
  }
}

/** `192.0.2.1:25` without its port, `[2001:db8::1]:25` without brackets and port. */
export function addressOf(endpoint: string): string {
  const address = endpoint.slice(0, endpoint.lastIndexOf(":"));
  return address.startsWith("[") ? address.slice(1, -1) : address;
}

function word(buffer: Uint8Array, at: number): number {
  return (buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!;
}
