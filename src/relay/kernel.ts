import type { Closed } from "./facts.ts";
import { fdOf } from "./native/handles.ts";
import { ECONNRESET, type Native } from "./native/native.ts";

/** What only the kernel knows of a socket (a RelaySocket, or one of node:net). Not there without native calls; nothing then depends on it. */
export interface Kernel {
  /** Whether the peer reset the connection; asking clears it. */
  wasReset(socket: object): boolean;
  /** Bytes written that the peer has not acknowledged; null when unknown. */
  unacknowledged(socket: object): number | null;
  /** null when it is too late to ask. */
  facts(socket: object): Closed | null;
}

export function kernelBy(native: Native): Kernel {
  return {
    wasReset(socket) {
      const fd = fdOf(socket);
      return fd !== null && native.socketError(fd) === ECONNRESET;
    },
    unacknowledged(socket) {
      const fd = fdOf(socket);
      return fd === null ? null : native.unacknowledgedBytes(fd);
    },
    facts(socket) {
      const fd = fdOf(socket);
      const info = fd === null ? null : native.tcpInfo(fd);
      if (info === null) return null;
      return { rttUs: info.rttUs, minRttUs: info.minRttUs, retransmits: info.totalRetransmits };
    },
  };
}
