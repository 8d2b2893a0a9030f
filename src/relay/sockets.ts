import { type AddressInfo, type Server, Socket } from "node:net";
import { openHandles, RawSocket, type ReadHandler, sharedBuffer } from "./native/raw-socket.ts";

/**
 * The relay's sockets. They read into one buffer shared by all, so an idle connection holds none. They
 * are handles without streams where this Node offers them (native/raw-socket.ts), else `net.Socket`s.
 */
export type { ReadHandler } from "./native/raw-socket.ts";

/** What the relay needs of a socket; a `net.Socket` is one. */
export interface RelaySocket {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly destroyed: boolean;
  readonly writableLength: number;
  readonly writableNeedDrain: boolean;
  on(event: "end" | "close" | "drain", listener: () => void): this;
  on(event: "error", listener: (error: NodeJS.ErrnoException) => void): this;
  once(event: "close", listener: () => void): this;
  off(event: "end" | "error" | "close", listener: () => void): this;
  connect(address: { readonly host: string; readonly port: number }, connected: () => void): this;
  /** @param taken told when the chunk's memory is free again */
  write(chunk: Buffer, taken?: () => void): boolean;
  end(): this;
  pause(): this;
  resume(): this;
  destroy(): this;
  resetAndDestroy(): this;
  setNoDelay(on: boolean): this;
  setKeepAlive(on: boolean, delayMs: number): this;
}

const handles = openHandles();

/** Makes the accepted connection a socket, not yet reading. */
export type Adopt = (read: ReadHandler) => RelaySocket;

interface ServerHandle {
  onconnection?: (status: number, handle: object | undefined) => void;
}

/** Calls `accept` for every connection that comes. The server must be listening. */
export function acceptWith(server: Server, accept: (adopt: Adopt) => void): void {
  const handle = (server as unknown as { _handle: ServerHandle | null })._handle;
  if (handles === null || typeof handle?.onconnection !== "function") {
    server.on("connection", (socket) => {
      accept((read) => socket.on("data", (chunk: Buffer) => read(chunk.length, chunk)).pause());
    });
    return;
  }
  handle.onconnection = (status, accepted) => {
    // A failed accept (no descriptors, a client gone again) concerns nobody else.
    if (status !== 0 || accepted === undefined) return;
    accept((read) => new RawSocket(handles, accepted as ConstructorParameters<typeof RawSocket>[1], read));
  };
}

/**
 * A socket to be connected, over a descriptor where that is bound already. It reads when it is resumed.
 * @throws NodeJS.ErrnoException
 */
export function socketWith({ fd }: { readonly fd?: number }, read: ReadHandler): RelaySocket {
  if (handles !== null) return RawSocket.unconnected(handles, fd ?? null, read);
  return new Socket({
    allowHalfOpen: true,
    manualStart: true,
    ...(fd === undefined ? {} : { fd }),
    onread: {
      buffer: sharedBuffer,
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
