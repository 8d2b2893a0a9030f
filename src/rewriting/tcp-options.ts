import { ACK_FLAG, FIN_FLAG, type PacketTable, RST_FLAG, SYN_FLAG } from "../spine/packets.ts";
import type { StackChange } from "./stack.ts";

/**
 * Whether both ends of a connection go by the same TCP options: what the SYNs agreed on binds all later
 * packets, and an end that does otherwise was told something else. Each rule is one that RFCs make, so that
 * an honest stack cannot look like it.
 *
 * Not looked at, because honest paths show it too:
 * - segments larger than the peer's MSS: network cards join them before the capture sees them (GRO, TSO);
 * - segments smaller than it: path MTU, and MSS clamping by DSL and VPN routers, which harms nothing;
 * - SYN-ACKs of one address that differ: load balancers have hosts of several kinds, and SYN cookies leave
 *   options out while a server is flooded;
 * - the order of options and initial windows: they tell an operating system, not that there are two.
 */

/** @returns the first sign that options were changed on the way, or null */
export function optionsChange(table: PacketTable): StackChange | null {
  const shake = handshakeIn(table);
  if (shake === null) return null;
  const first = unasked(table, shake);
  if (first !== null) return first;
  for (let at = shake.synAck + 1; at < table.end; at++) {
    if (table.flags[at]! & (SYN_FLAG | RST_FLAG) || table.knowsOptions[at] === 0) continue;
    const change = clockless(table, shake, at) ?? sackChange(table, shake, at);
    if (change !== null) return change;
  }
  return windowChange(table, shake, true) ?? windowChange(table, shake, false);
}

/** What the two SYNs say of options. */
interface Handshake {
  readonly syn: number;
  readonly synAck: number;
  /** Both SYNs had timestamps. */
  readonly clocks: boolean;
  /** Shifts of the windows that follow; 0 where not both sides offered to scale. */
  readonly clientShift: number;
  readonly serverShift: number;
}

/** @returns null where it was not captured, not whole, or where a SYN that was sent again offers other things */
function handshakeIn(table: PacketTable): Handshake | null {
  let syn = -1;
  let synAck = -1;
  for (let at = table.first; at < table.end; at++) {
    if (!(table.flags[at]! & SYN_FLAG)) continue;
    const before = table.fromClient[at] === 1 ? syn : synAck;
    if (table.knowsOptions[at] === 0 || (before >= 0 && !offersTheSame(table, before, at))) return null;
    if (table.fromClient[at] === 1) syn = at;
    else synAck = at;
  }
  if (syn < 0 || synAck < syn) return null;
  const scales = table.scale[syn]! >= 0 && table.scale[synAck]! >= 0;
  return {
    syn,
    synAck,
    clocks: table.hasClock[syn] === 1 && table.hasClock[synAck] === 1,
    clientShift: scales ? table.scale[syn]! : 0,
    serverShift: scales ? table.scale[synAck]! : 0,
  };
}

function offersTheSame({ scale, hasClock, permitsSack }: PacketTable, a: number, b: number): boolean {
  return scale[a] === scale[b] && hasClock[a] === hasClock[b] && permitsSack[a] === permitsSack[b];
}

/** RFC 7323 §2.2, §3.2: a SYN-ACK has these options only if the SYN had them. */
function unasked({ scale, hasClock, frame }: PacketTable, { syn, synAck }: Handshake): StackChange | null {
  const option =
    scale[synAck]! >= 0 && scale[syn]! < 0
      ? "window scale"
      : hasClock[synAck] === 1 && hasClock[syn] === 0
        ? "timestamps"
        : null;
  if (option === null) return null;
  const what = `the SYN-ACK agrees to ${option}, which the SYN does not offer`;
  return { what, confidence: 0.7, frame: frame[synAck]! };
}

/** RFC 7323 §3.2: once both SYNs had timestamps, all segments have them; what the server leaves out is stack.ts's. */
function clockless(table: PacketTable, { clocks, syn, synAck }: Handshake, at: number): StackChange | null {
  if (table.fromClient[at] === 0 || table.lengthBytes[at] === 0) return null;
  const has = table.hasClock[at] === 1;
  const frame = table.frame[at]!;
  if (clocks && !has)
    return { what: "both SYNs have timestamps, the client's data has none", confidence: 0.7, frame };
  if (!has || table.hasClock[syn] === 1 || table.hasClock[synAck] === 1) return null;
  return { what: "the client's data has timestamps, its SYN has none", confidence: 0.7, frame };
}

/** Sequence numbers further from what is acknowledged than any mail is long are those of another count. */
const FAR_OFF = 1 << 28;

function sackChange(table: PacketTable, { syn, synAck }: Handshake, at: number): StackChange | null {
  if (table.hasSack[at] === 0) return null;
  const frame = table.frame[at]!;
  const who = table.fromClient[at] === 1 ? "client" : "server";
  if (
    table.flags[at]! & ACK_FLAG &&
    Math.abs((table.sackFrom[at]! - table.acknowledged[at]!) | 0) > FAR_OFF
  ) {
    const what = `the ${who} acknowledges (SACK) sequence numbers that its peer never used`;
    return { what, confidence: 0.85, frame };
  }
  if (table.permitsSack[who === "server" ? syn : synAck] === 1) return null;
  const what = `the ${who} sends SACK, which its peer's SYN${who === "client" ? "-ACK" : ""} does not permit`;
  return { what, confidence: 0.7, frame };
}

/** A window that was promised stays open (RFC 9293 §3.8.6), up to what scaling rounds off: less than this part of it. */
const SHRUNK = 8;
/** Unscaled windows look like these, scaled ones of so early in a connection don't. */
const MIN_UNSCALED = 16_384;
const MIN_SHIFT = 4;
/** The field's largest value may stand for any larger window. */
const MAX_FIELD = 65_535;
/** Until so many octets came, no buffer has grown. */
const EARLY_BYTES = 4_096;

/** Does a side scale its windows otherwise than the SYNs agreed? Only its first packet behind them tells. */
function windowChange(table: PacketTable, shake: Handshake, ofClient: boolean): StackChange | null {
  const promised = table.window[ofClient ? shake.syn : shake.synAck]!;
  const shift = ofClient ? shake.clientShift : shake.serverShift;
  const at = firstOf(table, ofClient, shake.synAck + 1);
  if (at < 0 || promised === 0) return null;
  const field = table.window[at]!;
  const received = table.acknowledged[at]!;
  const frame = table.frame[at]!;
  const who = ofClient ? "client" : "server";
  if (received < 0 || received >= EARLY_BYTES || field === 0) return null;
  if (received + field * 2 ** shift < promised / SHRUNK) {
    const what = `the ${who}'s window is ${promised} octets in its SYN${ofClient ? "" : "-ACK"} and ${field * 2 ** shift} in its next packet`;
    return { what, confidence: 0.75, frame };
  }
  if (shift < MIN_SHIFT || field < MIN_UNSCALED || promised === MAX_FIELD) return null;
  const what = `the ${who} agreed to scale its windows by ${2 ** shift}, and does not`;
  return { what, confidence: 0.6, frame };
}

function firstOf(table: PacketTable, ofClient: boolean, from: number): number {
  for (let at = from; at < table.end; at++) {
    const flags = table.flags[at]!;
    if ((table.fromClient[at] === 1) !== ofClient || flags & (RST_FLAG | FIN_FLAG | SYN_FLAG)) continue;
    return flags & ACK_FLAG ? at : -1;
  }
  return -1;
}
