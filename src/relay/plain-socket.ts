import type { Socket } from "node:net";
import { NOBODY, type RelaySocket, type SocketOwner } from "./socket.ts";

/** What libuv calls an error without a number of the system's. */
const UV_UNKNOWN = -4094;

/** A `net.Socket` as the relay's: where Node does not offer the handles below it (native/raw-socket.ts). */
export class PlainSocket implements RelaySocket {
  owner: SocketOwner = NOBODY;
  whenClosed: (() => void) | null = null;
  readonly #socket: Socket;

  /** @param socket not reading yet, with `allowHalfOpen` */
  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.owner.read(this, chunk.length, chunk, false)).pause();
    socket.on("end", () => this.owner.ended(this));
    socket.on("error", ({ errno = UV_UNKNOWN, syscall = "" }: NodeJS.ErrnoException) =>
      this.owner.failed(this, errno, syscall),
    );
    socket.on("drain", () => this.owner.drained(this));
    socket.on("close", () => {
      this.owner.closed(this);
      this.whenClosed?.();
    });
  }

  /** Where `fdOf` looks for the descriptor. */
  get _handle(): object | null {
    return (this.#socket as unknown as { _handle?: object | null })._handle ?? null;
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }
  get remotePort(): number | undefined {
    return this.#socket.remotePort;
  }
  get localAddress(): string | undefined {
    return this.#socket.localAddress;
  }
  get localPort(): number | undefined {
    return this.#socket.localPort;
  }
  get destroyed(): boolean {
    return this.#socket.destroyed;
  }
  get writableLength(): number {
    return this.#socket.writableLength;
  }

  connect(address: { readonly host: string; readonly port: number }, connected: () => void): void {
    this.#socket.connect(address, connected);
  }
  write(chunk: Buffer): boolean {
    return this.#socket.write(chunk);
  }
  end(): void {
    this.#socket.end();
  }
  pause(): void {
    this.#socket.pause();
  }
  resume(): void {
    this.#socket.resume();
  }
  destroy(): void {
    this.#socket.destroy();
  }
  resetAndDestroy(): void {
    this.#socket.resetAndDestroy();
  }
  setNoDelay(on: boolean): void {
    this.#socket.setNoDelay(on);
  }
  setKeepAlive(on: boolean, delayMs: number): void {
    this.#socket.setKeepAlive(on, delayMs);
  }
}
