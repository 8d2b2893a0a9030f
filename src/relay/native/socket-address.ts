/** Linux' `struct sockaddr_in` and `sockaddr_in6`, as `bind` takes and `getsockopt` gives them. */
import { endianness } from "node:os";
import { addressBytes, addressText } from "../../spine/address.ts";

/** An address and a port. */
export interface Endpoint {
  /** Without brackets; an IPv4 address that came mapped into IPv6 is that IPv4 address. */
  readonly host: string;
  readonly port: number;
}

export const AF_INET = 2;
export const AF_INET6 = 10;
/** `sizeof(struct sockaddr_in6)`, the larger. */
export const SOCKADDR_MAX_BYTES = 28;

const SOCKADDR_IN_BYTES = 16;
const IPV6_ADDRESS_AT = 8;
const isLittle = endianness() === "LE";

/** @returns null when the text is no address (a name, or with a zone) */
export function encodeSocketAddress({ host, port }: Endpoint): Uint8Array | null {
  const bytes = addressBytes(host);
  if (bytes === null) return null;
  const view = new DataView(new ArrayBuffer(bytes.length === 4 ? SOCKADDR_IN_BYTES : SOCKADDR_MAX_BYTES));
  view.setUint16(0, bytes.length === 4 ? AF_INET : AF_INET6, isLittle);
  view.setUint16(2, port);
  const encoded = new Uint8Array(view.buffer);
  encoded.set(bytes, bytes.length === 4 ? 4 : IPV6_ADDRESS_AT);
  return encoded;
}

/** @returns null when it is of another family */
export function decodeSocketAddress(encoded: Uint8Array): Endpoint | null {
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  const port = view.getUint16(2);
  switch (view.getUint16(0, isLittle)) {
    case AF_INET:
      return { host: addressText(encoded.subarray(4, 8)), port };
    case AF_INET6:
      return { host: addressText(encoded.subarray(IPV6_ADDRESS_AT, IPV6_ADDRESS_AT + 16)), port };
    default:
      return null;
  }
}
