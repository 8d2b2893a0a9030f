import type { Side } from "../spine/wire.ts";
import { PACKET_AT } from "./pcapng.ts";
import { seal } from "./segment.ts";
import type { Packet } from "./tcp.ts";

/** A connection's packets, in the order in which they must be written. */
export interface Lane {
  /** Those whose turn came before they were ready: they and all that follow are written late. */
  readonly late: Piece[];
  lateBytes: number;
}

/** A packet on its way into the file: it waits for its turn, and until it is known what may stand in it. */
export class Piece {
  readonly lane: Lane;
  readonly from: Side;
  readonly block: Buffer;
  /** What it is put in order by: its stamp, or a later one of its connection if time ran backwards. */
  readonly orderUs: number;
  readonly payloadAt: number;
  /** Stream offsets of the payload kept. */
  readonly fromOffset: number;
  readonly toOffset: number;
  /** Of the line it begins in, this much lies before it. */
  column = 0;
  /** It may be written as it is. */
  isReady: boolean;

  constructor(
    lane: Lane,
    from: Side,
    { block, payloadAt }: Packet,
    orderUs: number,
    offset: number,
    keptBytes: number,
  ) {
    this.lane = lane;
    this.from = from;
    this.block = block;
    this.orderUs = orderUs;
    this.payloadAt = payloadAt;
    this.fromOffset = offset;
    this.toOffset = offset + keptBytes;
    this.isReady = keptBytes === 0;
  }

  /** Its payload is final. */
  release(): void {
    seal(this.block, PACKET_AT, this.payloadAt + (this.toOffset - this.fromOffset));
    this.isReady = true;
  }
}
