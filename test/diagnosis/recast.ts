/**
 * Recast: the same capture with other names, ports and addresses, or in slower or faster time.
 *
 * What a diagnosis says should follow from what happened, not from how hosts are called or how long
 * one delay happened to be. Classic µs captures of Ethernet, as the lab makes them.
 */
const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const ETHERNET = 14;
const [IPV4, IPV6, TCP, UDP] = [0x0800, 0x86dd, 6, 17];
const TIMESTAMPS = 8;

export interface Recast {
  /** Every interval is longer by this factor, on the TCP clocks of the hosts as well. */
  readonly scale?: number;
  /** Another mail port in place of 25. */
  readonly mailPort?: number;
  /** Bytes to be put in place of others, as long; in payloads only. */
  readonly words?: readonly (readonly [string, string])[];
  /** The first three bytes of a network → those of another. */
  readonly networks?: readonly (readonly [readonly number[], readonly number[]])[];
}

interface Segment {
  readonly frame: Buffer;
  readonly transport: number;
  readonly payload: Buffer;
  readonly protocol: number;
  /** Where the sender's and the receiver's address begin. */
  readonly addresses: readonly [number, number];
}

/** Answers a changed copy. */
export function recast(capture: Buffer, how: Recast): Buffer {
  const copy = Buffer.from(capture);
  const clocks = new Map<string, number>();
  let firstUs: number | null = null;
  for (let at = FILE_HEADER; at + RECORD_HEADER <= copy.length; ) {
    const length = copy.readUInt32LE(at + 8);
    const stampUs = copy.readUInt32LE(at) * 1e6 + copy.readUInt32LE(at + 4);
    firstUs ??= stampUs;
    const movedUs = Math.round(firstUs + (stampUs - firstUs) * (how.scale ?? 1));
    copy.writeUInt32LE(Math.floor(movedUs / 1e6), at);
    copy.writeUInt32LE(movedUs % 1e6, at + 4);
    const segment = segmentOf(copy.subarray(at + RECORD_HEADER, at + RECORD_HEADER + length));
    if (segment) change(segment, how, clocks);
    at += RECORD_HEADER + length;
  }
  return copy;
}

function segmentOf(frame: Buffer): Segment | null {
  if (frame.length < ETHERNET + 40) return null;
  const etherType = frame.readUInt16BE(12);
  if (etherType === IPV4) {
    const transport = ETHERNET + (frame.readUInt8(ETHERNET) & 15) * 4;
    const end = ETHERNET + frame.readUInt16BE(ETHERNET + 2);
    return withPayload(frame, frame.readUInt8(ETHERNET + 9), transport, end, [ETHERNET + 12, ETHERNET + 16]);
  }
  if (etherType !== IPV6) return null;
  const transport = ETHERNET + 40;
  const end = transport + frame.readUInt16BE(ETHERNET + 4);
  return withPayload(frame, frame.readUInt8(ETHERNET + 6), transport, end, [ETHERNET + 8, ETHERNET + 24]);
}

function withPayload(
  frame: Buffer,
  protocol: number,
  transport: number,
  end: number,
  addresses: [number, number],
): Segment | null {
  if (protocol !== TCP && protocol !== UDP) return null;
  const header = protocol === UDP ? 8 : (frame.readUInt8(transport + 12) >> 4) * 4;
  return { frame, transport, payload: frame.subarray(transport + header, end), protocol, addresses };
}

function change(segment: Segment, how: Recast, clocks: Map<string, number>): void {
  const { frame, transport, payload, protocol, addresses } = segment;
  for (const [from, to] of how.words ?? []) replaceAll(payload, from, to);
  for (const offset of addresses) {
    for (const [from, to] of how.networks ?? []) {
      if (from.every((byte, i) => frame.readUInt8(offset + i) === byte)) {
        for (const [i, byte] of to.entries()) frame.writeUInt8(byte, offset + i);
        break;
      }
    }
  }
  if (protocol !== TCP) return;
  if (how.scale !== undefined) scaleClocks(segment, how.scale, clocks);
  for (const offset of [transport, transport + 2]) {
    if (how.mailPort !== undefined && frame.readUInt16BE(offset) === 25)
      frame.writeUInt16BE(how.mailPort, offset);
  }
}

function replaceAll(payload: Buffer, from: string, to: string): void {
  if (from.length !== to.length) throw new Error(`${from} and ${to} differ in length`);
  for (let at = payload.indexOf(from, 0, "latin1"); at >= 0; at = payload.indexOf(from, at + 1, "latin1")) {
    payload.write(to, at, "latin1");
  }
}

/** TCP timestamps (RFC 7323): each sender's clock starts where it started, and runs at another rate. */
function scaleClocks({ frame, transport, addresses }: Segment, scale: number, clocks: Map<string, number>) {
  const addressBytes = addresses[1] - addresses[0];
  const [sender, receiver] = addresses.map((offset, i) => {
    const address = frame.toString("hex", offset, offset + addressBytes);
    return `${address} ${frame.readUInt16BE(transport + 2 * i)}`;
  });
  const end = transport + (frame.readUInt8(transport + 12) >> 4) * 4;
  for (let at = transport + 20; at < end; ) {
    const kind = frame.readUInt8(at);
    if (kind === 0) return;
    if (kind === TIMESTAMPS) {
      scaleAt(at + 2, `${sender} to ${receiver}`);
      if (frame.readUInt32BE(at + 6) !== 0) scaleAt(at + 6, `${receiver} to ${sender}`);
      return;
    }
    at += kind === 1 ? 1 : frame.readUInt8(at + 1);
  }
  function scaleAt(offset: number, clock: string): void {
    const ticks = frame.readUInt32BE(offset);
    const base = clocks.get(clock) ?? ticks;
    clocks.set(clock, base);
    frame.writeUInt32BE((base + Math.round(((ticks - base) | 0) * scale)) >>> 0, offset);
  }
}
