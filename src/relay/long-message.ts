import { EndOfData, TAIL_BYTES } from "../spine/end-of-data.ts";
import type { Side } from "../spine/wire.ts";

/**
 * Notices that a client is far into a message. Nobody reads such bytes, so observers are told how many
 * they were instead: to copy a large message to them costs more than to relay it.
 *
 * It is the one thing that the relay knows of SMTP: the server's 354 begins a message, CRLF.CRLF ends it.
 * Where it is mistaken the observer, who reads the dialogue, takes what it was not told as missing.
 */

/** So much of a message is told: as far as a lone dot in it may turn out to have been its end. */
const TOLD_BYTES = 256 << 10;
/** A chunk of less is told whole: to say how long it was saves nothing. */
const UNREAD_FROM_BYTES = 4_096;

const LF = 0x0a;
const CR = 0x0d;
const GO_AHEAD = Buffer.from("354");

export class LongMessage {
  /** Of the message on its way; −1 when there is none. */
  #bytes = -1;
  #end: EndOfData | null = null;
  /** The client's last bytes. */
  #tail = 0;

  /** @returns whether these bytes, the next of that side, need not be told */
  passes(from: Side, chunk: Buffer): boolean {
    if (from === "server") {
      this.#bytes = isGoAhead(chunk) ? 0 : -1;
      if (this.#bytes === 0) {
        this.#end ??= new EndOfData();
        this.#end.startBehind(this.#tail);
      }
      return false;
    }
    for (let i = Math.max(0, chunk.length - TAIL_BYTES); i < chunk.length; i++)
      this.#tail = (this.#tail << 8) | chunk[i]!;
    if (this.#bytes < 0) return false;
    if (this.#end!.scan(chunk, 0, chunk.length) >= 0) {
      this.#bytes = -1;
      return false;
    }
    this.#bytes += chunk.length;
    return this.#bytes - chunk.length >= TOLD_BYTES && chunk.length >= UNREAD_FROM_BYTES;
  }
}

/** Whether the last line of what a server said is a 354. */
function isGoAhead(chunk: Buffer): boolean {
  const end = chunk.length - 2;
  if (end < GO_AHEAD.length || chunk[end] !== CR || chunk[end + 1] !== LF) return false;
  let start = end;
  while (start > 0 && chunk[start - 1] !== LF) start--;
  return GO_AHEAD.every((byte, i) => chunk[start + i] === byte);
}
