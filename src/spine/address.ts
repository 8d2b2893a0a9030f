/**
 * Addresses and networks as written, as words of 32 bits, and whether one lies in the other. An IPv4 address that came
 * mapped into IPv6 (`::ffff:192.0.2.1`, what a dual-stack socket reports) is that IPv4 address.
 *
 * Absent on purpose: names (a filter never asks the DNS), zones, and the short IPv4 forms of
 * inet_aton, where `10.1` is 10.0.0.1.
 */

interface Address {
  /** One 32-bit word for IPv4, four for IPv6. */
  readonly words: readonly number[];
  readonly port: number | null;
}

/** What a filter compares an address with: a host, a host and port, or a network. */
export interface Network extends Address {
  readonly prefixBits: number;
}

/** @returns null when the text is no address, `address:port` or CIDR network. */
export function parseNetwork(text: string): Network | null {
  const slash = text.indexOf("/");
  if (slash < 0) {
    const host = parseAddress(text);
    return host === null ? null : { ...host, prefixBits: host.words.length * 32 };
  }
  const written = text.slice(0, slash);
  const words = parseV4(written) ?? parseV6(written);
  if (words === null || !/^\d{1,3}$/.test(text.slice(slash + 1))) return null;
  const prefixBits = Number(text.slice(slash + 1));
  if (prefixBits > words.length * 32) return null;
  const plain = unmapped(words);
  const lost = (words.length - plain.length) * 32;
  if (prefixBits < lost) return { words, port: null, prefixBits };
  return { words: plain, port: null, prefixBits: prefixBits - lost };
}

/** @returns a test of `address:port` texts. Runs of one same text, as a dialogue gives, are read once. */
export function inNetworks(networks: readonly Network[]): (endpoint: string) => boolean {
  let lastText = "";
  let lastResult = false;
  return (endpoint) => {
    if (endpoint !== lastText) {
      const address = parseAddress(endpoint);
      lastResult = address !== null && networks.some((network) => contains(network, address));
      lastText = endpoint;
    }
    return lastResult;
  };
}

/** @returns the port at the end of an `address:port` text, or null. */
export function portOf(endpoint: string): number | null {
  const port = /^(?:\[.*\]|[^:]*):(\d{1,5})$/.exec(endpoint)?.[1];
  return port === undefined ? null : Number(port);
}

/** @returns the address in an `address:port` text, without brackets */
export function hostOf(endpoint: string): string {
  return /^\[(.*)\](?::\d*)?$/.exec(endpoint)?.[1] ?? endpoint.replace(/:\d*$/, "");
}

// The same few thousand addresses come again and again; past the bound the cache starts anew.
const MAX_CACHED = 4096;
const dotted = new Map<number, string>();

/** `192.0.2.1` */
export function ipv4Text(word: number): string {
  let text = dotted.get(word);
  if (text === undefined) {
    text = `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
    if (dotted.size >= MAX_CACHED) dotted.clear();
    dotted.set(word, text);
  }
  return text;
}

/** RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups (the first such) shortened. */
export function ipv6Text(words: readonly [number, number, number, number]): string {
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

/** @returns 4 or 16 bytes in network order (4 for IPv4 mapped into IPv6); null for names and zones. */
export function addressBytes(text: string): Uint8Array | null {
  const written = parseV4(text) ?? parseV6(text);
  if (written === null) return null;
  const words = unmapped(written);
  const bytes = new DataView(new ArrayBuffer(words.length * 4));
  for (const [index, word] of words.entries()) bytes.setUint32(index * 4, word);
  return new Uint8Array(bytes.buffer);
}

/** The address that 4 or 16 bytes in network order are; the inverse of `addressBytes`. */
export function addressText(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length === 4) return ipv4Text(view.getUint32(0));
  const words = [view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12)] as const;
  return words[0] === 0 && words[1] === 0 && words[2] === 0xffff ? ipv4Text(words[3]) : ipv6Text(words);
}

/** As addresses are written here (RFC 5952; IPv4 mapped into IPv6 as IPv4); what is no address stays as it is. */
export function plainAddress(text: string): string {
  const bytes = addressBytes(text);
  return bytes === null ? text : addressText(bytes);
}

/** The address that a name begins with backwards, as reverse lookups and block lists are asked, and the zone behind it. */
export function reversedAddress(name: string): { readonly address: string; readonly zone: string } | null {
  // First: "6.6.0.0.…" may also begin with four numbers.
  const v6 = /^((?:[0-9a-f]\.){32})(.+)$/.exec(name);
  if (v6 !== null) {
    const nibbles = v6[1]!.replaceAll(".", "").split("").reverse().join("");
    return { address: addressText(Buffer.from(nibbles, "hex")), zone: v6[2]! };
  }
  const v4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(.+)$/.exec(name);
  if (v4 === null) return null;
  return { address: `${v4[4]}.${v4[3]}.${v4[2]}.${v4[1]}`, zone: v4[5]! };
}

function contains(network: Network, address: Address): boolean {
  if (network.words.length !== address.words.length) return false;
  if (network.port !== null && network.port !== address.port) return false;
  let bits = network.prefixBits;
  for (let i = 0; bits > 0; i++, bits -= 32) {
    const mask = bits >= 32 ? -1 : -1 << (32 - bits);
    if (((network.words[i]! ^ address.words[i]!) & mask) !== 0) return false;
  }
  return true;
}

function parseAddress(text: string): Address | null {
  const bracketed = /^\[([^\]]*)\](?::(\d{1,5}))?$/.exec(text);
  const plain = bracketed ?? /^([^:]*)(?::(\d{1,5}))?$/.exec(text);
  const port = plain?.[2] === undefined ? null : Number(plain[2]);
  if (port !== null && port > 65_535) return null;
  const words =
    bracketed !== null ? parseV6(bracketed[1]!) : plain !== null ? parseV4(plain[1]!) : parseV6(text);
  return words === null ? null : { words: unmapped(words), port };
}

function unmapped(words: readonly number[]): readonly number[] {
  const mapped = words.length === 4 && words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
  return mapped ? words.slice(3) : words;
}

const DOT = 46;
const ZERO = 48;

/** Digit by digit: a filter may have a hundred thousand of them to read at once. */
function parseV4(text: string): number[] | null {
  let [word, byte, digits, bytes] = [0, 0, 0, 0];
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : DOT;
    if (code === DOT) {
      if (digits === 0 || byte > 255 || bytes === 4) return null;
      word = word * 256 + byte;
      bytes++;
      [byte, digits] = [0, 0];
    } else if (code >= ZERO && code <= ZERO + 9 && digits < 3) {
      byte = byte * 10 + code - ZERO;
      digits++;
    } else return null;
  }
  return bytes === 4 ? [word] : null;
}

function parseV6(text: string): number[] | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const head = groups(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? groups(halves[1]!, true) : [];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  // RFC 4291 lets `::` stand for one group or more; written out there must be exactly eight.
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const all = [...head, ...new Array<number>(missing).fill(0), ...tail];
  return [0, 2, 4, 6].map((i) => ((all[i]! << 16) | all[i + 1]!) >>> 0);
}

/** @returns 16-bit groups; the last may be a dotted quad, which is two, where the address ends. */
function groups(text: string, ends: boolean): number[] | null {
  if (text === "") return [];
  const found: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    const quad = ends && index === parts.length - 1 ? parseV4(part) : null;
    if (quad !== null) found.push(quad[0]! >>> 16, quad[0]! & 0xffff);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) found.push(Number.parseInt(part, 16));
    else return null;
  }
  return found;
}
