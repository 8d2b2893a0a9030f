import { type PacketTable, RST_FLAG, SYN_FLAG } from "../spine/packets.ts";

/**
 * A peer's own clock, as TCP timestamps show it (RFC 7323): when did it send what arrived here?
 *
 * Each packet of a connection that carries a timestamp is a point (arrival, ticks). Without delays all
 * lie on one line whose slope is the clock's rate; a packet that was held on its way lies above it by
 * the time it was held. The rate is taken from the connection itself, among those that systems use: the
 * one with which most points agree. Where no rate fits, nothing is claimed.
 *
 * What is known is the delay in excess of the connection's least delayed packet: mostly the SYN-ACK.
 * SYN cookies put other bits into the SYN-ACK's timestamp (some 64 ticks), so alone it proves little.
 */

/** Ticks a second: Linux and the BSDs, Windows, older Linux, Solaris, and a few appliances. */
const RATES = [1_000, 100, 250, 1_000_000, 10, 2];

/** Points that agree lie this close (µs) besides one tick. */
const AGREEMENT_US = 15_000;

/** Points needed, and the share of them that must agree with the rate. */
const MIN_POINTS = 4;
const MIN_SHARE = 0.5;

/** With a SYN cookie a SYN-ACK can be off by 64 ticks: such an excess needs another witness. */
const COOKIE_TICKS = 64;

export interface PeerClock {
  readonly tickUs: number;
  /** µs that packet `i` of the table took longer than the connection's fastest; null where it has no stamp. */
  excessUs(i: number): number | null;
  /** The SYN-ACK was stamped by another clock than the rest: another machine answered the handshake. */
  readonly handshakeByAnother: boolean;
}

/** @param client whose clock */
export function clockOf(table: PacketTable, client: boolean): PeerClock | null {
  const points: number[] = [];
  let handshake = -1;
  for (let i = table.first; i < table.end; i++) {
    if (table.hasClock[i] === 0 || (table.fromClient[i] === 1) !== client) continue;
    if (table.flags[i]! & RST_FLAG) continue;
    if (table.flags[i]! & SYN_FLAG) handshake = handshake < 0 ? i : handshake;
    else points.push(i);
  }
  if (points.length + (handshake < 0 ? 0 : 1) < MIN_POINTS) return null;
  const zero = points[0]!;
  const delay = (i: number, rate: number) =>
    table.atUs[i]! - table.atUs[zero]! - (((table.clock[i]! - table.clock[zero]!) | 0) / rate) * 1_000_000;
  let best = { rate: 0, agreeing: 0 };
  for (const rate of RATES) {
    const agreeing = largestCluster(
      points.map((i) => delay(i, rate)).sort((a, b) => a - b),
      AGREEMENT_US + 1_000_000 / rate,
    );
    if (agreeing > best.agreeing) best = { rate, agreeing };
  }
  if (best.agreeing < MIN_SHARE * points.length || best.agreeing < 2) return null;
  const { rate } = best;
  const tickUs = 1_000_000 / rate;
  let least = Number.POSITIVE_INFINITY;
  for (const i of points) least = Math.min(least, delay(i, rate));
  const handshakeDelay = handshake < 0 ? null : delay(handshake, rate);
  const other = handshakeDelay !== null && Math.abs(handshakeDelay - least) > ANOTHER_CLOCK_US;
  if (handshakeDelay !== null && !other) {
    const ahead = least - handshakeDelay;
    if (ahead > COOKIE_TICKS * tickUs || ahead < 0) least = Math.min(least, handshakeDelay);
  }
  return {
    tickUs,
    handshakeByAnother: other,
    excessUs: (i) => {
      if (table.hasClock[i] === 0) return null;
      if (i === handshake && other) return null;
      return Math.max(0, Math.round(delay(i, rate) - least));
    },
  };
}

/** Nothing is held for an hour: such a difference is another machine's clock. */
const ANOTHER_CLOCK_US = 3_600_000_000;

function largestCluster(sorted: readonly number[], width: number): number {
  let most = 0;
  let from = 0;
  for (let to = 0; to < sorted.length; to++) {
    while (sorted[to]! - sorted[from]! > width) from++;
    most = Math.max(most, to - from + 1);
  }
  return most;
}
