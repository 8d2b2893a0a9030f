/** What the kernel measured on a connection: Linux' `struct tcp_info`, the fields a relay asks for. */
import { endianness } from "node:os";

/** Written anew by each reading: copy what is kept. */
export interface TcpInfo {
  rttUs: number;
  rttVarianceUs: number;
  /** Null before the first sample, and on kernels older than 4.6. */
  minRttUs: number | null;
  /** Segments sent again since the connection began. */
  totalRetransmits: number;
  /** Since the kernel last received data; in steps of its tick (4 ms at 250 Hz). */
  lastDataReceivedMs: number;
}

/** Up to and with `tcpi_min_rtt`; kernels that know less say so in the length they return. */
export const TCP_INFO_BYTES = 152;

const LAST_DATA_RECEIVED_AT = 52;
const RTT_AT = 68;
const RTT_VARIANCE_AT = 72;
const TOTAL_RETRANSMITS_AT = 100;
const MIN_RTT_AT = 148;
/** The kernel's "no sample yet". */
const NO_MIN_RTT = 0xffff_ffff;
const isLittle = endianness() === "LE";

export function emptyTcpInfo(): TcpInfo {
  return { rttUs: 0, rttVarianceUs: 0, minRttUs: null, totalRetransmits: 0, lastDataReceivedMs: 0 };
}

/** @returns false when the kernel told too little to use */
export function decodeTcpInfo(view: DataView, lengthBytes: number, into: TcpInfo): boolean {
  if (lengthBytes < TOTAL_RETRANSMITS_AT + 4) return false;
  into.rttUs = view.getUint32(RTT_AT, isLittle);
  into.rttVarianceUs = view.getUint32(RTT_VARIANCE_AT, isLittle);
  into.totalRetransmits = view.getUint32(TOTAL_RETRANSMITS_AT, isLittle);
  into.lastDataReceivedMs = view.getUint32(LAST_DATA_RECEIVED_AT, isLittle);
  const minRttUs = lengthBytes < TCP_INFO_BYTES ? NO_MIN_RTT : view.getUint32(MIN_RTT_AT, isLittle);
  into.minRttUs = minRttUs === NO_MIN_RTT ? null : minRttUs;
  return true;
}
