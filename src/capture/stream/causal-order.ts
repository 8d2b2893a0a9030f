import type { StreamSink } from "../../spine/wire.ts";
import { ACK, type Segment } from "../packet.ts";
import { type Direction, MAX_WINDOW_BYTES } from "./direction.ts";

/**
 * In which order what was said on a connection is handed on.
 *
 * A reply must not overtake the command it answers because the command's segment is late in the
 * capture. A segment therefore waits while it acknowledges bytes of the other direction that have not
 * been delivered. If those bytes never come (acknowledged by the receiver, so they will not be sent
 * again: the capture missed them) they are given up as a gap after a grace. The grace exists because a
 * capture may hold an ACK before the data it answers.
 *
 * Nothing here is touched by a connection whose segments come in turn.
 */

/** Packets of the connection, or µs of its time, after which acknowledged bytes are taken as never captured. */
const GRACE_PACKETS = 64;
const GRACE_US = 200_000;

/** One direction's waiting bytes: the largest receive window that Linux gives by default is 6 MiB. */
const MAX_QUEUED_BYTES = 8 << 20;

/** Waiting bytes of all connections together; whoever would pass it gives up its own hole. */
const MAX_QUEUED_TOTAL_BYTES = 16 << 20;

/** A connection's two directions, and since when bytes of one are known to be missing. */
export interface Ordered {
  readonly low: Direction;
  readonly high: Direction;
  /** Time (µs) at which the hole was noticed, or NO_HOLE, and how many packets there had been. */
  holeAtUs: number;
  holePacket: number;
}

export const NO_HOLE = -1;

/** The rules for all connections of one source, and the count of the bytes that wait in them. */
export class CausalOrder {
  #queuedBytes = 0;

  /** A segment that is not simply next, or that has to wait. */
  outOfTurn(
    sink: StreamSink,
    connection: Ordered,
    segment: Segment,
    fromLow: boolean,
    sequence: number,
  ): void {
    const { atUs, frame } = segment;
    const from = fromLow ? connection.low : connection.high;
    const peer = fromLow ? connection.high : connection.low;
    let length = segment.payloadLength;
    let start = segment.payloadAt;
    let next = sequence;
    const before = (from.next - next) | 0;
    if (before > 0) {
      // A keep-alive repeats the last byte, or sends one of garbage in its place (RFC 1122 §4.2.3.6).
      if (length === 1 && before === 1 && ((from.acknowledged - from.next) | 0) >= 0) return;
      const again = Math.min(before, length);
      from.repeated(sink, before, again, frame);
      if (again === length) return;
      next = from.next;
      start += again;
      length -= again;
    }
    if (from.ended || before < -MAX_WINDOW_BYTES) return;
    if (before >= 0 && from.queue.length === 0 && peer.missing === 0) {
      const end = Math.max(start, segment.capturedEnd);
      from.deliver(sink, atUs, frame, segment.buffer, start, end, start + length - end);
      return;
    }
    const queuedBefore = from.queuedBytes;
    const acknowledgement = segment.flags & ACK ? segment.acknowledgement : peer.next;
    from.enqueue(next, length, segment.buffer, start, segment.capturedEnd, atUs, frame, acknowledgement);
    this.#queuedBytes += from.queuedBytes - queuedBefore;
    while (
      from.queuedBytes > MAX_QUEUED_BYTES ||
      (this.#queuedBytes > MAX_QUEUED_TOTAL_BYTES && from.queue.length > 0)
    ) {
      this.#giveUp(sink, connection, from, atUs, frame);
    }
  }

  /** Hands on what can be, and gives up what has been acknowledged and does not come. */
  settle(sink: StreamSink, connection: Ordered, packets: number, atUs: number, frame: number): void {
    const { low, high } = connection;
    this.#drain(sink, connection);
    if (low.missing === 0 && high.missing === 0) {
      connection.holeAtUs = NO_HOLE;
      return;
    }
    if (connection.holeAtUs === NO_HOLE) {
      connection.holeAtUs = Math.max(0, atUs);
      connection.holePacket = packets;
      return;
    }
    if (packets - connection.holePacket < GRACE_PACKETS && atUs - connection.holeAtUs < GRACE_US) return;
    connection.holeAtUs = NO_HOLE;
    this.#giveUp(sink, connection, holed(connection) ?? (low.missing > 0 ? low : high), atUs, frame);
  }

  /** No more will come: everything that waits is handed on, holes as gaps. */
  flush(sink: StreamSink, connection: Ordered, atUs: number, frame: number): void {
    const { low, high } = connection;
    this.#drain(sink, connection);
    while (isWaiting(connection)) {
      const lowFirst =
        high.queue.length === 0 || (low.queue.length > 0 && low.queue[0]!.frame <= high.queue[0]!.frame);
      this.#giveUp(sink, connection, holed(connection) ?? (lowFirst ? low : high), atUs, frame);
    }
  }

  /** Nothing more is wanted of a connection: lets go of what waits. */
  drop({ low, high }: Ordered): void {
    this.#queuedBytes -= low.queuedBytes + high.queuedBytes;
    low.drop();
    high.drop();
  }

  #drain(sink: StreamSink, { low, high }: Ordered): void {
    const before = low.queuedBytes + high.queuedBytes;
    let moved = true;
    while (moved) {
      moved = drainOne(sink, low, high);
      moved = drainOne(sink, high, low) || moved;
    }
    this.#queuedBytes += low.queuedBytes + high.queuedBytes - before;
    low.finish(sink);
    high.finish(sink);
  }

  /** Takes the next hole of a direction as a gap. */
  #giveUp(sink: StreamSink, connection: Ordered, direction: Direction, atUs: number, frame: number): void {
    const piece = direction.queue[0];
    const toPiece =
      piece === undefined ? direction.missing : Math.max(0, (piece.sequence - direction.next) | 0);
    const length = direction.missing > 0 ? Math.min(direction.missing, toPiece) : toPiece;
    if (length > 0) direction.skip(sink, piece?.atUs ?? atUs, piece?.frame ?? frame, length, "lost");
    this.#drain(sink, connection);
    if (length > 0 || direction.ready() === undefined) return;
    // It waits for the other direction, which has a hole as well: nothing better will come.
    const before = direction.queuedBytes;
    direction.take(sink);
    this.#queuedBytes += direction.queuedBytes - before;
    this.#drain(sink, connection);
  }
}

/** Bytes wait, or are known to be missing. */
export function isWaiting({ low, high }: Ordered): boolean {
  return low.queue.length > 0 || high.queue.length > 0 || low.missing > 0 || high.missing > 0;
}

/** The direction whose next bytes will not come, earlier ones first; what waits only for them is no hole itself. */
function holed({ low, high }: Ordered): Direction | null {
  if (low.hole > 0 && high.hole > 0) return behindHole(high) < behindHole(low) ? high : low;
  if (low.hole > 0) return low;
  return high.hole > 0 ? high : null;
}

/** Packet of the first bytes that came behind the hole. */
function behindHole({ queue }: Direction): number {
  return queue[0]?.frame ?? Number.POSITIVE_INFINITY;
}

/** Delivers what is ready of one direction, up to what the other has not caught up with. */
function drainOne(sink: StreamSink, direction: Direction, peer: Direction): boolean {
  let moved = false;
  for (let piece = direction.ready(); piece !== undefined; piece = direction.ready()) {
    if (peer.missing > 0 && ((piece.acknowledgement - peer.next) | 0) > 0) break;
    direction.take(sink);
    moved = true;
  }
  return moved;
}
