/**
 * One interface of a pcapng section: its link type, its clock, and how much it is said to have dropped.
 *
 * Drops come in two ways that may both be present: running totals in statistics blocks, and what was
 * lost just before a packet. The larger account is taken, so that nothing counts twice and the total
 * never falls.
 */
import { InterfaceClock } from "./pcapng-clock.ts";
import { eachOption } from "./pcapng-options.ts";

const IF_TSRESOL = 9;
const IF_TSOFFSET = 14;
const MICROSECONDS = 6;

export class PcapngInterface {
  /** Number of the interface in the whole file; sections count theirs from 0. */
  readonly number: number;
  readonly linkType: number;
  /** 0: no limit. */
  readonly snapBytes: number;
  readonly clock: InterfaceClock;
  #droppedBeforePackets = 0;
  #droppedInTotal = 0;

  constructor(number: number, linkType: number, snapBytes: number, clock: InterfaceClock) {
    this.number = number;
    this.linkType = linkType;
    this.snapBytes = snapBytes;
    this.clock = clock;
  }

  get dropped(): number {
    return Math.max(this.#droppedBeforePackets, this.#droppedInTotal);
  }

  addDropped(count: number): void {
    this.#droppedBeforePackets += count;
  }

  setDroppedInTotal(count: number): void {
    this.#droppedInTotal = Math.max(this.#droppedInTotal, count);
  }
}

/**
 * Decodes the body of an interface description block, `view[start, end)` of at least 8 bytes.
 * Of options given twice the first counts, and those of a wrong size do not.
 * @returns the interface, or what is wrong
 */
export function decodeInterface(
  view: DataView,
  start: number,
  end: number,
  littleEndian: boolean,
  number: number,
): PcapngInterface | string {
  let resolution: number | null = null;
  let offsetSeconds: bigint | null = null;
  const wrong = eachOption(view, start + 8, end, littleEndian, (code, at, lengthBytes) => {
    if (code === IF_TSRESOL && lengthBytes === 1) resolution ??= view.getUint8(at);
    else if (code === IF_TSOFFSET && lengthBytes === 8) offsetSeconds ??= view.getBigInt64(at, littleEndian);
  });
  if (wrong !== null) return wrong;
  return new PcapngInterface(
    number,
    view.getUint16(start, littleEndian),
    view.getUint32(start + 4, littleEndian),
    new InterfaceClock(resolution ?? MICROSECONDS, offsetSeconds ?? 0n),
  );
}
