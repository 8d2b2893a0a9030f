/**
 * A TCP socket without Node's streams: the handle below `net.Socket`, asked directly. A relay does little
 * else than read and write, and the streams in between cost it more than the kernel does: a connection
 * relayed by handles takes about half the CPU.
 *
 * The handles are not documented (`process.binding`). `openHandles` says whether this Node has them all;
 * where it has not, or where SMTPSCOPE_PLAIN_SOCKETS is set, the relay uses net.Socket. The tests of the
 * relay run with both.
 */
import { getSystemErrorName } from "node:util";
import { NOBODY, type RelaySocket, type SocketOwner } from "../socket.ts";
import { ReadBuffers, sharedBuffer } from "./read-buffers.ts";

/** A TCPWrap. Calls return 0 or a negative errno. */
interface Handle {
  readonly fd: number;
  onread: (this: Handle) => void;
  /** Ours: the socket of this handle. */
  socket?: RawSocket;
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

/** A write that is done at once leaves its request unused, for the next write of whichever socket. */
let unusedWrite: Request | null = null;

/** The same for all handles, which are called as `this`. */
function onRead(this: Handle): void {
  this.socket?.onRead();
}

export class RawSocket implements RelaySocket {
  owner: SocketOwner;
  whenClosed: (() => void) | null = null;
  destroyed = false;
  writableLength = 0;
  readonly #handles: Handles;
  readonly #handle: Handle;
  #buffer: Buffer = sharedBuffer;
  #isReading = false;
  #readEnded = false;
  #endAsked = false;
  #writeEnded = false;
  #peer: Name | null = null;
  #own: Name | null = null;

  constructor(handles: Handles, handle: Handle, owner: SocketOwner = NOBODY) {
    this.owner = owner;
    this.#handles = handles;
    this.#handle = handle;
    handle.socket = this;
    handle.onread = onRead;
    handle.useUserBuffer(sharedBuffer);
  }

  /**
   * One to be connected; over a descriptor, where it is bound already.
   * @throws Error when the descriptor is none
   */
  static unconnected(handles: Handles, fd: number | null, owner: SocketOwner): RawSocket {
    const handle = new handles.TCP(handles.SOCKET);
    const status = fd === null ? 0 : handle.open(fd);
    if (status !== 0) throw new Error(`open ${getSystemErrorName(status)}`);
    return new RawSocket(handles, handle, owner);
  }

  /** Where `fdOf` looks for the descriptor. */
  get _handle(): object | null {
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

  setNoDelay(on: boolean): void {
    if (!this.destroyed) this.#handle.setNoDelay(on);
  }

  setKeepAlive(on: boolean, delayMs: number): void {
    if (!this.destroyed) this.#handle.setKeepAlive(on, Math.floor(delayMs / 1000));
  }

  connect({ host, port }: { readonly host: string; readonly port: number }, connected: () => void): void {
    const request = new this.#handles.TCPConnectWrap();
    request.oncomplete = (status) => {
      if (this.destroyed) return;
      if (status !== 0) this.#fail(status, "connect");
      else connected();
    };
    const handle = this.#handle;
    // An address, never a name: a colon makes it one of IPv6.
    const isIPv6 = host.includes(":");
    const status = isIPv6 ? handle.connect6(request, host, port) : handle.connect(request, host, port);
    if (status !== 0) this.#failSoon(status, "connect");
  }

  // ---- bytes

  resume(): void {
    if (this.#isReading || this.destroyed || this.#readEnded) return;
    this.#isReading = true;
    const status = this.#handle.readStart();
    if (status !== 0) this.#failSoon(status, "read");
  }

  pause(): void {
    if (!this.#isReading) return;
    this.#isReading = false;
    if (!this.destroyed) this.#handle.readStop();
  }

  /** The handle's: bytes, the end, or an error. */
  onRead(): void {
    if (this.destroyed) return;
    const { streamBaseState, kReadBytesOrError } = this.#handles;
    const result = streamBaseState[kReadBytesOrError]!;
    if (result > 0) {
      const buffer = this.#buffer;
      this.owner.read(this, result, buffer, buffer !== sharedBuffer);
      // While it is paused the owner may keep what was read.
      if (this.#isReading && !this.destroyed) this.#fitBuffer(result);
    } else if (result === UV_EOF) {
      this.pause();
      this.#readEnded = true;
      this.owner.ended(this);
      this.#closeIfDone();
    } else if (result < 0) this.#fail(result, "read");
  }

  #fitBuffer(lastBytes: number): void {
    const buffer = buffers.next(this.#buffer, lastBytes);
    if (buffer === this.#buffer) return;
    this.#buffer = buffer;
    this.#handle.useUserBuffer(buffer);
  }

  write(chunk: Buffer): boolean {
    if (this.destroyed || this.#endAsked) return false;
    const { WriteWrap, streamBaseState, kLastWriteWasAsync } = this.#handles;
    const request = unusedWrite ?? new WriteWrap();
    unusedWrite = null;
    const status = this.#handle.writeBuffer(request, chunk);
    if (status !== 0) {
      // Told when the caller is done, as a stream would.
      this.#failSoon(status, "write");
      return true;
    }
    if (streamBaseState[kLastWriteWasAsync] === 0) {
      unusedWrite = request;
      return this.writableLength === 0;
    }
    this.writableLength += chunk.length;
    request.buffer = chunk;
    request.oncomplete = (result) => {
      this.writableLength -= chunk.length;
      if (result !== 0) this.#fail(result, "write");
      else if (this.writableLength === 0 && !this.destroyed) this.owner.drained(this);
    };
    return false;
  }

  // ---- endings

  end(): void {
    if (this.#endAsked || this.destroyed) return;
    this.#endAsked = true;
    const request = new this.#handles.ShutdownWrap();
    const ended = () => {
      this.#writeEnded = true;
      this.#closeIfDone();
    };
    request.oncomplete = ended;
    const status = this.#handle.shutdown(request);
    if (status === DONE || status === ENOTCONN) ended();
    else if (status !== 0) this.#failSoon(status, "shutdown");
  }

  #closeIfDone(): void {
    if (this.#readEnded && this.#writeEnded) this.destroy();
  }

  #failSoon(status: number, call: string): void {
    process.nextTick(() => this.#fail(status, call));
  }

  #fail(status: number, call: string): void {
    if (this.destroyed) return;
    this.owner.failed(this, status, call);
    this.destroy();
  }

  destroy(): void {
    if (this.destroyed) return;
    this.#let();
    this.#handle.close(this.#closed);
  }

  resetAndDestroy(): void {
    if (this.destroyed) return;
    this.#let();
    if (this.#handle.reset(this.#closed) !== 0) this.#handle.close(this.#closed);
  }

  /** Somebody may still write from its buffer, so that one is not used again. */
  #let(): void {
    this.destroyed = true;
    buffers.lose(this.#buffer);
  }

  readonly #closed = (): void => {
    this.owner.closed(this);
    this.whenClosed?.();
  };
}

const buffers = new ReadBuffers();
