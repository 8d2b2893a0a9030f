import { ACK_FLAG, type PacketTable, RST_FLAG, SYN_FLAG } from "../spine/packets.ts";
import type { Sighting } from "./signature.ts";

/**
 * Whether all packets of the server's side of a connection can have come from one host, by what its stack
 * writes into every header: how far they may travel (time to live), its clock (RFC 7323). What the SYNs agree on
 * is looked at in tcp-options.ts.
 *
 * Not looked at: the IP identification, which honest stacks treat differently in a SYN-ACK (Linux sends 0).
 */

export interface StackChange {
  /** What tells, in words. */
  readonly what: string;
  readonly confidence: number;
  readonly frame: number;
}

/** The same as what signatures give; numbers in it do not make another variant. */
export function sightingOf(change: StackChange | null): Sighting | null {
  if (change === null) return null;
  const { what, confidence, frame } = change;
  return { variant: what.replace(/\d+/g, "N"), confidence, text: what, frame };
}

/** Routes change by a hop or two within a connection. */
const MAX_ROUTE_CHANGE = 2;
/** Ticks by which SYN cookies bend the clock of a SYN-ACK (they use its lowest six bits), and some more. */
const MAX_BENT_TICKS = 4_096;
/** The fastest clocks tick once a µs. */
const MAX_TICKS_PER_US = 1.2;
/** So many ticks ahead of any clock is another clock: more than an hour of ms. */
const ANOTHER_CLOCK_TICKS = 4_000_000;

/** @returns the strongest sign that two hosts answered, or null */
export function stackChange(table: PacketTable): StackChange | null {
  const synAck = lastSynAck(table);
  const data = serverData(table);
  const first = data[0];
  const inClock = synAck < 0 || first === undefined ? null : clockChange(table, synAck, first);
  const change = inClock ?? noWindow(table, synAck);
  if (change !== null || first === undefined) return change;
  return (synAck < 0 ? null : hopsChange(table, synAck, data)) ?? oddHops(table, data);
}

function clockChange(table: PacketTable, synAck: number, data: number): StackChange | null {
  const frame = table.frame[data]!;
  if (table.knowsOptions[synAck] === 0 || table.knowsOptions[data] === 0) return null;
  if (table.hasClock[synAck] !== table.hasClock[data]) {
    const has =
      table.hasClock[synAck] === 1
        ? "the SYN-ACK has timestamps, the data has none"
        : "the data has timestamps, the SYN-ACK has none";
    return { what: has, confidence: 0.8, frame };
  }
  if (table.hasClock[data] === 0) return null;
  const ticks = (table.clock[data]! - table.clock[synAck]!) | 0;
  const elapsedUs = Math.max(0, table.atUs[data]! - table.atUs[synAck]!);
  if (ticks >= -MAX_BENT_TICKS && ticks <= ANOTHER_CLOCK_TICKS + elapsedUs * MAX_TICKS_PER_US) return null;
  return {
    what: `the timestamp clocks of SYN-ACK and data are ${Math.abs(ticks)} ticks apart`,
    confidence: 0.85,
    frame,
  };
}

/** Who takes connections has room; a SYN proxy has none until it has reached the server (netfilter SYNPROXY). */
function noWindow(table: PacketTable, lastSynAck: number): StackChange | null {
  // It may be followed by the server's own.
  for (let at = table.first; at <= lastSynAck; at++) {
    const isSynAck = table.fromClient[at] === 0 && (table.flags[at]! & SYN_FLAG) !== 0;
    if (isSynAck && table.window[at] === 0)
      return { what: "the SYN-ACK has a window of 0 octets", confidence: 0.75, frame: table.frame[at]! };
  }
  return null;
}

function hopsChange(table: PacketTable, synAck: number, data: readonly number[]): StackChange | null {
  const before = table.hops[synAck]!;
  const after = table.hops[data[0]!]!;
  if (before === 0 || after === 0 || data.some((at) => table.hops[at] !== after)) return null;
  return tell(before, after, "the SYN-ACK", "the data", table.frame[data[0]!]!);
}

/** A few packets among many that came another way: put in. */
function oddHops(table: PacketTable, data: readonly number[]): StackChange | null {
  const counts = new Map<number, number>();
  for (const at of data) counts.set(table.hops[at]!, (counts.get(table.hops[at]!) ?? 0) + 1);
  if (counts.size !== 2) return null;
  const [[usual], [odd, times]] = [...counts].sort((a, b) => b[1] - a[1]) as [
    [number, number],
    [number, number],
  ];
  if (usual === 0 || odd === 0 || times * 2 > data.length) return null;
  const at = data.find((each) => table.hops[each] === odd)!;
  return tell(usual, odd, "most of the data", "this packet", table.frame[at]!);
}

function tell(before: number, after: number, one: string, other: string, frame: number): StackChange | null {
  const apart = Math.abs(before - after);
  if (apart <= MAX_ROUTE_CHANGE) return null;
  const sure = sentWith(before) !== sentWith(after);
  return {
    what: `${one} came with a time to live of ${before}, ${other} with ${after}`,
    confidence: sure ? 0.85 : 0.6,
    frame,
  };
}

/** What senders begin with. */
function sentWith(hops: number): number {
  return hops <= 32 ? 32 : hops <= 64 ? 64 : hops <= 128 ? 128 : 255;
}

// ---- Sooner than the round trip

/** Below this, hosts' own delays count for as much as the path. */
const MIN_ROUND_TRIP_US = 5_000;
/** A reply in less of the usual round trip was given on the way. */
const TOO_SOON = 0.3;
const MIN_SAMPLES = 3;

export interface TooSoon {
  readonly afterUs: number;
  readonly roundTripUs: number;
  readonly frame: number;
}

/**
 * A reply that came sooner than the server can have heard the question: a fraction of all other round
 * trips in the connection, and of the fastest handshake with that server.
 */
export function tooSoon(table: PacketTable, leastHandshakeUs: number): TooSoon | null {
  const samples = roundTrips(table).sort((a, b) => a.afterUs - b.afterUs);
  const [soonest, next] = samples;
  if (soonest === undefined || next === undefined || samples.length < MIN_SAMPLES) return null;
  const roundTripUs = Math.min(next.afterUs, leastHandshakeUs);
  if (!soonest.hasData || roundTripUs < MIN_ROUND_TRIP_US || soonest.afterUs >= roundTripUs * TOO_SOON)
    return null;
  return { afterUs: soonest.afterUs, roundTripUs, frame: soonest.frame };
}

interface RoundTrip {
  readonly afterUs: number;
  readonly frame: number;
  readonly hasData: boolean;
}

/** From each client's packet to the first of the server's that acknowledges it; none where a packet was sent again. */
function roundTrips(table: PacketTable): RoundTrip[] {
  const found: RoundTrip[] = [];
  let asked = -1;
  let askedTo = 0;
  let sentTo = 0;
  for (let at = table.first; at < table.end; at++) {
    const flags = table.flags[at]!;
    if (flags & RST_FLAG) break;
    if (table.fromClient[at] === 1) {
      const isSyn = (flags & SYN_FLAG) !== 0;
      if (!isSyn && table.lengthBytes[at] === 0) continue;
      const end = isSyn ? 0 : table.offset[at]! + table.lengthBytes[at]!;
      // Sent again: which copy is answered cannot be told.
      if (isSyn ? asked >= 0 : end <= sentTo) asked = -2;
      else if (asked !== -2 || !isSyn) {
        asked = at;
        askedTo = end;
      }
      sentTo = Math.max(sentTo, end);
    } else if (asked >= 0 && flags & ACK_FLAG && table.acknowledged[at]! >= askedTo) {
      const afterUs = table.atUs[at]! - table.atUs[asked]!;
      if (afterUs >= 0) found.push({ afterUs, frame: table.frame[at]!, hasData: table.lengthBytes[at]! > 0 });
      asked = -1;
    }
  }
  return found;
}

// ---- Packets

function lastSynAck(table: PacketTable): number {
  for (let at = table.end - 1; at >= table.first; at--)
    if (table.fromClient[at] === 0 && table.flags[at]! & SYN_FLAG) return at;
  return -1;
}

/** The server's packets with payload. */
function serverData(table: PacketTable): number[] {
  const found: number[] = [];
  for (let at = table.first; at < table.end; at++) {
    const isData = table.lengthBytes[at]! > 0 && (table.flags[at]! & (SYN_FLAG | RST_FLAG)) === 0;
    if (isData && table.fromClient[at] === 0) found.push(at);
  }
  return found;
}
