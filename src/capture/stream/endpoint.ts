/** Addresses as people write them: dotted quads, and IPv6 by RFC 5952 in brackets before a port. */

// The same few thousand addresses come again and again; past the bound the cache starts anew.
const MAX_CACHED = 4096;
const dotted = new Map<number, string>();

function ipv4Text(word: number): string {
  let text = dotted.get(word);
  if (text === undefined) {
    text = `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
    if (dotted.size >= MAX_CACHED) dotted.clear();
    dotted.set(word, text);
  }
  return text;
}

/** RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups (the first such) shortened. */
function ipv6Text(words: readonly [number, number, number, number]): string {
  const groups: number[] = [];
  for (const word of words) groups.push(word >>> 16, word & 0xffff);
  let runAt = -1;
  let runLength = 1;
  for (let i = 0; i < 8; ) {
    let j = i;
    while (j < 8 && groups[j] === 0) j++;
    if (j - i > runLength) {
      runAt = i;
      runLength = j - i;
    }
    i = j === i ? i + 1 : j;
  }
  const hex = groups.map((group) => group.toString(16));
  if (runAt < 0) return hex.join(":");
  return `${hex.slice(0, runAt).join(":")}::${hex.slice(runAt + runLength).join(":")}`;
}

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
  readonly #words: readonly [number] | readonly [number, number, number, number];
  #text: string | null = null;

  constructor(buffer: Uint8Array, at: number, addressBytes: 4 | 16, port: number) {
    this.port = port;
    const first = word(buffer, at);
    this.#words =
      addressBytes === 4
        ? [first]
        : [first, word(buffer, at + 4), word(buffer, at + 8), word(buffer, at + 12)];
  }

  get text(): string {
    if (this.#text === null) {
      const words = this.#words;
      this.#text =
        words.length === 1 ? ipv4EndpointText(words[0], this.port) : `[${ipv6Text(words)}]:${this.port}`;
    }
    return this.#text;
  }
}

function word(buffer: Uint8Array, at: number): number {
  return (buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!;
}
