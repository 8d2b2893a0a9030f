/** Drives a decoder as the reader does, with the pieces a test wants. */
import type { CaptureDecoder } from "../../../src/capture/file/decoder.ts";
import { formatOf } from "../../../src/capture/file/formats.ts";
import type { Damage } from "../../../src/capture/packet.ts";
import { Seen } from "./made-captures.ts";

export interface Decoded {
  seen: Seen;
  damage: Damage | null;
  decoder: CaptureDecoder;
}

/** Gives the decoder `piece` bytes more at a time. */
export function decodeAll(file: Buffer, piece = file.length): Decoded {
  const seen = new Seen();
  const decoder = formatOf(file)!.decoder(seen);
  let at = 0;
  for (let end = 0; end < file.length && decoder.damage === null; ) {
    end = Math.min(file.length, end + Math.max(1, piece));
    at = decoder.decode(file, at, end);
  }
  decoder.finish(file.length - at);
  return { seen, damage: decoder.damage, decoder };
}
