import { ACK_FLAG, type PacketTable, SYN_FLAG } from "../spine/packets.ts";
import { clockOf, type PeerClock } from "./clock.ts";

/** No retransmission timer is shorter (µs). */
const MIN_COPY_US = 3_000;
/** A pause (µs) within what is written together. */
export const MIN_PAUSE_US = 20_000;
/** Delayed ACKs come after 40 ms (Linux) to 500 ms (RFC 1122 §4.2.3.2). */
export const MAX_DELAYED_ACK_US = 510_000;
/** What follows within this (µs) of an acknowledgement was sent because of it. */
export const AT_ONCE_US = 5_000;

/** A dialogue's packets, read once for all of its replies. */
export class Packets {
  readonly table: PacketTable;
  readonly serverClock: PeerClock | null;
  readonly roundTripUs: number;
  constructor(table: PacketTable, roundTripUs: number) {
    this.table = table;
    this.serverClock = clockOf(table, false);
    this.roundTripUs = roundTripUs;
  }

  /** Index of a packet by its number, −1 if the log does not have it. */
  at(frame: number): number {
    const { table } = this;
    let low = table.first;
    let high = table.end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (table.frame[middle]! < frame) low = middle + 1;
      else high = middle;
    }
    return low < table.end && table.frame[low] === frame ? low : -1;
  }

  /** Since then the server has sent something that comes after packet `at` in sequence, and it was here first. */
  overtaken(at: number, sinceUs: number): boolean {
    const { table } = this;
    for (let i = at - 1; i >= table.first && table.atUs[i]! >= sinceUs; i--) {
      if (table.fromClient[i] === 0 && table.offset[i]! > table.offset[at]!) return true;
    }
    return false;
  }

  /** How long the rest of a command waited for the server to acknowledge its beginning; 0 where it didn't. */
  piecesUs(fromUs: number, toUs: number): number {
    const lengthUs = toUs - fromUs;
    if (fromUs < 0 || lengthUs < MIN_PAUSE_US || lengthUs > MAX_DELAYED_ACK_US) return 0;
    const { table } = this;
    for (let i = table.first; i < table.end; i++) {
      if (table.fromClient[i] === 1 || table.lengthBytes[i]! > 0) continue;
      const ackUs = table.atUs[i]!;
      if (ackUs > fromUs && ackUs <= toUs && toUs - ackUs <= AT_ONCE_US) return lengthUs;
    }
    return 0;
  }

  /** The peer's first packet after `frame` that acknowledges stream offset `to`; −1 without one. */
  acknowledgement(ofClient: boolean, frame: number, to: number): number {
    const { table } = this;
    for (let i = table.first; i < table.end; i++) {
      if (table.frame[i]! <= frame || (table.fromClient[i] === 1) === ofClient) continue;
      if ((table.flags[i]! & ACK_FLAG) !== 0 && table.acknowledged[i]! >= to) return i;
    }
    return -1;
  }

  /** Copies of the bytes before stream offset `to` that were sent in packet `frame`, again, before packet index `until`. */
  copies(ofClient: boolean, frame: number, sentUs: number, to: number, until: number): number[] {
    const { table } = this;
    const found: number[] = [];
    const end = until < 0 ? table.end : until;
    for (let i = table.first; i < end; i++) {
      if (table.frame[i]! <= frame || (table.fromClient[i] === 1) !== ofClient) continue;
      if (table.lengthBytes[i]! === 0 || table.flags[i]! & SYN_FLAG) continue;
      // The same packet, captured at two places.
      if (table.atUs[i]! - sentUs < MIN_COPY_US) continue;
      if (table.offset[i]! < to && table.offset[i]! + table.lengthBytes[i]! >= to) found.push(i);
    }
    return found;
  }
}

/**
 * Held or lost? The acknowledgement echoes the clock of the copy that it is for. If that copy took most of
 * the time itself, it was held; if it was here at once, those before it were lost.
 */
export function wasHeld(
  table: PacketTable,
  acknowledgement: number,
  sent: readonly number[],
  wholeUs: number,
): boolean {
  if (table.hasClock[acknowledgement] === 0) return false;
  const echo = table.echo[acknowledgement]!;
  const named = sent.findLast((i) => table.hasClock[i] === 1 && ((echo - table.clock[i]!) | 0) >= 0);
  if (named !== undefined) return table.atUs[acknowledgement]! - table.atUs[named]! > wholeUs / 2;
  // It names one that was sent before those that are known: the first.
  return sent.some((i) => table.hasClock[i] === 1);
}
