/** Capture files built byte by byte, and a sink that copies what it is lent. */
import type { RecordSink } from "../../../src/capture/packet.ts";

export interface Packet {
  atUs: number;
  bytes: string;
  wireLength: number;
  linkType: number;
}

/** Blank frames are null: a place in the numbering without a packet. */
export class Seen implements RecordSink {
  readonly frames: (Packet | null)[] = [];
  readonly drops: [number, number][] = [];

  record(
    atUs: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    wireLength: number,
    linkType: number,
  ): void {
    const bytes = Buffer.from(buffer.subarray(start, end)).toString("latin1");
    this.frames.push({ atUs, bytes, wireLength, linkType });
  }

  blank(): void {
    this.frames.push(null);
  }

  dropped(interfaceNumber: number, count: number): void {
    this.drops.push([interfaceNumber, count]);
  }
}

export type Endian = "LE" | "BE";

/** Integers of so many bytes, negative ones too. */
export function integers(
  endian: Endian,
  ...fields: [value: number | bigint, bytes: 1 | 2 | 4 | 8][]
): Buffer {
  return Buffer.concat(
    fields.map(([value, bytes]) => {
      const field = Buffer.alloc(8);
      const wrapped = BigInt.asUintN(bytes * 8, BigInt(value));
      if (endian === "LE") field.writeBigUInt64LE(wrapped);
      else field.writeBigUInt64BE(wrapped);
      return endian === "LE" ? field.subarray(0, bytes) : field.subarray(8 - bytes);
    }),
  );
}

export interface PcapHeader {
  magic?: number;
  major?: number;
  minor?: number;
  linkField?: number;
  extra?: number;
}

export function pcapHeader(endian: Endian, header: PcapHeader = {}): Buffer {
  const { magic = 0xa1b2c3d4, major = 2, minor = 4, linkField = 1, extra = 0 } = header;
  return Buffer.concat([
    integers(endian, [magic, 4], [major, 2], [minor, 2], [0, 4], [0, 4], [65_535, 4], [linkField, 4]),
    Buffer.alloc(extra),
  ]);
}

export interface PcapRecord {
  seconds?: number;
  fraction?: number;
  data?: string;
  captured?: number;
  wire?: number;
  extra?: number;
}

export function pcapRecord(endian: Endian, record: PcapRecord = {}): Buffer {
  const { seconds = 1_700_000_000, fraction = 123_456, data = "packet", extra = 0 } = record;
  const { captured = data.length, wire = data.length } = record;
  return Buffer.concat([
    integers(endian, [seconds, 4], [fraction, 4], [captured, 4], [wire, 4]),
    Buffer.alloc(extra, 0xee),
    Buffer.from(data, "latin1"),
  ]);
}

function padding(bytes: number): Buffer {
  return Buffer.alloc((4 - (bytes % 4)) % 4);
}

export function block(
  endian: Endian,
  type: number,
  body: Buffer,
  lengths: { front?: number; behind?: number } = {},
): Buffer {
  const whole = 12 + body.length + padding(body.length).length;
  const { front = whole, behind = front } = lengths;
  return Buffer.concat([
    integers(endian, [type, 4], [front, 4]),
    body,
    padding(body.length),
    integers(endian, [behind, 4]),
  ]);
}

export function option(endian: Endian, code: number, value: Buffer, length = value.length): Buffer {
  return Buffer.concat([integers(endian, [code, 2], [length, 2]), value, padding(value.length)]);
}

export function section(endian: Endian, { major = 1, minor = 0, magic = 0x1a2b3c4d } = {}): Buffer {
  return block(endian, 0x0a0d0d0a, integers(endian, [magic, 4], [major, 2], [minor, 2], [-1, 8]));
}

export function interfaceBlock(
  endian: Endian,
  linkType = 1,
  snap = 0,
  options: Buffer = Buffer.alloc(0),
): Buffer {
  return block(endian, 1, Buffer.concat([integers(endian, [linkType, 2], [0, 2], [snap, 4]), options]));
}

export interface EnhancedPacket {
  on?: number;
  ticks?: bigint;
  data?: string;
  captured?: number;
  wire?: number;
  options?: Buffer;
}

export function enhanced(endian: Endian, packet: EnhancedPacket = {}): Buffer {
  const { on = 0, ticks = 1_700_000_000_123_456n, data = "packet", options = Buffer.alloc(0) } = packet;
  const { captured = data.length, wire = data.length } = packet;
  const fixed = integers(
    endian,
    [on, 4],
    [ticks >> 32n, 4],
    [ticks & 0xffff_ffffn, 4],
    [captured, 4],
    [wire, 4],
  );
  return block(endian, 6, Buffer.concat([fixed, Buffer.from(data, "latin1"), padding(data.length), options]));
}

export function simple(endian: Endian, data = "packet", wire = data.length): Buffer {
  return block(endian, 3, Buffer.concat([integers(endian, [wire, 4]), Buffer.from(data, "latin1")]));
}

export function obsolete(endian: Endian, { on = 0, drops = 0, data = "packet" } = {}): Buffer {
  const ticks = 1_700_000_000_123_456n;
  const fixed = integers(
    endian,
    [on, 2],
    [drops, 2],
    [ticks >> 32n, 4],
    [ticks & 0xffff_ffffn, 4],
    [data.length, 4],
    [data.length, 4],
  );
  return block(endian, 2, Buffer.concat([fixed, Buffer.from(data, "latin1")]));
}
