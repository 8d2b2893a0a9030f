/**
 * The blocks of a pcapng file that a recording needs: one section, one interface, packets with µs.
 * Little-endian; every block carries its length in front and behind.
 *
 * @see https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/
 */

const SECTION_HEADER = 0x0a0d0d0a;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const INTERFACE = 1;
const ENHANCED_PACKET = 6;
/** Packets begin with an IP header, of either version. */
const LINKTYPE_RAW = 101;

const COMMENT = 1;
const SHB_APPLICATION = 4;
const IF_NAME = 2;
const IF_DESCRIPTION = 3;
const IF_TSRESOL = 9;
const MICROSECONDS = 6;

const TWO_TO_32 = 4_294_967_296;

/** Longer comments are cut: an option's length is 16 bits, and nobody reads more. */
const MAX_TEXT_BYTES = 4_096;

/** In front of a packet's bytes in its block. */
export const PACKET_AT = 28;

/** What a file begins with. */
export function fileHeader(application: string, comment: string | null, interfaceText: string): Buffer {
  const section = Buffer.alloc(16);
  section.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
  section.writeUInt16LE(1, 4);
  section.fill(0xff, 8); // a section of unknown length
  const about: Option[] = [[SHB_APPLICATION, text(application)]];
  if (comment !== null) about.unshift([COMMENT, text(comment)]);
  const described = Buffer.alloc(8);
  described.writeUInt16LE(LINKTYPE_RAW, 0);
  return Buffer.concat([
    block(SECTION_HEADER, section, about),
    block(INTERFACE, described, [
      [IF_NAME, text("smtpscope")],
      [IF_DESCRIPTION, text(interfaceText)],
      [IF_TSRESOL, Buffer.from([MICROSECONDS])],
    ]),
  ]);
}

/**
 * A block for a packet whose bytes are yet to be written, from PACKET_AT on.
 * @param wireBytes the packet's length where less than that is kept of it
 */
export function packetBlock(
  atUs: number,
  keptBytes: number,
  wireBytes: number,
  comment: string | null,
): Buffer {
  const commentBytes = comment === null ? 0 : Math.min(Buffer.byteLength(comment), MAX_TEXT_BYTES);
  const optionsAt = PACKET_AT + padded(keptBytes);
  // An option's head, its text, and the end of all options.
  const length = optionsAt + (comment === null ? 0 : 4 + padded(commentBytes) + 4) + 4;
  // Out of Node's pool, for most are small and there are very many.
  const whole = Buffer.allocUnsafe(length).fill(0);
  whole.writeUInt32LE(ENHANCED_PACKET, 0);
  whole.writeUInt32LE(length, 4);
  whole.writeUInt32LE(Math.floor(atUs / TWO_TO_32), 12);
  whole.writeUInt32LE(atUs % TWO_TO_32, 16);
  whole.writeUInt32LE(keptBytes, 20);
  whole.writeUInt32LE(wireBytes, 24);
  if (comment !== null) {
    whole.writeUInt16LE(COMMENT, optionsAt);
    whole.writeUInt16LE(commentBytes, optionsAt + 2);
    whole.write(comment, optionsAt + 4, commentBytes);
  }
  whole.writeUInt32LE(length, length - 4);
  return whole;
}

type Option = readonly [code: number, value: Buffer];

function block(type: number, body: Buffer, options: readonly Option[]): Buffer {
  const list = optionList(options);
  const length = 12 + body.length + list.length;
  const head = Buffer.alloc(8);
  head.writeUInt32LE(type, 0);
  head.writeUInt32LE(length, 4);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(length, 0);
  return Buffer.concat([head, body, list, tail]);
}

function optionList(options: readonly Option[]): Buffer {
  const parts = options.map(([code, value]) => {
    const whole = Buffer.alloc(4 + padded(value.length));
    whole.writeUInt16LE(code, 0);
    whole.writeUInt16LE(value.length, 2);
    value.copy(whole, 4);
    return whole;
  });
  return Buffer.concat([...parts, Buffer.alloc(4)]);
}

function text(of: string): Buffer {
  return Buffer.from(of).subarray(0, MAX_TEXT_BYTES);
}

function padded(lengthBytes: number): number {
  return Math.ceil(lengthBytes / 4) * 4;
}
