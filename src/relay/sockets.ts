import { type AddressInfo, type Server, Socket } from "node:net";

/**
 * Sockets that read into one buffer shared by all: the bytes of a read are copied to where they are
 * needed before the next read, so an idle connection holds no buffer. Node offers this (`onread`) for
 * connections that it makes; for those it accepts the server's handle is asked directly, which is not
 * documented: if a Node lacks it, accepted sockets are taken as the server gives them.
 */
const READ_BYTES = 65_536;
const shared = Buffer.allocUnsafeSlow(READ_BYTES);

/** Takes what was read; the buffer is lent for the call. */
export type ReadHandler = (lengthBytes: number, buffer: Buffer) => void;

/** Makes the accepted connection a socket, not yet reading. */
export type Adopt = (read: ReadHandler) => Socket;

interface ServerHandle {
  onconnection?: (status: number, handle: object | undefined) => void;
}

/** Calls `accept` for every connection that comes. The server must be listening. */
export function acceptWith(server: Server, accept: (adopt: Adopt) => void): void {
  const handle = (server as unknown as { _handle: ServerHandle | null })._handle;
  if (typeof handle?.onconnection !== "function") {
    server.on("connection", (socket) => {
      accept((read) => socket.on("data", (chunk: Buffer) => read(chunk.length, chunk)).pause());
    });
    return;
  }
  handle.onconnection = (status, accepted) => {
    // A failed accept (no descriptors, a client gone again) concerns nobody else.
    if (status !== 0 || accepted === undefined) return;
    accept((read) => socketWith({ handle: accepted }, read));
  };
}

/** A socket of our own, to be connected or around a handle, that reads into the shared buffer when it is resumed. */
export function socketWith(options: object, read: ReadHandler): Socket {
  return new Socket({
    allowHalfOpen: true,
    manualStart: true,
    pauseOnCreate: true,
    ...options,
    onread: {
      buffer: shared,
      callback(lengthBytes: number, buffer: Buffer): boolean {
        read(lengthBytes, buffer);
        return true;
      },
    },
  } as object);
}

/** `address:port`, IPv6 in brackets, IPv4 as such also where it came through an IPv6 socket. */
export function endpointText(address: string | undefined, port: number | undefined): string {
  const plain = plainAddress(address ?? "?");
  return plain.includes(":") ? `[${plain}]:${port}` : `${plain}:${port}`;
}

/** `::ffff:192.0.2.1` is 192.0.2.1; a zone (`%eth0`) is left out. */
export function plainAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  return mapped?.[1] ?? address.replace(/%.*$/, "");
}

export function boundTo(server: Server): AddressInfo {
  return server.address() as AddressInfo;
}
