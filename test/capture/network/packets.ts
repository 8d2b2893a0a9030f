/**
 * Packets by hand, for the tests: each function wraps a payload in one header, so that a test reads
 * like the packet, outermost header first. Checksums are left zero: nobody here verifies them.
 */

export type Bytes = Uint8Array | readonly number[];

export const join = (...parts: readonly Bytes[]): Uint8Array => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

export const u16 = (value: number): number[] => [(value >> 8) & 0xff, value & 0xff];
export const u32 = (value: number): number[] => [
  (value >>> 24) & 0xff,
  (value >>> 16) & 0xff,
  (value >>> 8) & 0xff,
  value & 0xff,
];
export const hex = (text: string): Uint8Array =>
  Uint8Array.from((text.match(/[0-9a-f]{2}/gi) ?? []).map((pair) => Number.parseInt(pair, 16)));
export const text = (line: string): Uint8Array => new TextEncoder().encode(line);

export interface TcpFields {
  sourcePort?: number;
  destinationPort?: number;
  sequence?: number;
  acknowledgement?: number;
  flags?: number;
  window?: number;
  options?: Bytes;
  /** Header length in words, when it should not be the true one. */
  words?: number;
}

export const tcp = (payload: Bytes, fields: TcpFields = {}): Uint8Array => {
  const options = fields.options ?? [];
  return join(
    u16(fields.sourcePort ?? 40000),
    u16(fields.destinationPort ?? 25),
    u32(fields.sequence ?? 0x01020304),
    u32(fields.acknowledgement ?? 0x8090a0b0),
    [(fields.words ?? 5 + options.length / 4) << 4, fields.flags ?? 0x18],
    u16(fields.window ?? 512),
    u32(0),
    options,
    payload,
  );
};

export const udp = (
  destinationPort: number,
  payload: Bytes,
  fields: { sourcePort?: number; length?: number } = {},
): Uint8Array =>
  join(
    u16(fields.sourcePort ?? 50000),
    u16(destinationPort),
    u16(fields.length ?? payload.length + 8),
    u16(0),
    payload,
  );

export interface Ipv4Fields {
  source?: Bytes;
  destination?: Bytes;
  id?: number;
  /** Flags and fragment offset, as on the wire. */
  fragment?: number;
  options?: Bytes;
  totalLength?: number;
}

export const ipv4 = (protocol: number, payload: Bytes, fields: Ipv4Fields = {}): Uint8Array => {
  const options = fields.options ?? [];
  return join(
    [0x45 + options.length / 4, 0],
    u16(fields.totalLength ?? 20 + options.length + payload.length),
    u16(fields.id ?? 1),
    u16(fields.fragment ?? 0),
    [64, protocol],
    u16(0),
    fields.source ?? [192, 0, 2, 1],
    fields.destination ?? [198, 51, 100, 2],
    options,
    payload,
  );
};

export const ip6 = (last: number): number[] => [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];

export interface Ipv6Fields {
  source?: Bytes;
  destination?: Bytes;
  payloadLength?: number;
}

export const ipv6 = (nextHeader: number, payload: Bytes, fields: Ipv6Fields = {}): Uint8Array =>
  join(
    u32(0x60000000),
    u16(fields.payloadLength ?? payload.length),
    [nextHeader, 64],
    fields.source ?? ip6(1),
    fields.destination ?? ip6(2),
    payload,
  );

/** A fragment header: offset in bytes. */
export const ipv6Fragment = (
  nextHeader: number,
  offset: number,
  more: boolean,
  id: number,
  payload: Bytes,
): Uint8Array => join([nextHeader, 0], u16(offset | (more ? 1 : 0)), u32(id), payload);

const MACS = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];

export const ethernet = (type: number, payload: Bytes): Uint8Array => join(MACS, u16(type), payload);
export const vlan = (id: number, type: number, payload: Bytes): Uint8Array =>
  join(u16(id), u16(type), payload);
export const gre = (
  protocol: number,
  payload: Bytes,
  fields: { checksum?: boolean; key?: boolean; sequence?: boolean } = {},
): Uint8Array =>
  join(
    u16((fields.checksum ? 0x8000 : 0) | (fields.key ? 0x2000 : 0) | (fields.sequence ? 0x1000 : 0)),
    u16(protocol),
    fields.checksum ? u32(0) : [],
    fields.key ? u32(77) : [],
    fields.sequence ? u32(9) : [],
    payload,
  );
