import { type EndCause, NO_TIME, type Side, type StreamSink } from "../../spine/wire.ts";

/**
 * One direction of a TCP connection: segments in, the byte stream out.
 *
 * Each byte is delivered once, in sequence order, as its first captured copy. What is not next in
 * sequence waits in a queue of disjoint pieces. A hole is filled by a later copy, or, once the
 * receiver has acknowledged bytes that were never captured, given up as a gap (see Connection, which
 * knows both directions). Sequence arithmetic is modulo 2³² by `(a - b) | 0` (RFC 9293 §3.4).
 */

/** One waiting piece. `payload` is shorter than `length` where the snap length cut it. */
interface Piece {
  sequence: number;
  length: number;
  payload: Uint8Array;
  atUs: number;
  frame: number;
  /** Holds back until the other direction has delivered up to this acknowledgement number; see Connection. */
  acknowledgement: number;
}

/** Shared, and so never pushed to: most connections never have anything waiting. */
const NO_PIECES: Piece[] = [];

export class Direction {
  side: Side;
  /** True once the sequence number of the first byte is known. */
  started = false;
  /** Sequence number of the next byte to deliver. */
  next = 0;
  /** Stream offset of `next`: bytes delivered or given up so far. */
  offset = 0;
  /** Packets of this direction were captured. */
  seen = false;
  /** The highest acknowledgement number the peer has sent for this direction. */
  acknowledged = 0;
  acknowledgedKnown = false;
  /** An acknowledgement too far ahead to be believed at once. */
  #doubted = 0;
  #doubtedKnown = false;
  finKnown = false;
  finSequence = 0;
  finAtUs = NO_TIME;
  ended = false;
  /** Waiting pieces in sequence order; NO_PIECES until something waits. */
  queue: Piece[] = NO_PIECES;
  queuedBytes = 0;
  /** Later copies of bytes that still wait: sequence ranges, reported once the bytes are delivered. */
  #copies: number[] | null = null;

  constructor(side: Side) {
    this.side = side;
  }

  start(sequence: number): void {
    if (this.started) return;
    this.started = true;
    this.next = sequence;
  }

  /** A SYN says where the stream begins; another one with another number counts while nothing was said. */
  synchronise(sequence: number): void {
    if (this.started && (this.offset > 0 || this.queue.length > 0)) return;
    this.started = true;
    this.next = sequence;
  }

  acknowledge(acknowledgement: number): void {
    if (this.started && !this.#believable(acknowledgement)) return;
    if (!this.acknowledgedKnown || ((acknowledgement - this.acknowledged) | 0) > 0) {
      this.acknowledged = acknowledgement;
      this.acknowledgedKnown = true;
    }
  }

  /**
   * A number far ahead of everything seen is an outage of the capture or a flipped bit. In an outage the
   * next one says about the same; nobody can have sent more than the largest window (RFC 7323 §2.3).
   */
  #believable(acknowledgement: number): boolean {
    const ahead = (acknowledgement - this.next) | 0;
    if (ahead > MAX_WINDOW_BYTES) return false;
    if (ahead <= this.queuedBytes + PLAUSIBLE_BYTES) return true;
    const beyond = (acknowledgement - this.#doubted) | 0;
    if (this.#doubtedKnown && beyond >= 0 && beyond <= PLAUSIBLE_BYTES) return true;
    this.#doubted = acknowledgement;
    this.#doubtedKnown = true;
    return false;
  }

  /** Bytes that the peer has acknowledged and that were not delivered. A FIN takes one number of its own. */
  get missing(): number {
    if (!this.acknowledgedKnown || !this.started || this.ended) return 0;
    let missing = (this.acknowledged - this.next) | 0;
    if (missing > 0 && this.finKnown && ((this.acknowledged - this.finSequence) | 0) > 0) missing--;
    return Math.max(missing, 0);
  }

  /** Of these, those next in sequence that are not there either: 0 while what is next only waits its turn. */
  get hole(): number {
    const missing = this.missing;
    const piece = this.queue[0];
    return piece === undefined ? missing : Math.min(missing, Math.max(0, (piece.sequence - this.next) | 0));
  }

  /** Stream offset of the first unacknowledged byte. */
  get acknowledgedOffset(): number {
    if (!this.acknowledgedKnown || !this.started) return 0;
    return this.offset + ((this.acknowledged - this.next) | 0);
  }

  /** Hands on bytes that are next in sequence; `cut` of them were not captured. */
  deliver(
    sink: StreamSink,
    atUs: number,
    frame: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    cut: number,
  ): void {
    const length = end - start;
    this.next = (this.next + length) | 0;
    this.offset += length;
    if (length > 0) sink.bytes(this.side, atUs, frame, buffer, start, end);
    if (cut > 0) this.skip(sink, atUs, frame, cut, "snaplen");
  }

  skip(sink: StreamSink, atUs: number, frame: number, length: number, why: "lost" | "snaplen"): void {
    this.next = (this.next + length) | 0;
    this.offset += length;
    sink.gap(this.side, atUs, frame, length, why);
  }

  /** A segment's bytes lie before `next`: further copies of what was delivered. */
  repeated(sink: StreamSink, before: number, length: number, frame: number): void {
    const from = this.offset - before;
    if (from + length > 0) sink.copy(this.side, Math.max(0, from), from + length, frame);
  }

  /** Keeps what of a segment is not yet there: the first captured copy of each byte. */
  enqueue(
    sequence: number,
    length: number,
    buffer: Uint8Array,
    start: number,
    capturedEnd: number,
    atUs: number,
    frame: number,
    acknowledgement: number,
  ): void {
    if (this.queue === NO_PIECES) this.queue = [];
    const queue = this.queue;
    let from = sequence;
    const end = (sequence + length) | 0;
    let index = this.#placeOf(from);
    if (index > 0) {
      const before = queue[index - 1]!;
      const overlap = (before.sequence + before.length - from) | 0;
      if (overlap > 0) from = this.#overlap(from, overlap, end, frame);
    }
    while (((end - from) | 0) > 0) {
      const after = queue[index];
      const room =
        after === undefined ? (end - from) | 0 : Math.min((end - from) | 0, (after.sequence - from) | 0);
      if (room > 0) {
        const at = start + ((from - sequence) | 0);
        const payload = copyOf(buffer, Math.min(at, capturedEnd), Math.min(at + room, capturedEnd));
        queue.splice(index, 0, { sequence: from, length: room, payload, atUs, frame, acknowledgement });
        this.queuedBytes += payload.length + PIECE_OVERHEAD_BYTES;
        index++;
        from = (from + room) | 0;
      }
      if (after !== undefined && ((end - from) | 0) > 0) {
        from = this.#overlap(from, after.length, end, frame);
        index++;
      }
    }
  }

  /** How many waiting pieces start at or before a sequence number. */
  #placeOf(sequence: number): number {
    const queue = this.queue;
    let low = 0;
    let high = queue.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (((sequence - queue[middle]!.sequence) | 0) < 0) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #overlap(from: number, overlap: number, end: number, frame: number): number {
    const to = (from + Math.min(overlap, (end - from) | 0)) | 0;
    this.#copies ??= [];
    if (this.#copies.length < MAX_WAITING_COPIES * 3) this.#copies.push(from, to, frame);
    return to;
  }

  /** The next piece in sequence, if it is there. */
  ready(): Piece | undefined {
    if (this.queue.length === 0) return undefined;
    const piece = this.queue[0];
    return piece !== undefined && ((piece.sequence - this.next) | 0) <= 0 ? piece : undefined;
  }

  /** Delivers the piece that ready() showed. */
  take(sink: StreamSink): void {
    const piece = this.queue.shift()!;
    this.queuedBytes -= piece.payload.length + PIECE_OVERHEAD_BYTES;
    const stale = (this.next - piece.sequence) | 0;
    if (stale < piece.length) {
      const start = Math.min(stale, piece.payload.length);
      const cut = piece.length - Math.max(stale, piece.payload.length);
      this.deliver(sink, piece.atUs, piece.frame, piece.payload, start, piece.payload.length, cut);
    }
    this.#reportCopies(sink);
  }

  #reportCopies(sink: StreamSink): void {
    const copies = this.#copies;
    if (copies === null) return;
    for (let i = 0; i < copies.length; ) {
      const to = copies[i + 1]!;
      if (((to - this.next) | 0) > 0) {
        i += 3;
        continue;
      }
      this.repeated(sink, (this.next - copies[i]!) | 0, (to - copies[i]!) | 0, copies[i + 2]!);
      copies.splice(i, 3);
    }
  }

  /** Lets go of what waits. */
  drop(): void {
    this.queue = NO_PIECES;
    this.queuedBytes = 0;
  }

  /** Says the stream is over when its FIN is next in sequence. */
  finish(sink: StreamSink): void {
    if (
      this.finKnown &&
      !this.ended &&
      this.queue.length === 0 &&
      ((this.next - this.finSequence) | 0) >= 0
    ) {
      this.end(sink, this.finAtUs, "fin");
    }
  }

  end(sink: StreamSink, atUs: number, how: EndCause): void {
    if (this.ended) return;
    this.ended = true;
    sink.end(this.side, atUs, how);
  }
}

/** A copy of its own: `slice` of a Buffer would share the memory that the next read overwrites. */
function copyOf(buffer: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start);
  copy.set(buffer.subarray(start, end));
  return copy;
}

/** An acknowledgement that is further ahead than this needs a second one that agrees. */
const PLAUSIBLE_BYTES = 256 << 10;

/** The largest window there is (RFC 7323 §2.3). */
export const MAX_WINDOW_BYTES = 1 << 30;

/** What a waiting piece counts besides its payload: many tiny ones cost time as well as memory. */
const PIECE_OVERHEAD_BYTES = 1_024;

/** Copies of waiting bytes that are remembered; beyond it they go uncounted (a flood, not a network). */
const MAX_WAITING_COPIES = 64;
