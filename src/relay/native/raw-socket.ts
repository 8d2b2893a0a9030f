/**
 * A TCP socket without Node's streams: the handle below `net.Socket`, asked directly. A relay does little
 * else than read and write, and the streams in between cost it more than the kernel does: a connection
 * relayed by handles takes about half the CPU. It has the methods and events of `net.Socket` that the
 * relay uses, in the same order.
 *
 * The handles are not documented (`process.binding`). `openHandles` says whether this Node has them all;
 * where it has not, or where SMTPSCOPE_PLAIN_SOCKETS is set, the relay uses net.Socket. The tests of the
 * relay run with both.
 */
import { EventEmitter } from "node:events";
import { isIPv6 } from "node:net";
import { getSystemErrorName } from "node:util";

/** Takes what was read; the buffer is lent for the call. */
export type ReadHandler = (lengthBytes: number, buffer: Buffer) => void;

/** A TCPWrap. Calls return 0 or a negative errno. */
interface Handle {
  readonly fd: number;
  onread: () => void;
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): number;
  readStop(): number;
  writeBuffer(request: Request, buffer: Uint8Array): number;
  shutdown(request: Request): number;
  connect(request: Request, host: string, port: number): number;
  connect6(request: Request, host: string, port: number): number;
  open(fd: number): number;
  getpeername(out: Name): number;
  getsockname(out: Name): number;
  setNoDelay(on: boolean): number;
  setKeepAlive(on: boolean, seconds: number): number;
  reset(closed: () => void): number;
  close(closed: () => void): void;
}

interface Request {
  oncomplete: (status: number) => void;
  /** What it writes must live as long as it does. */
  buffer?: Uint8Array;
}

interface Name {
  address?: string;
  port?: number;
}

interface Handles {
  readonly TCP: new (kind: number) => Handle;
  readonly SOCKET: number;
  readonly TCPConnectWrap: new () => Request;
  readonly WriteWrap: new () => Request;
  readonly ShutdownWrap: new () => Request;
  /** What the last call on any stream came to, by the indices that follow. */
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
  readonly kLastWriteWasAsync: number;
}

/** The most that one read brings. */
export const READ_BYTES = 65_536;
/** All sockets read into it: what was read is copied to where it is needed before the next read. */
export const sharedBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

const UV_EOF = -4095;
const ENOTCONN = -107;
/** `shutdown` had nothing to wait for. */
const DONE = 1;

/** @returns null where this Node keeps them elsewhere */
export function openHandles(): Handles | null {
  if ((process.env.SMTPSCOPE_PLAIN_SOCKETS ?? "") !== "") return null;
  try {
    const { binding } = process as unknown as { binding: (name: string) => Record<string, unknown> };
    const tcp = binding("tcp_wrap");
    const stream = binding("stream_wrap");
    const handles = { ...tcp, ...stream, SOCKET: (tcp.constants as { SOCKET?: unknown }).SOCKET };
    return isComplete(handles) ? handles : null;
  } catch {
    return null;
  }
}

function isComplete(handles: Record<string, unknown>): handles is Record<string, unknown> & Handles {
  const { TCP, streamBaseState } = handles;
  const makers = ["TCP", "TCPConnectWrap", "WriteWrap", "ShutdownWrap"];
  const numbers = ["SOCKET", "kReadBytesOrError", "kLastWriteWasAsync"];
  const methods =
    "useUserBuffer readStart readStop writeBuffer shutdown connect connect6 open getpeername getsockname setNoDelay setKeepAlive reset close";
  return (
    makers.every((name) => typeof handles[name] === "function") &&
    numbers.every((name) => typeof handles[name] === "number") &&
    streamBaseState instanceof Int32Array &&
    methods.split(" ").every((name) => typeof (TCP as new () => Handle).prototype[name] === "function")
  );
}

export class RawSocket extends EventEmitter {
  destroyed = false;
  /** Bytes that the kernel has not taken yet. */
  writableLength = 0;
  readonly #handles: Handles;
  readonly #handle: Handle;
  readonly #read: ReadHandler;
  #isReading = false;
  #readEnded = false;
  #endAsked = false;
  #writeEnded = false;
  #peer: Name | null = null;
  #own: Name | null = null;
  /** A write that is done at once leaves its request unused. */
  #spare: Request | null = null;

  constructor(handles: Handles, handle: Handle, read: ReadHandler) {
    super();
    this.#handles = handles;
    this.#handle = handle;
    this.#read = read;
    handle.onread = () => this.#onRead();
    handle.useUserBuffer(sharedBuffer);
  }

  /** One to be connected; over a descriptor, where it is bound already. */
  static unconnected(handles: Handles, fd: number | null, read: ReadHandler): RawSocket {
    const handle = new handles.TCP(handles.SOCKET);
    const status = fd === null ? 0 : handle.open(fd);
    if (status !== 0) throw new Error(`open ${getSystemErrorName(status)}`);
    return new RawSocket(handles, handle, read);
  }

  /** Where `fdOf` looks for the descriptor. */
  get _handle(): Handle | null {
    return this.destroyed ? null : this.#handle;
  }

  get remoteAddress(): string | undefined {
    return this.#peerName.address;
  }
  get remotePort(): number | undefined {
    return this.#peerName.port;
  }
  get localAddress(): string | undefined {
    return this.#ownName.address;
  }
  get localPort(): number | undefined {
    return this.#ownName.port;
  }
  // Asked once, and only while there is a connection to ask about.
  get #peerName(): Name {
    if (this.#peer === null && !this.destroyed) {
      const name: Name = {};
      if (this.#handle.getpeername(name) === 0) this.#peer = name;
    }
    return this.#peer ?? {};
  }
  get #ownName(): Name {
    if (this.#own === null && !this.destroyed) {
      const name: Name = {};
      if (this.#handle.getsockname(name) === 0) this.#own = name;
    }
    return this.#own ?? {};
  }

  get writableNeedDrain(): boolean {
    return this.writableLength > 0;
  }

  setNoDelay(on: boolean): this {
    if (!this.destroyed) this.#handle.setNoDelay(on);
    return this;
  }

  setKeepAlive(on: boolean, delayMs: number): this {
    if (!this.destroyed) this.#handle.setKeepAlive(on, Math.floor(delayMs / 1000));
    return this;
  }

  connect({ host, port }: { readonly host: string; readonly port: number }, connected: () => void): this {
    const request = new this.#handles.TCPConnectWrap();
    request.oncomplete = (status) => {
      if (this.destroyed) return;
      if (status !== 0) this.#fail(status, "connect");
      else connected();
    };
    const handle = this.#handle;
    const status = isIPv6(host) ? handle.connect6(request, host, port) : handle.connect(request, host, port);
    if (status !== 0) process.nextTick(() => this.#fail(status, "connect"));
    return this;
  }

  // ---- bytes

  resume(): this {
    if (this.#isReading || this.destroyed || this.#readEnded) return this;
    this.#isReading = true;
    const status = this.#handle.readStart();
    if (status !== 0) process.nextTick(() => this.#fail(status, "read"));
    return this;
  }

  pause(): this {
    if (!this.#isReading) return this;
    this.#isReading = false;
    if (!this.destroyed) this.#handle.readStop();
    return this;
  }

  #onRead(): void {
    if (this.destroyed) return;
    const { streamBaseState, kReadBytesOrError } = this.#handles;
    const result = streamBaseState[kReadBytesOrError]!;
    if (result > 0) this.#read(result, sharedBuffer);
    else if (result === UV_EOF) {
      this.pause();
      this.#readEnded = true;
      this.emit("end");
      this.#closeIfDone();
    } else if (result < 0) this.#fail(result, "read");
  }

  /**
   * @param taken told when the chunk's memory is free again; not where the socket is ended or broken
   * @returns false when the kernel has not taken it all: "drain" tells when it has
   */
  write(chunk: Buffer, taken?: () => void): boolean {
    if (this.destroyed || this.#endAsked) return false;
    const { WriteWrap, streamBaseState, kLastWriteWasAsync } = this.#handles;
    const request = this.#spare ?? new WriteWrap();
    const status = this.#handle.writeBuffer(request, chunk);
    if (status !== 0) {
      // Told when the caller is done, as a stream would.
      process.nextTick(() => this.#fail(status, "write"));
      return true;
    }
    if (streamBaseState[kLastWriteWasAsync] === 0) {
      this.#spare = request;
      taken?.();
      return this.writableLength === 0;
    }
    this.#spare = null;
    this.writableLength += chunk.length;
    request.buffer = chunk;
    request.oncomplete = (result) => {
      this.writableLength -= chunk.length;
      taken?.();
      if (result !== 0) this.#fail(result, "write");
      else if (this.writableLength === 0 && !this.destroyed) this.emit("drain");
    };
    return false;
  }

  // ---- endings

  /** No more is written; the peer is told when all that was has gone. */
  end(): this {
    if (this.#endAsked || this.destroyed) return this;
    this.#endAsked = true;
    const request = new this.#handles.ShutdownWrap();
    const ended = () => {
      this.#writeEnded = true;
      this.#closeIfDone();
    };
    request.oncomplete = ended;
    const status = this.#handle.shutdown(request);
    if (status === DONE || status === ENOTCONN) ended();
    else if (status !== 0) process.nextTick(() => this.#fail(status, "shutdown"));
    return this;
  }

  #closeIfDone(): void {
    if (this.#readEnded && this.#writeEnded) this.destroy();
  }

  #fail(status: number, call: string): void {
    if (this.destroyed) return;
    this.emit("error", failure(status, call));
    this.destroy();
  }

  destroy(): this {
    if (this.destroyed) return this;
    this.destroyed = true;
    this.#handle.close(() => this.emit("close"));
    return this;
  }

  /** Ends it with a reset instead of an orderly end. */
  resetAndDestroy(): this {
    if (this.destroyed) return this;
    this.destroyed = true;
    const closed = () => this.emit("close");
    if (this.#handle.reset(closed) !== 0) this.#handle.close(closed);
    return this;
  }
}

/** Not an Error: a peer that resets is no news, and where it was noticed costs more than the reset itself. */
function failure(status: number, syscall: string): NodeJS.ErrnoException {
  const code = getSystemErrorName(status);
  return { name: "Error", message: `${syscall} ${code}`, code, errno: status, syscall };
}
