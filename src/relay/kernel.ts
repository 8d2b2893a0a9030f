import type { Socket } from "node:net";
import type { Closed } from "./facts.ts";

/** What only the kernel knows of a socket. Not there without native calls; nothing then depends on it. */
export interface Kernel {
  /** Takes the pending error of the socket (SO_ERROR): 104 is a reset; 0 is none. */
  socketError(socket: Socket): number;
  /** Bytes written that the peer has not acknowledged; null when unknown. */
  unacknowledged(socket: Socket): number | null;
  facts(socket: Socket): Closed;
}
