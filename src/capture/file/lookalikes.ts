/**
 * What an input that is not a readable capture seems to be, so that the message can say what to do.
 *
 * Guesses from the first bytes, for the message only. To add one: a line in the table.
 */
import { isGzip } from "./gzip.ts";
import { isZstd } from "./zstd.ts";

interface Lookalike {
  readonly magic: string;
  readonly at?: number;
  readonly what: string;
  readonly hint: string;
}

const CONVERT = "convert it with: editcap -F pcapng IN OUT";
const UNPACK = "unpack it first";
const GIVE_CAPTURE = "give a pcap or pcapng file";

const LOOKALIKES: readonly Lookalike[] = [
  { magic: "snoop\0\0\0", what: "a Solaris snoop capture", hint: CONVERT },
  { magic: "GMBU", what: "a Microsoft Network Monitor capture", hint: CONVERT },
  { magic: "RTSS", what: "a Microsoft Network Monitor 1.x capture", hint: CONVERT },
  { magic: "TRSNIFF data    \x1a", what: "a Sniffer capture", hint: CONVERT },
  { magic: "XCP\0", what: "a NetXRay capture", hint: CONVERT },
  { magic: "ObserverPktBuf", what: "an Observer capture", hint: CONVERT },
  { magic: "\x7fver", what: "an Omnipeek capture", hint: CONVERT },
  { magic: "iptrace ", what: "an AIX iptrace capture", hint: CONVERT },
  { magic: "\xa1\xb2\x34\xcd", what: "a modified pcap nobody documents", hint: GIVE_CAPTURE },
  { magic: "\xcd\x34\xb2\xa1", what: "a modified pcap nobody documents", hint: GIVE_CAPTURE },
  { magic: "\n\r\r\n", what: "a pcapng capture damaged in its first bytes", hint: GIVE_CAPTURE },
  { magic: "BZh", what: "bzip2 data", hint: UNPACK },
  { magic: "\xfd7zXZ\0", what: "xz data", hint: UNPACK },
  { magic: "\x04\x22\x4d\x18", what: "lz4 data", hint: UNPACK },
  { magic: "7z\xbc\xaf\x27\x1c", what: "a 7-Zip archive", hint: UNPACK },
  { magic: "PK\x03\x04", what: "a zip archive", hint: UNPACK },
  { magic: "ustar", at: 257, what: "a tar archive", hint: UNPACK },
  { magic: "\x7fELF", what: "an ELF program", hint: GIVE_CAPTURE },
  { magic: "MZ", what: "a Windows program", hint: GIVE_CAPTURE },
  { magic: "%PDF", what: "a PDF document", hint: GIVE_CAPTURE },
  { magic: "\x89PNG", what: "a PNG picture", hint: GIVE_CAPTURE },
  { magic: "SQLite format 3\0", what: "an SQLite database", hint: GIVE_CAPTURE },
];

/** As much as tells text from binary data. */
const TEXT_SAMPLE_BYTES = 512;

/** @returns a clause for "this is …" and what to do about it; `head` is the start of the input, 512 bytes if it has them */
export function describeLookalike(head: Uint8Array): { what: string; hint: string } {
  const start = Buffer.from(head.subarray(0, TEXT_SAMPLE_BYTES)).toString("latin1");
  const known = LOOKALIKES.find(({ magic, at = 0 }) => start.startsWith(magic, at));
  if (known !== undefined) return known;
  if (isGzip(head)) return { what: "gzip data", hint: UNPACK };
  if (isZstd(head)) return { what: "zstd data", hint: UNPACK };
  if (/^[\t\n\r\x20-\x7e\x80-\xff]+$/.test(start)) return { what: "text", hint: GIVE_CAPTURE };
  return { what: "not a capture", hint: GIVE_CAPTURE };
}
