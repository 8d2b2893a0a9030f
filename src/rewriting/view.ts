import type { Exchange, RawText } from "../spine/exchange.ts";
import type { Transport } from "../spine/wire.ts";

/**
 * What signatures look at: as much of a dialogue as has been seen, bounded, byte for byte. Texts hold
 * one character a byte (Latin-1), without line ends; they are escaped when they are shown.
 */
export interface DialogueView {
  readonly transport: Transport;
  readonly banner: Said | null;
  /** The latest EHLO, LHLO or HELO and what it got. */
  readonly hello: Said | null;
}

/** A reply, and the command it answers. */
export interface Said {
  readonly verb: string;
  /** Shown text, secrets replaced. */
  readonly command: string | null;
  readonly code: number | null;
  readonly lines: readonly string[];
  /** Packet number over the whole source of the reply's first byte. */
  readonly frame: number;
  readonly atUs: number | null;
}

export function saidIn(exchange: Exchange): Said {
  return {
    verb: exchange.verb,
    command: exchange.command(),
    code: exchange.code,
    lines: rawLines(exchange.replyBytes),
    frame: exchange.answeredFirstFrame || exchange.askedLastFrame,
    atUs: exchange.answeredFirstAtUs ?? exchange.askedLastAtUs,
  };
}

function rawLines({ bytes, length }: RawText): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, length).toString("latin1");
  const lines = text.split("\n").map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
  if (lines.at(-1) === "") lines.pop();
  return lines;
}
