/**
 * The PROXY protocol, versions 1 and 2: in front of a connection's first byte, who the client is and where
 * it was going. Written to a server that expects it; read from load balancers that are trusted.
 *
 * Absent on purpose: what TLVs say (they are skipped), and datagrams and Unix sockets, which are as good as
 * an unknown client.
 * @see https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt
 */
import { isIPv4, isIPv6 } from "node:net";
import { addressBytes, addressText } from "../spine/address.ts";

export type ProxyVersion = "v1" | "v2";

interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Who connected to whom: two addresses of one family. */
export interface Parties {
  readonly source: Endpoint;
  readonly destination: Endpoint;
}

/**
 * What a connection began with. `parties` are null where the sender speaks for itself (a health check:
 * LOCAL, UNKNOWN) or of something that is no TCP connection; the connection's own addresses hold then.
 */
export type ProxyHeader =
  | { readonly kind: "more" }
  | { readonly kind: "header"; readonly parties: Parties | null; readonly lengthBytes: number }
  | { readonly kind: "malformed"; readonly why: string };

const MORE: ProxyHeader = { kind: "more" };

/** The longest line of version 1, CRLF included, as the protocol defines it. */
const MAX_V1_BYTES = 107;

/** Of version 2: 16 + up to 65,535 by its format; certificates in TLVs are a few hundred, nobody sends more than this. */
const MAX_V2_BYTES = 4_096;

/** As much as can be wanted before the answer is anything but "more". */
export const MAX_PROXY_HEADER_BYTES = MAX_V2_BYTES;

const V1_BEGINNING = Buffer.from("PROXY ", "latin1");
const V2_SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const V2_FIXED_BYTES = 16;
const V2_LOCAL = 0x20;
const V2_PROXY = 0x21;
const TCP4 = 0x11;
const TCP6 = 0x21;
/** Address and transport of version 2: unspecified, TCP and UDP over IPv4 and IPv6, Unix stream and datagram. */
const V2_KNOWN = new Set([0x00, TCP4, 0x12, TCP6, 0x22, 0x31, 0x32]);

/**
 * The header at the beginning of what was read so far. Asked again with more bytes as they come; the
 * answer for a given header is the same however it was cut.
 */
export function decodeProxyHeader(bytes: Buffer): ProxyHeader {
  if (bytes.length === 0) return MORE;
  return bytes[0] === V2_SIGNATURE[0] ? decodeV2(bytes) : decodeV1(bytes);
}

function decodeV1(bytes: Buffer): ProxyHeader {
  if (!beginsAs(bytes, V1_BEGINNING)) return malformed("no PROXY header");
  const within = bytes.subarray(0, MAX_V1_BYTES);
  const end = within.indexOf("\r\n", 0, "latin1");
  if (end < 0) return within.length < MAX_V1_BYTES ? MORE : malformed("no end of line in 107 bytes");
  const lengthBytes = end + 2;
  const line = within.toString("latin1", V1_BEGINNING.length, end);
  if (line === "UNKNOWN" || line.startsWith("UNKNOWN "))
    return { kind: "header", parties: null, lengthBytes };
  const [family, source, destination, sourcePort, destinationPort, ...rest] = line.split(" ");
  const isAddress = family === "TCP4" ? isIPv4 : family === "TCP6" ? isPlainIPv6 : null;
  const ports = [portOf(sourcePort), portOf(destinationPort)] as const;
  if (isAddress === null) return malformed("neither TCP4, TCP6 nor UNKNOWN");
  if (!isAddress(source ?? "") || !isAddress(destination ?? "")) return malformed("an address that is none");
  if (ports[0] === null || ports[1] === null || rest.length > 0) return malformed("ports that are none");
  const parties = {
    source: { host: canonical(source!), port: ports[0] },
    destination: { host: canonical(destination!), port: ports[1] },
  };
  return { kind: "header", parties, lengthBytes };
}

function decodeV2(bytes: Buffer): ProxyHeader {
  if (!beginsAs(bytes, V2_SIGNATURE)) return malformed("no PROXY header");
  if (bytes.length < V2_FIXED_BYTES) return MORE;
  const command = bytes[12];
  const family = bytes[13]!;
  const lengthBytes = V2_FIXED_BYTES + bytes.readUInt16BE(14);
  if (command !== V2_LOCAL && command !== V2_PROXY) return malformed("an unknown version or command");
  if (!V2_KNOWN.has(family)) return malformed("an unknown address family");
  if (lengthBytes > MAX_V2_BYTES) return malformed(`more than ${MAX_V2_BYTES} bytes`);
  const addressLength = family === TCP4 ? 4 : family === TCP6 ? 16 : 0;
  const portsAt = V2_FIXED_BYTES + 2 * addressLength;
  const hasParties = command === V2_PROXY && addressLength > 0;
  if (hasParties && lengthBytes < portsAt + 4) return malformed("too short for its addresses");
  if (bytes.length < lengthBytes) return MORE;
  if (!hasParties) return { kind: "header", parties: null, lengthBytes };
  const hostAt = (at: number) => addressText(bytes.subarray(at, at + addressLength));
  const parties = {
    source: { host: hostAt(V2_FIXED_BYTES), port: bytes.readUInt16BE(portsAt) },
    destination: {
      host: hostAt(V2_FIXED_BYTES + addressLength),
      port: bytes.readUInt16BE(portsAt + 2),
    },
  };
  return { kind: "header", parties, lengthBytes };
}

/** @param parties null: this connection is the sender's own; addresses of two families count as that */
export function encodeProxyHeader(version: ProxyVersion, parties: Parties | null): Buffer {
  const source = parties === null ? null : addressBytes(parties.source.host);
  const destination = parties === null ? null : addressBytes(parties.destination.host);
  const isKnown = source !== null && destination !== null && source.length === destination.length;
  if (version === "v1") return Buffer.from(isKnown ? v1Line(parties!) : "PROXY UNKNOWN\r\n", "latin1");
  if (!isKnown) return Buffer.concat([V2_SIGNATURE, Buffer.from([V2_LOCAL, 0, 0, 0])]);
  const rest = Buffer.alloc(4 + 2 * source.length + 4);
  rest[0] = V2_PROXY;
  rest[1] = source.length === 4 ? TCP4 : TCP6;
  rest.writeUInt16BE(rest.length - 4, 2);
  rest.set(source, 4);
  rest.set(destination, 4 + source.length);
  rest.writeUInt16BE(parties!.source.port, rest.length - 4);
  rest.writeUInt16BE(parties!.destination.port, rest.length - 2);
  return Buffer.concat([V2_SIGNATURE, rest]);
}

function v1Line({ source, destination }: Parties): string {
  const [from, to] = [canonical(source.host), canonical(destination.host)];
  return `PROXY ${from.includes(":") ? "TCP6" : "TCP4"} ${from} ${to} ${source.port} ${destination.port}\r\n`;
}

function beginsAs(bytes: Buffer, expected: Buffer): boolean {
  const length = Math.min(bytes.length, expected.length);
  return bytes.compare(expected, 0, length, 0, length) === 0;
}

function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes("%");
}

function canonical(address: string): string {
  return addressText(addressBytes(address)!);
}

/** The protocol's ports have no leading zeros. */
function portOf(text: string | undefined): number | null {
  return text !== undefined && /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535
    ? Number(text)
    : null;
}

function malformed(why: string): ProxyHeader {
  return { kind: "malformed", why };
}
