/**
 * The pcapng file: sections of blocks, each with its type, its length in front and behind, and a body.
 *
 * A section header says the byte order of what follows it and forgets the interfaces before it.
 * Packets name their interface, which has the link type and the clock. Blocks whose body does not
 * matter are skipped at any length without being held.
 *
 * Frames are numbered as tshark 4.0 does: a custom block, a systemd journal entry and a system call
 * event count as a frame although there is no packet in them. What makes tshark stop (a length that
 * does not fit, an interface never described, the two lengths differing) is damage here too; bad
 * contents of blocks that are only skipped are not.
 *
 * Deliberately absent: names, secrets, comments, per-packet flags, section lengths.
 *
 * @see https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/
 */
import type { Damage, RecordSink } from "../packet.ts";
import { type CaptureDecoder, MAX_BLOCK_BYTES, viewOf } from "./decoder.ts";
import { BLANK_FRAMES, BLOCKS, type Section } from "./pcapng-blocks.ts";
import { padded } from "./pcapng-options.ts";

/** Reads the same in both byte orders. */
const SECTION_HEADER = 0x0a0d0d0a;
const SECTION_HEADER_LEAST_BYTES = 28;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Type and length in front. */
const BLOCK_HEADER_BYTES = 8;
/** Those and the length behind. */
const BLOCK_FRAME_BYTES = 12;

/** A block being passed over. */
interface Skip {
  readonly offsetBytes: number;
  readonly blockBytes: number;
  readonly isFrame: boolean;
  /** Still to pass over, the length behind not counted. */
  leftBytes: number;
}

/** Whether these are the first twelve bytes of such a file. */
export function isPcapng(head: Uint8Array): boolean {
  if (head.length < 12) return false;
  const view = viewOf(head);
  return view.getUint32(0) === SECTION_HEADER && byteOrderAt(view, 8) !== null;
}

export class PcapngDecoder implements CaptureDecoder {
  readonly linkTypes: number[] = [];
  damage: Damage | null = null;
  nanoseconds = false;
  needed = SECTION_HEADER_LEAST_BYTES;
  consumedBytes = 0;
  readonly #sink: RecordSink;
  #section: Section | null = null;
  #skip: Skip | null = null;

  constructor(sink: RecordSink) {
    this.#sink = sink;
  }

  decode(buffer: Uint8Array, start: number, end: number): number {
    const view = viewOf(buffer);
    let at = start;
    while (this.damage === null) {
      const next = this.#decodeNext(buffer, view, at, end);
      if (next === at) break;
      this.consumedBytes += next - at;
      at = next;
    }
    return at;
  }

  finish(leftoverBytes: number): void {
    const whole = leftoverBytes === 0 && this.#section !== null && this.#skip === null;
    if (!whole && this.damage === null) this.#damaged("the file ends inside a block", "cut");
  }

  /** Each block ends with its length, so the way back from the end of the file is certain. */
  findRecord(buffer: Uint8Array, start: number, end: number): number {
    const view = viewOf(buffer);
    const little = this.#section?.littleEndian ?? true;
    let at = end;
    while (at - start >= BLOCK_FRAME_BYTES) {
      const blockBytes = padded(view.getUint32(at - 4, little));
      const before = at - blockBytes;
      if (blockBytes < BLOCK_FRAME_BYTES || before < start) break;
      if (padded(view.getUint32(before + 4, little)) !== blockBytes) break;
      at = before;
    }
    this.#skip = null;
    return at < end ? at : -1;
  }

  /** @returns where to go on; `at` when more bytes are needed or the file is damaged */
  #decodeNext(buffer: Uint8Array, view: DataView, at: number, end: number): number {
    if (this.#skip !== null) return this.#passOver(this.#skip, view, at, end);
    this.needed = BLOCK_FRAME_BYTES;
    if (end - at < BLOCK_FRAME_BYTES) return at;
    if (view.getUint32(at) === SECTION_HEADER) return this.#decodeSectionHeader(view, at, end);
    const section = this.#section;
    if (section === null) return this.#stop(at, "the file does not start with a section header");

    const type = view.getUint32(at, section.littleEndian);
    const writtenBytes = view.getUint32(at + 4, section.littleEndian);
    const blockBytes = padded(writtenBytes);
    const block = BLOCKS.get(type);
    const leastBytes = block?.leastBytes ?? BLANK_FRAMES.get(type) ?? BLOCK_FRAME_BYTES;
    if (writtenBytes < leastBytes) {
      return this.#stop(at, `a block of type ${type} is too short for its kind: ${writtenBytes} bytes`);
    }
    if (block === undefined) return this.#startSkip(blockBytes, BLANK_FRAMES.has(type), at);
    if (blockBytes > MAX_BLOCK_BYTES) {
      return this.#stop(at, `a block claims ${writtenBytes} bytes, more than ${MAX_BLOCK_BYTES}`);
    }
    this.needed = blockBytes;
    if (end - at < blockBytes) return at;
    const bodyEnd = at + blockBytes - 4;
    if (!this.#lengthBehindIs(view, bodyEnd, section, blockBytes)) return at;
    const wrong = block.decode(section, buffer, view, at + BLOCK_HEADER_BYTES, bodyEnd, this.#sink);
    if (wrong !== null) return this.#stop(at, wrong);
    if (type === 1) this.#noteInterface(section);
    this.needed = BLOCK_FRAME_BYTES;
    return at + blockBytes;
  }

  #noteInterface(section: Section): void {
    const latest = section.interfaces.at(-1)!;
    if (!this.linkTypes.includes(latest.linkType)) this.linkTypes.push(latest.linkType);
    this.nanoseconds ||= latest.clock.nanoseconds;
  }

  #decodeSectionHeader(view: DataView, at: number, end: number): number {
    this.needed = SECTION_HEADER_LEAST_BYTES;
    if (end - at < SECTION_HEADER_LEAST_BYTES) return at;
    const littleEndian = byteOrderAt(view, at + 8);
    if (littleEndian === null) return this.#stop(at, "a section header without a byte order");
    const writtenBytes = view.getUint32(at + 4, littleEndian);
    if (writtenBytes < SECTION_HEADER_LEAST_BYTES) {
      return this.#stop(at, `a section header is too short: ${writtenBytes} bytes`);
    }
    const major = view.getUint16(at + 12, littleEndian);
    const minor = view.getUint16(at + 14, littleEndian);
    // 1.2 is 1.0 as some tools mark it; libpcap and Wireshark read both and no other.
    if (major !== 1 || (minor !== 0 && minor !== 2)) {
      return this.#stop(at, `pcapng version ${major}.${minor} is unknown`);
    }
    const before = this.#section;
    const interfacesBefore = before === null ? 0 : before.interfacesBefore + before.interfaces.length;
    this.#section = { littleEndian, interfaces: [], interfacesBefore };
    return this.#startSkip(padded(writtenBytes), false, at);
  }

  #startSkip(blockBytes: number, isFrame: boolean, at: number): number {
    const leftBytes = blockBytes - BLOCK_FRAME_BYTES;
    this.#skip = { offsetBytes: this.consumedBytes, blockBytes, isFrame, leftBytes };
    return at + BLOCK_HEADER_BYTES;
  }

  #passOver(skip: Skip, view: DataView, at: number, end: number): number {
    if (skip.leftBytes > 0) {
      const passedBytes = Math.min(skip.leftBytes, end - at);
      skip.leftBytes -= passedBytes;
      this.needed = 1;
      return at + passedBytes;
    }
    this.needed = 4;
    if (end - at < 4 || !this.#lengthBehindIs(view, at, this.#section!, skip.blockBytes)) return at;
    if (skip.isFrame) this.#sink.blank();
    this.#skip = null;
    this.needed = BLOCK_FRAME_BYTES;
    return at + 4;
  }

  #lengthBehindIs(view: DataView, at: number, section: Section, blockBytes: number): boolean {
    const behindBytes = view.getUint32(at, section.littleEndian);
    if (padded(behindBytes) === blockBytes) return true;
    this.#damaged(`a block's two lengths differ: ${blockBytes} in front, ${behindBytes} behind`);
    return false;
  }

  #stop(at: number, what: string): number {
    this.#damaged(what);
    return at;
  }

  #damaged(what: string, kind: Damage["kind"] = "damaged"): void {
    this.damage = { offsetBytes: this.#skip?.offsetBytes ?? this.consumedBytes, kind, what };
  }
}

function byteOrderAt(view: DataView, at: number): boolean | null {
  if (view.getUint32(at, true) === BYTE_ORDER_MAGIC) return true;
  return view.getUint32(at, false) === BYTE_ORDER_MAGIC ? false : null;
}
