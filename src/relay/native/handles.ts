/**
 * What Node keeps to itself: the descriptor below a socket or server (`_handle.fd`), and a socket over a
 * descriptor that is not connected yet (`manualStart`). Both are undocumented, which is why no other file
 * knows them; test/relay/native holds them against the Node that runs.
 */
import { Socket } from "node:net";

/** @returns the descriptor, or null when there is none (closed, or a Node that keeps it elsewhere) */
export function fdOf(owner: object): number | null {
  const handle = (owner as unknown as { _handle?: { fd?: unknown } | null })._handle;
  const fd = handle?.fd;
  return typeof fd === "number" && fd >= 0 ? fd : null;
}

/**
 * A socket to be connected, over a descriptor where that is bound already; `connect()` it before anything
 * else. From here on the descriptor is the socket's: destroying the one closes the other.
 */
export function unconnectedSocket(fd: number | null): Socket {
  const options = { manualStart: true, allowHalfOpen: true, ...(fd === null ? {} : { fd }) };
  return new Socket(options as ConstructorParameters<typeof Socket>[0]);
}
