/**
 * The classic libpcap file: a header, then records of a fixed header and the captured bytes.
 *
 * The magic number says three things at once: the byte order (it is written in the writer's own),
 * the unit of the fraction of a second, and whether headers are longer than usual. Versions before
 * 2.3 have the two lengths the other way round; some writers of 2.3 did too, so there the smaller is
 * taken as the captured one. AIX writes version 2.2 with interface types of its own and nanoseconds.
 *
 * Deliberately absent: the layouts of Red Hat 6.1, SuSE 6.3 and Nokia IPSO. They use the magic
 * numbers of others and can only be guessed from several records ahead, which a live pipe does not
 * have; libpcap does not read them either, and `editcap -F pcap` converts them. They end in damage.
 *
 * @see https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/
 */
import type { Damage, RecordSink } from "../packet.ts";
import { type CaptureDecoder, MAX_CAPTURED_BYTES, viewOf } from "./decoder.ts";

interface Layout {
  readonly nanoseconds: boolean;
  readonly fileHeaderBytes: number;
  readonly recordHeaderBytes: number;
}

const STANDARD_FILE_HEADER_BYTES = 24;
const STANDARD_RECORD_HEADER_BYTES = 16;

/** To add a variant, add its magic number here, as the writer's own byte order reads it. */
const LAYOUTS: ReadonlyMap<number, Layout> = new Map([
  [0xa1b2c3d4, { nanoseconds: false, fileHeaderBytes: 24, recordHeaderBytes: 16 }],
  [0xa1b23c4d, { nanoseconds: true, fileHeaderBytes: 24, recordHeaderBytes: 16 }],
  // Kuznetzov's patched libpcap: interface index, protocol and packet type behind the lengths.
  [0xa1b2cd34, { nanoseconds: false, fileHeaderBytes: 24, recordHeaderBytes: 24 }],
  // Navtel Communications.
  [0xa12b3c4d, { nanoseconds: true, fileHeaderBytes: 24, recordHeaderBytes: 16 }],
  // Ixia "lcap", captured by hardware and by software: the size of all records behind the header.
  [0x1c0001ac, { nanoseconds: true, fileHeaderBytes: 28, recordHeaderBytes: 16 }],
  [0x1c0001ab, { nanoseconds: false, fileHeaderBytes: 28, recordHeaderBytes: 16 }],
]);

/** The top six bits of the link type field say how long a frame check sequence is; no link type has them. */
const LINK_TYPE_MASK = 0x03ff_ffff;

/** AIX writes interface types (RFC 1573) where others write link types. */
const AIX_LINK_TYPES: ReadonlyMap<number, number> = new Map([
  [6, 1],
  [9, 6],
  [15, 10],
  [24, 0],
]);

/** One capture file does not span more: tells a record from bytes that look like one. */
const BELIEVABLE_SECONDS = 366 * 86_400;

type LengthOrder = "captured-first" | "wire-first" | "smaller-is-captured";

/** Whether these are the first four bytes of such a file. */
export function isPcap(head: Uint8Array): boolean {
  return head.length >= 4 && layoutOf(viewOf(head), 0) !== null;
}

export class PcapDecoder implements CaptureDecoder {
  readonly linkTypes: number[] = [];
  damage: Damage | null = null;
  nanoseconds = false;
  needed = STANDARD_FILE_HEADER_BYTES;
  consumedBytes = 0;
  readonly #sink: RecordSink;
  #headerRead = false;
  #littleEndian = false;
  #recordHeaderBytes = STANDARD_RECORD_HEADER_BYTES;
  #lengthOrder: LengthOrder = "captured-first";
  #linkType = 0;
  #lastSeconds = 0;

  constructor(sink: RecordSink) {
    this.#sink = sink;
  }

  decode(buffer: Uint8Array, start: number, end: number): number {
    if (this.damage !== null) return start;
    const view = viewOf(buffer);
    let at = start;
    if (!this.#headerRead) {
      at = this.#decodeFileHeader(view, start, end);
      this.consumedBytes += at - start;
      if (!this.#headerRead) return at;
    }
    const next = this.#decodeRecords(buffer, view, at, end);
    this.consumedBytes += next - at;
    return next;
  }

  finish(leftoverBytes: number): void {
    if (this.damage !== null || (leftoverBytes === 0 && this.#headerRead)) return;
    const where = this.#headerRead ? "a packet record" : "the file header";
    this.damage = { offsetBytes: this.consumedBytes, kind: "cut", what: `the file ends inside ${where}` };
  }

  /** Nothing marks a record, so it is one from which a chain of believable ones reaches the end. */
  findRecord(buffer: Uint8Array, start: number, end: number): number {
    const view = viewOf(buffer);
    const lastStart = Math.min(end, start + this.#recordHeaderBytes + MAX_CAPTURED_BYTES);
    for (let candidate = start; candidate < lastStart; candidate += 1) {
      let at = candidate;
      while (end - at >= this.#recordHeaderBytes && this.#isBelievable(view, at)) {
        const capturedBytes = Math.min(
          view.getUint32(at + 8, this.#littleEndian),
          view.getUint32(at + 12, this.#littleEndian),
        );
        at += this.#recordHeaderBytes + capturedBytes;
      }
      if (at > candidate && end - at < this.#recordHeaderBytes) return candidate;
    }
    return -1;
  }

  #isBelievable(view: DataView, at: number): boolean {
    const little = this.#littleEndian;
    const seconds = view.getUint32(at, little);
    if (Math.abs(seconds - this.#lastSeconds) > BELIEVABLE_SECONDS) return false;
    if (view.getUint32(at + 4, little) >= (this.nanoseconds ? 1e9 : 1e6)) return false;
    const firstLength = view.getUint32(at + 8, little);
    const secondLength = view.getUint32(at + 12, little);
    return (
      Math.min(firstLength, secondLength) > 0 && Math.max(firstLength, secondLength) <= MAX_CAPTURED_BYTES
    );
  }

  #decodeFileHeader(view: DataView, start: number, end: number): number {
    if (end - start < 4) return start;
    const layout = layoutOf(view, start);
    if (layout === null) {
      this.damage = { offsetBytes: 0, kind: "damaged", what: "no pcap magic number" };
      return start;
    }
    this.needed = layout.fileHeaderBytes;
    if (end - start < layout.fileHeaderBytes) return start;

    const little = layout.littleEndian;
    const magic = view.getUint32(start, little);
    const major = view.getUint16(start + 4, little);
    const minor = view.getUint16(start + 6, little);
    if (major < 2) {
      const what = `pcap version ${major}.${minor} is older than any that can be read (2.0)`;
      this.damage = { offsetBytes: 0, kind: "damaged", what };
      return start;
    }
    const field = view.getUint32(start + 20, little);
    const aixLinkType =
      magic === 0xa1b2c3d4 && major === 2 && minor === 2 ? AIX_LINK_TYPES.get(field) : undefined;
    this.#linkType = aixLinkType ?? field & LINK_TYPE_MASK;
    this.linkTypes.push(this.#linkType);
    this.nanoseconds = layout.nanoseconds || aixLinkType !== undefined;
    this.#lengthOrder = lengthOrder(major, minor);
    this.#littleEndian = little;
    this.#recordHeaderBytes = layout.recordHeaderBytes;
    this.needed = layout.recordHeaderBytes;
    this.#headerRead = true;
    return start + layout.fileHeaderBytes;
  }

  #decodeRecords(buffer: Uint8Array, view: DataView, start: number, end: number): number {
    const sink = this.#sink;
    const little = this.#littleEndian;
    const nanoseconds = this.nanoseconds;
    const headerBytes = this.#recordHeaderBytes;
    const linkType = this.#linkType;
    const asWritten = this.#lengthOrder === "captured-first";
    let needed = headerBytes;
    let seconds = this.#lastSeconds;
    let at = start;
    while (end - at >= headerBytes) {
      let capturedBytes = view.getUint32(at + 8, little);
      let wireBytes = view.getUint32(at + 12, little);
      if (!asWritten && (this.#lengthOrder === "wire-first" || capturedBytes > wireBytes)) {
        const written = capturedBytes;
        capturedBytes = wireBytes;
        wireBytes = written;
      }
      if (capturedBytes > MAX_CAPTURED_BYTES) {
        this.damage = {
          offsetBytes: this.consumedBytes + (at - start),
          kind: "damaged",
          what: `a packet record claims ${capturedBytes} bytes, more than the ${MAX_CAPTURED_BYTES} any packet has`,
        };
        break;
      }
      const dataAt = at + headerBytes;
      const next = dataAt + capturedBytes;
      if (next > end) {
        needed = next - at;
        break;
      }
      const fraction = view.getUint32(at + 4, little);
      const fractionUs = nanoseconds ? Math.floor(fraction / 1000) : fraction;
      seconds = view.getUint32(at, little);
      const atUs = seconds * 1e6 + fractionUs;
      sink.record(atUs, buffer, dataAt, next, wireBytes, linkType);
      at = next;
    }
    this.#lastSeconds = seconds;
    this.needed = needed;
    return at;
  }
}

function layoutOf(view: DataView, at: number): (Layout & { littleEndian: boolean }) | null {
  for (const littleEndian of [true, false]) {
    const layout = LAYOUTS.get(view.getUint32(at, littleEndian));
    if (layout !== undefined) return { ...layout, littleEndian };
  }
  return null;
}

function lengthOrder(major: number, minor: number): LengthOrder {
  // 543.0 is what DG/UX writes.
  if (major === 543 || (major === 2 && minor < 3)) return "wire-first";
  return major === 2 && minor === 3 ? "smaller-is-captured" : "captured-first";
}
