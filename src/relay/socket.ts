/** A TCP socket as the relay needs it, and whom it tells. */

/** What a socket tells. One object at a time, exchanged as the connection goes on; nothing is registered. */
export interface SocketOwner {
  /**
   * @param buffer what was read, from its beginning
   * @param mayKeep the bytes stay as they are until the socket reads again, so who pauses it may keep
   *   them; else they are lent for the call
   */
  read(socket: RelaySocket, lengthBytes: number, buffer: Buffer, mayKeep: boolean): void;
  /** The peer says no more. */
  ended(socket: RelaySocket): void;
  /** @param error a negative errno; the socket closes next */
  failed(socket: RelaySocket, error: number, call: string): void;
  /** The kernel has taken what was written, after it had not. */
  drained(socket: RelaySocket): void;
  closed(socket: RelaySocket): void;
}

export interface RelaySocket {
  owner: SocketOwner;
  /** Told besides when it is closed. */
  whenClosed: (() => void) | null;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly destroyed: boolean;
  /** Bytes that the kernel has not taken yet. */
  readonly writableLength: number;
  connect(address: { readonly host: string; readonly port: number }, connected: () => void): void;
  /** @returns false when it is time to wait until it is `drained`; the chunk is needed until the kernel has it */
  write(chunk: Buffer): boolean;
  /** No more is written; the peer is told when all that was has gone. */
  end(): void;
  pause(): void;
  resume(): void;
  destroy(): void;
  /** Ends it with a reset instead of an orderly end. */
  resetAndDestroy(): void;
  setNoDelay(on: boolean): void;
  setKeepAlive(on: boolean, delayMs: number): void;
}

/** Owns what nobody cares for: what is on its way to its end. */
export const NOBODY: SocketOwner = {
  read() {},
  ended() {},
  failed() {},
  drained() {},
  closed() {},
};
