import type { AddressInfo, Server } from "node:net";
import { unconnectedSocket } from "./native/handles.ts";
import { openHandles, RawSocket } from "./native/raw-socket.ts";
import { PlainSocket } from "./plain-socket.ts";
import type { RelaySocket, SocketOwner } from "./socket.ts";

/**
 * Makes the relay's sockets: handles without streams where this Node offers them (native/raw-socket.ts),
 * else `net.Socket`s.
 */
let handles = openHandles();

interface ServerHandle {
  onconnection?: (status: number, handle: object | undefined) => void;
}

/** Calls `accept` for every connection that comes; it does not read yet. The server must be listening. */
export function acceptWith(server: Server, accept: (client: RelaySocket) => void): void {
  const handle = (server as unknown as { _handle: ServerHandle | null })._handle;
  // All sockets are of one kind, for each relies on how the other writes.
  if (typeof handle?.onconnection !== "function") handles = null;
  const offered = handles;
  if (handle === null || offered === null) {
    server.on("connection", (socket) => accept(new PlainSocket(socket)));
    return;
  }
  handle.onconnection = (status, accepted) => {
    // A failed accept (no descriptors, a client gone again) concerns nobody else.
    if (status !== 0 || accepted === undefined) return;
    accept(new RawSocket(offered, accepted as ConstructorParameters<typeof RawSocket>[1]));
  };
}

/**
 * A socket to be connected, over a descriptor where that is bound already. It reads when it is resumed.
 * @throws Error when the descriptor is none
 */
export function socketWith({ fd }: { readonly fd?: number }, owner: SocketOwner): RelaySocket {
  if (handles !== null) return RawSocket.unconnected(handles, fd ?? null, owner);
  const socket = new PlainSocket(unconnectedSocket(fd ?? null));
  socket.owner = owner;
  return socket;
}

/** `address:port`, IPv6 in brackets, IPv4 as such also where it came through an IPv6 socket. */
export function endpointText(address: string | undefined, port: number | undefined): string {
  const plain = plainAddress(address ?? "?");
  return plain.includes(":") ? `[${plain}]:${port}` : `${plain}:${port}`;
}

/** `::ffff:192.0.2.1` is 192.0.2.1; a zone (`%eth0`) is left out. */
export function plainAddress(address: string): string {
  // No colon, no zone either: most are IPv4.
  if (!address.includes(":")) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  return mapped?.[1] ?? address.replace(/%.*$/, "");
}

export function boundTo(server: Server): AddressInfo {
  return server.address() as AddressInfo;
}
