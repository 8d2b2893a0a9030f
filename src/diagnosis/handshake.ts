import { FIN_FLAG, type PacketTable, RST_FLAG, SYN_FLAG } from "../spine/packets.ts";
import type { Transport } from "../spine/wire.ts";
import type { Errand } from "./errands.ts";
import type { Spent, Stretch } from "./facts.ts";

/** A SYN-ACK is sent again after a second (RFC 6298 §2.1), give or take a timer's tick (µs). */
const FIRST_REPEAT_US = 950_000;

/** What a dialogue's packets say about how it was opened and closed, and from where it was seen. */
export interface Handshake {
  /** SYN → SYN-ACK of the SYN that was answered; null where it was not seen. */
  readonly roundTripUs: number | null;
  /** The time until there was a connection, cut up; it adds up to `connectUs` and `lateUs`. */
  readonly stretches: readonly Stretch[];
  /** Waited for the connection after the SYN-ACK had passed the point of capture. */
  readonly lateUs: number;
  readonly hopsToServer: number | null;
  readonly hopsToClient: number | null;
  readonly closedBy: "client" | "server" | null;
}

/** @param leastUs what some reply took: a round trip takes no longer */
export function handshakeOf(
  table: PacketTable,
  transport: Transport,
  connectUs: number,
  leastUs: number,
): Handshake {
  const syns: number[] = [];
  const answers: number[] = [];
  let ended: "client" | "server" | null = null;
  for (let i = table.first; i < table.end; i++) {
    const flags = table.flags[i]!;
    const isClient = table.fromClient[i] === 1;
    if (flags & SYN_FLAG) (isClient ? syns : answers).push(i);
    if (ended === null && flags & (FIN_FLAG | RST_FLAG)) ended = isClient ? "client" : "server";
  }
  const stretches: Stretch[] = [];
  const say = (spent: Spent, lengthUs: number, frame: number) => {
    if (lengthUs > 0) stretches.push({ spent, lengthUs, frame, name: "" });
  };
  const answered = answers[0];
  const before = syns.filter((i) => answered === undefined || i < answered);
  const latest = before.at(-1);
  let roundTripUs: number | null = null;
  if (transport.synAckFrame === 0) {
    const how = transport.refused ? "refused" : "dropped";
    say({ kind: "unreachable", how }, connectUs, transport.synFrame);
  } else {
    const lostUs =
      latest === undefined ? 0 : Math.min(connectUs, table.atUs[latest]! - table.atUs[before[0]!]!);
    say({ kind: "lost", what: "syn" }, lostUs, latest === undefined ? 0 : table.frame[latest]!);
    const othersUs = Math.min(connectUs - lostUs, transport.live?.othersTriedUs ?? 0);
    say({ kind: "unreachable", how: "elsewhere" }, othersUs, transport.synFrame);
    const answeredUs = connectUs - lostUs - othersUs;
    const pathUs = Math.min(answeredUs, leastUs, transport.live?.minRttUs ?? answeredUs);
    // Of a relay's own SYNs the kernel tells how many they were.
    const isRepeated = latest === undefined && transport.synCount > (othersUs > 0 ? 2 : 1);
    // The server may send its SYN-ACK again before the client asks again.
    const repeatedUs = isRepeated || answeredUs - pathUs >= FIRST_REPEAT_US ? answeredUs - pathUs : 0;
    say({ kind: "lost", what: isRepeated ? "syn" : "syn-ack" }, repeatedUs, transport.synAckFrame);
    say({ kind: "path" }, answeredUs - repeatedUs, transport.synAckFrame);
    if (latest !== undefined || transport.synCount === 1) roundTripUs = pathUs;
  }
  const { lateUs, frame } = lost(table, answers, transport.handshakeFrame);
  say({ kind: "lost", what: "syn-ack" }, lateUs, frame);
  return {
    roundTripUs,
    stretches,
    lateUs,
    hopsToServer: hops(table, false),
    hopsToClient: hops(table, true),
    closedBy: ended,
  };
}

/** SYN-ACKs that came again before the client had answered: the first was lost on its way to the client. */
function lost(table: PacketTable, answers: readonly number[], handshakeFrame: number) {
  const before = answers.filter((i) => handshakeFrame === 0 || table.frame[i]! < handshakeFrame);
  const [first, last] = [before[0], before.at(-1)];
  if (first === undefined || last === undefined || first === last) return { lateUs: 0, frame: 0 };
  return { lateUs: Math.max(0, table.atUs[last]! - table.atUs[first]!), frame: table.frame[last]! };
}

/**
 * SYN-ACKs that came again although the client had answered: its ACK was lost, or not taken for lack of
 * room in the accept queue. Until the last of them the server did not know of the connection.
 */
export function repeatedHandshake(
  table: PacketTable,
  { handshakeFrame, handshakeAtUs }: Transport,
): Errand[] {
  if (handshakeAtUs === null || handshakeFrame === 0) return [];
  for (let i = table.end - 1; i >= table.first && table.frame[i]! > handshakeFrame; i--) {
    if (table.fromClient[i] === 1 || (table.flags[i]! & SYN_FLAG) === 0) continue;
    const toUs = table.atUs[i]!;
    return [{ fromUs: handshakeAtUs, toUs, spent: { kind: "overflow" }, frame: table.frame[i]!, name: "" }];
  }
  return [];
}

/** Systems send with one of these times to live; each router takes one off. */
const INITIAL_HOPS = [64, 128, 255];

function hops(table: PacketTable, client: boolean): number | null {
  for (let i = table.first; i < table.end; i++) {
    const left = table.hops[i]!;
    if ((table.fromClient[i] === 1) !== client || left === 0 || table.flags[i]! & RST_FLAG) continue;
    return INITIAL_HOPS.find((initial) => initial >= left)! - left;
  }
  return null;
}
