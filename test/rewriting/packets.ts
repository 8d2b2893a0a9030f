/** Tables of packets by hand. */
import { ACK_FLAG, PacketTable } from "../../src/spine/packets.ts";

export interface Packet {
  /** ms */
  readonly at: number;
  readonly from: "C" | "S";
  readonly flags?: number;
  readonly length?: number;
  /** Stream offset; −1 for a SYN. */
  readonly offset?: number;
  readonly acks?: number;
  readonly clock?: number | undefined;
  readonly hops?: number;
  readonly window?: number;
  readonly scale?: number | undefined;
  readonly permitsSack?: boolean;
  /** Where the first block begins. */
  readonly sack?: number;
  /** Of the header not all was captured. */
  readonly cut?: boolean;
}

export function table(packets: readonly Packet[]): PacketTable {
  const into = new PacketTable();
  into.first = into.end - packets.length;
  packets.forEach((packet, i) => {
    const at = into.first + i;
    const {
      from,
      flags = ACK_FLAG,
      length = 0,
      offset = 0,
      acks = 0,
      clock,
      hops = from === "C" ? 64 : 52,
    } = packet;
    into.atUs[at] = packet.at * 1_000;
    into.frame[at] = i + 1;
    into.fromClient[at] = from === "C" ? 1 : 0;
    into.flags[at] = flags;
    into.offset[at] = offset;
    into.lengthBytes[at] = length;
    into.acknowledged[at] = flags & ACK_FLAG ? acks : -1;
    into.hasClock[at] = clock === undefined ? 0 : 1;
    into.clock[at] = clock ?? 0;
    into.hops[at] = hops;
    into.window[at] = packet.window ?? 64_240;
    into.scale[at] = packet.scale ?? -1;
    into.permitsSack[at] = packet.permitsSack ? 1 : 0;
    into.hasSack[at] = packet.sack === undefined ? 0 : 1;
    into.sackFrom[at] = packet.sack ?? 0;
    into.knowsOptions[at] = packet.cut ? 0 : 1;
  });
  return into;
}
