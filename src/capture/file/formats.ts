/**
 * The capture file formats that can be read, recognised by their first bytes, never by a name.
 *
 * To add a format: write a decoder (decoder.ts says what it owes), tell its beginning from all others
 * within HEAD_BYTES, and enter both here. Compression is not a format: see compressions.ts.
 */
import type { RecordSink } from "../packet.ts";
import type { CaptureDecoder } from "./decoder.ts";
import { isPcap, PcapDecoder } from "./pcap.ts";
import { isPcapng, PcapngDecoder } from "./pcapng.ts";

export type FormatName = "pcap" | "pcapng";

interface Format {
  readonly name: FormatName;
  /** Given HEAD_BYTES bytes, or all there are when the input is shorter. */
  recognises(head: Uint8Array): boolean;
  decoder(sink: RecordSink): CaptureDecoder;
}

/** Enough to recognise every format and compression. */
export const HEAD_BYTES = 12;

const FORMATS: readonly Format[] = [
  { name: "pcap", recognises: isPcap, decoder: (sink) => new PcapDecoder(sink) },
  { name: "pcapng", recognises: isPcapng, decoder: (sink) => new PcapngDecoder(sink) },
];

export function formatOf(head: Uint8Array): Format | null {
  return FORMATS.find(({ recognises }) => recognises(head)) ?? null;
}
