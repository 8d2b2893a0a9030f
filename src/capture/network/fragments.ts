/**
 * Reassembles IP fragments (RFC 791 §3.2, RFC 8200 §4.5) by the list of holes of RFC 815.
 *
 * A datagram starts as one hole; each fragment fills what it overlaps of the holes, so the first copy
 * of a byte wins and duplicates do nothing; with the last hole gone the datagram is complete. Bytes
 * that the snap length cut fill their hole as well, but are remembered as not captured: the segment's
 * length is right then, and its bytes end where contiguity does.
 *
 * Captures lie: fragments are lost, identifications are reused, floods are sent to exhaust exactly
 * this table. Hence three bounds; what goes over one is dropped, oldest datagram first, and counted.
 *
 * Deliberately absent: delivery of unfinished datagrams. A first fragment does hold a TCP header, but
 * its length is a guess.
 */

import { NO_TIME } from "../../spine/wire.ts";

/** Hosts give up after 15 to 60 s (RFC 791 §3.2, RFC 8200 §4.5; Linux: 30): later pieces are of another datagram. */
const TIMEOUT_US = 30_000_000;
/** A path with reordering holds tens at once; Linux drops by memory at about as many of full size. */
const MAX_DATAGRAMS = 1024;
/** Twice Linux's default for all of a host (ipfrag_high_thresh): more was in flight on no real path. */
const MAX_HELD_BYTES = 8 << 20;
/** The most that offset (13 bits of eight bytes) and total length (16 bits) allow together. */
const MAX_DATAGRAM_BYTES = 65_535;
/** Room for two Ethernet frames: most datagrams have two pieces. */
const FIRST_ROOM_BYTES = 3_072;

export interface FragmentLimits {
  maxDatagrams: number;
  maxHeldBytes: number;
  timeoutUs: number;
}

export const FRAGMENT_LIMITS: FragmentLimits = {
  maxDatagrams: MAX_DATAGRAMS,
  maxHeldBytes: MAX_HELD_BYTES,
  timeoutUs: TIMEOUT_US,
};

/** A datagram in the making: `buffer` holds the two addresses, then its bytes from `payloadAt` on. */
export interface Datagram {
  key: string;
  startedAtUs: number;
  pieces: number;
  buffer: Uint8Array;
  addressBytes: 4 | 16;
  payloadAt: number;
  /** What the bytes are, as the fragment at offset 0 says. */
  protocol: number;
  /** Offsets in pairs, from and to. */
  holes: number[];
  /** Length, once the last fragment is there; the most possible before. */
  lengthBytes: number;
  /** Offset of the first byte that was not captured. */
  cutAt: number;
}

/** One fragment as `Dissection.fragment` gets it. */
export interface Piece {
  key: number;
  protocol: number;
  offset: number;
  more: boolean;
  buffer: Uint8Array;
  at: number;
  end: number;
  wireEnd: number;
  addressBytes: 4 | 16;
  sourceAt: number;
  destinationAt: number;
}

export class Fragments {
  /** Fragments held at the moment, and those given up. */
  pending = 0;
  dropped = 0;

  readonly #limits: FragmentLimits;
  /** In the order in which they were started. */
  readonly #datagrams = new Map<string, Datagram>();
  #heldBytes = 0;

  constructor(limits: FragmentLimits) {
    this.#limits = limits;
  }

  /** Adds a fragment. @returns the datagram that it completes, or null */
  add(piece: Piece, atUs: number): Datagram | null {
    this.#expire(atUs);
    const key = keyOf(piece);
    const datagram = this.#datagrams.get(key) ?? this.#start(key, piece, atUs);
    const lengthBytes = piece.wireEnd - piece.at;
    const to = piece.offset + lengthBytes;
    datagram.pieces++;
    this.pending++;
    if (to > MAX_DATAGRAM_BYTES) {
      this.#drop(datagram);
      return null;
    }
    if (piece.offset === 0) datagram.protocol = piece.protocol;
    this.#makeRoom(datagram, to);
    fill(datagram, piece, to);
    if (!piece.more) endAt(datagram, to);
    if (datagram.holes.length > 0) {
      this.#bound();
      return null;
    }
    this.#forget(datagram);
    return datagram;
  }

  #start(key: string, piece: Piece, atUs: number): Datagram {
    const { addressBytes, buffer, sourceAt, destinationAt } = piece;
    const datagram: Datagram = {
      key,
      startedAtUs: atUs,
      pieces: 0,
      buffer: new Uint8Array(FIRST_ROOM_BYTES),
      addressBytes,
      payloadAt: 2 * addressBytes,
      protocol: piece.protocol,
      holes: [0, MAX_DATAGRAM_BYTES],
      lengthBytes: MAX_DATAGRAM_BYTES,
      cutAt: MAX_DATAGRAM_BYTES,
    };
    datagram.buffer.set(buffer.subarray(sourceAt, sourceAt + addressBytes), 0);
    datagram.buffer.set(buffer.subarray(destinationAt, destinationAt + addressBytes), addressBytes);
    this.#datagrams.set(key, datagram);
    this.#heldBytes += FIRST_ROOM_BYTES;
    return datagram;
  }

  #makeRoom(datagram: Datagram, lengthBytes: number): void {
    const needed = datagram.payloadAt + lengthBytes;
    const had = datagram.buffer.length;
    if (needed <= had) return;
    const grown = new Uint8Array(Math.max(needed, 2 * had));
    grown.set(datagram.buffer);
    datagram.buffer = grown;
    this.#heldBytes += grown.length - had;
  }

  #expire(atUs: number): void {
    if (atUs === NO_TIME) return;
    for (const datagram of this.#datagrams.values()) {
      if (atUs - datagram.startedAtUs <= this.#limits.timeoutUs) return;
      this.#drop(datagram);
    }
  }

  #bound(): void {
    const { maxDatagrams, maxHeldBytes } = this.#limits;
    for (const datagram of this.#datagrams.values()) {
      if (this.#datagrams.size <= maxDatagrams && this.#heldBytes <= maxHeldBytes) return;
      this.#drop(datagram);
    }
  }

  #drop(datagram: Datagram): void {
    this.dropped += datagram.pieces;
    this.#forget(datagram);
  }

  #forget(datagram: Datagram): void {
    this.#datagrams.delete(datagram.key);
    this.#heldBytes -= datagram.buffer.length;
    this.pending -= datagram.pieces;
  }
}

/** Source, destination, identification and protocol: what makes fragments one datagram. */
function keyOf(piece: Piece): string {
  const { addressBytes, buffer, sourceAt, destinationAt } = piece;
  let key = `${piece.key}:`;
  for (let i = 0; i < addressBytes; i++) key += String.fromCharCode(buffer[sourceAt + i]!);
  for (let i = 0; i < addressBytes; i++) key += String.fromCharCode(buffer[destinationAt + i]!);
  return key;
}

function fill(datagram: Datagram, piece: Piece, to: number): void {
  const { offset, buffer, at, end } = piece;
  const capturedTo = offset + (end - at);
  const remaining: number[] = [];
  const { holes } = datagram;
  for (let i = 0; i < holes.length; i += 2) {
    const holeFrom = holes[i]!;
    const holeTo = holes[i + 1]!;
    const from = Math.max(holeFrom, offset);
    const until = Math.min(holeTo, to);
    if (from >= until) {
      remaining.push(holeFrom, holeTo);
      continue;
    }
    if (holeFrom < from) remaining.push(holeFrom, from);
    if (until < holeTo) remaining.push(until, holeTo);
    const captured = Math.min(until, capturedTo);
    if (captured > from) {
      const bytes = buffer.subarray(at + from - offset, at + captured - offset);
      datagram.buffer.set(bytes, datagram.payloadAt + from);
    }
    if (captured < until) datagram.cutAt = Math.min(datagram.cutAt, Math.max(captured, from));
  }
  datagram.holes = remaining;
}

/** The fragment without successors says where the datagram ends; the first to say so is believed. */
function endAt(datagram: Datagram, lengthBytes: number): void {
  if (datagram.lengthBytes !== MAX_DATAGRAM_BYTES) return;
  datagram.lengthBytes = lengthBytes;
  const remaining: number[] = [];
  for (let i = 0; i < datagram.holes.length; i += 2) {
    const from = datagram.holes[i]!;
    const to = Math.min(datagram.holes[i + 1]!, lengthBytes);
    if (from < to) remaining.push(from, to);
  }
  datagram.holes = remaining;
}
