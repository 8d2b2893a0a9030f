/**
 * The bodies of the pcapng blocks that say something here: packets, interfaces, what was dropped.
 *
 * To add a block: write a decoder of its body and enter it in BLOCKS with the shortest length the
 * whole block can have. A decoder gets a body of at least that, and calls the sink only when nothing
 * is wrong with the block.
 */
import { NO_TIME } from "../../spine/wire.ts";
import type { RecordSink } from "../packet.ts";
import { MAX_CAPTURED_BYTES } from "./decoder.ts";
import { decodeInterface, type PcapngInterface } from "./pcapng-interface.ts";
import { eachOption, padded } from "./pcapng-options.ts";

/** What holds from one section header to the next. */
export interface Section {
  readonly littleEndian: boolean;
  readonly interfaces: PcapngInterface[];
  /** Interfaces of earlier sections. */
  readonly interfacesBefore: number;
}

interface Block {
  readonly leastBytes: number;
  /**
   * Decodes the body `buffer[start, end)`, of which `view` is a view, padding and options included.
   * @returns null, or what is wrong
   */
  decode(
    section: Section,
    buffer: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    sink: RecordSink,
  ): string | null;
}

export const BLOCKS: ReadonlyMap<number, Block> = new Map<number, Block>([
  [1, { leastBytes: 20, decode: describeInterface }],
  [2, { leastBytes: 32, decode: decodeObsoletePacket }],
  [3, { leastBytes: 16, decode: decodeSimplePacket }],
  [5, { leastBytes: 24, decode: decodeStatistics }],
  [6, { leastBytes: 32, decode: decodeEnhancedPacket }],
]);

/** Blocks without a packet that tshark numbers as a frame, and the shortest they can be. */
export const BLANK_FRAMES: ReadonlyMap<number, number> = new Map([
  [0x0bad, 16], // custom, may be copied
  [0x4000_0bad, 16], // custom, not to be copied
  [9, 35], // systemd journal export
  [0x204, 36], // system call events (sysdig, falco): version 1, 2, and 2 with large parameters
  [0x216, 36],
  [0x221, 36],
]);

const EPB_FLAGS = 2;
const EPB_DROPCOUNT = 4;
const ISB_IFDROP = 5;
const ISB_OSDROP = 7;
/** A packet block's drop count when the writer did not know. */
const DROPS_UNKNOWN = 0xffff;

function decodeEnhancedPacket(
  section: Section,
  buffer: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  sink: RecordSink,
): string | null {
  const little = section.littleEndian;
  const id = view.getUint32(start, little);
  const on = section.interfaces[id];
  if (on === undefined) return noSuchInterface(id);
  const capturedBytes = view.getUint32(start + 12, little);
  const dataAt = start + 20;
  const optionsAt = dataAt + padded(capturedBytes);
  if (capturedBytes > MAX_CAPTURED_BYTES || optionsAt > end) return tooLong(capturedBytes);
  if (end - optionsAt >= 4) {
    const wrong = decodePacketOptions(view, optionsAt, end, little, on, sink);
    if (wrong !== null) return wrong;
  }
  const atUs = on.clock.atUs(view.getUint32(start + 4, little), view.getUint32(start + 8, little));
  const wireBytes = view.getUint32(start + 16, little);
  sink.record(atUs, buffer, dataAt, dataAt + capturedBytes, wireBytes, on.linkType);
  return null;
}

function decodePacketOptions(
  view: DataView,
  start: number,
  end: number,
  little: boolean,
  on: PcapngInterface,
  sink: RecordSink,
): string | null {
  let wrongSize: string | null = null;
  let dropped = 0;
  const wrong = eachOption(view, start, end, little, (code, at, lengthBytes) => {
    const wantedBytes = code === EPB_DROPCOUNT ? 8 : code === EPB_FLAGS ? 4 : lengthBytes;
    if (lengthBytes !== wantedBytes) wrongSize = `a packet option ${code} of ${lengthBytes} bytes`;
    else if (code === EPB_DROPCOUNT) dropped += Number(view.getBigUint64(at, little));
  });
  if (wrong !== null || wrongSize !== null) return wrong ?? wrongSize;
  if (dropped > 0) {
    on.addDropped(dropped);
    sink.dropped(on.number, on.dropped);
  }
  return null;
}

function decodeObsoletePacket(
  section: Section,
  buffer: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  sink: RecordSink,
): string | null {
  const little = section.littleEndian;
  const id = view.getUint16(start, little);
  const on = section.interfaces[id];
  if (on === undefined) return noSuchInterface(id);
  const dropped = view.getUint16(start + 2, little);
  const capturedBytes = view.getUint32(start + 12, little);
  const dataAt = start + 20;
  if (capturedBytes > MAX_CAPTURED_BYTES || dataAt + padded(capturedBytes) > end)
    return tooLong(capturedBytes);
  if (dropped > 0 && dropped !== DROPS_UNKNOWN) {
    on.addDropped(dropped);
    sink.dropped(on.number, on.dropped);
  }
  const atUs = on.clock.atUs(view.getUint32(start + 4, little), view.getUint32(start + 8, little));
  const wireBytes = view.getUint32(start + 16, little);
  sink.record(atUs, buffer, dataAt, dataAt + capturedBytes, wireBytes, on.linkType);
  return null;
}

/** Has no time, and says how long the packet was but not how much of it is here. */
function decodeSimplePacket(
  section: Section,
  buffer: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  sink: RecordSink,
): string | null {
  const on = section.interfaces[0];
  if (on === undefined) return noSuchInterface(0);
  const wireBytes = view.getUint32(start, section.littleEndian);
  const capturedBytes = on.snapBytes > 0 ? Math.min(wireBytes, on.snapBytes) : wireBytes;
  const dataAt = start + 4;
  if (capturedBytes > MAX_CAPTURED_BYTES || dataAt + capturedBytes > end) return tooLong(capturedBytes);
  sink.record(NO_TIME, buffer, dataAt, dataAt + capturedBytes, wireBytes, on.linkType);
  return null;
}

/** A host with every container's interface captured has some hundreds. */
const MAX_INTERFACES = 4_096;

function describeInterface(
  section: Section,
  _buffer: Uint8Array,
  view: DataView,
  start: number,
  end: number,
): string | null {
  if (section.interfaces.length >= MAX_INTERFACES)
    return `more than ${MAX_INTERFACES} interfaces in one section`;
  const number = section.interfacesBefore + section.interfaces.length;
  const described = decodeInterface(view, start, end, section.littleEndian, number);
  if (typeof described === "string") return described;
  section.interfaces.push(described);
  return null;
}

function decodeStatistics(
  section: Section,
  _buffer: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  sink: RecordSink,
): string | null {
  const little = section.littleEndian;
  let total = 0;
  const wrong = eachOption(view, start + 12, end, little, (code, at, lengthBytes) => {
    if ((code !== ISB_IFDROP && code !== ISB_OSDROP) || lengthBytes !== 8) return;
    total += Number(view.getBigUint64(at, little));
  });
  const on = section.interfaces[view.getUint32(start, little)];
  if (wrong !== null || on === undefined || total === 0) return wrong;
  on.setDroppedInTotal(total);
  sink.dropped(on.number, on.dropped);
  return null;
}

function noSuchInterface(id: number): string {
  return `a packet of interface ${id}, which was never described`;
}

function tooLong(capturedBytes: number): string {
  return `a packet of ${capturedBytes} bytes does not fit its block`;
}
