/**
 * What Linux knows of a socket and Node does not ask: errors, TCP_INFO, the destination before a
 * redirection, transparent sockets. All take a descriptor from `fdOf`. Faults of a descriptor (closed
 * meanwhile, of another kind) are values: on a relay they are traffic.
 */
import { endianness } from "node:os";
import { getSystemErrorName } from "node:util";
import type { Libc } from "./libc.ts";
import { loadLibc } from "./libc.ts";
import {
  AF_INET,
  AF_INET6,
  decodeSocketAddress,
  type Endpoint,
  encodeSocketAddress,
  SOCKADDR_MAX_BYTES,
} from "./socket-address.ts";
import { decodeTcpInfo, emptyTcpInfo, TCP_INFO_BYTES, type TcpInfo } from "./tcp-info.ts";

const SOL_SOCKET = 1;
const SO_ERROR = 4;
const IPPROTO_IP = 0;
const IPPROTO_TCP = 6;
const IPPROTO_IPV6 = 41;
const TCP_INFO = 11;
const IP_TRANSPARENT = 19;
const IPV6_TRANSPARENT = 75;
const IP_BIND_ADDRESS_NO_PORT = 24;
/** The same number for IPv4 and, at the level of IPv6, as IP6T_SO_ORIGINAL_DST. */
const SO_ORIGINAL_DST = 80;
const SIOCOUTQ = 0x5411;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;

/** SO_ERROR of a connection that was reset. */
export const ECONNRESET = 104;

/** Of errno values, as `ECONNRESET`. */
export function errorName(errno: number): string {
  return getSystemErrorName(-errno);
}

/** @returns the kernel's answers, or why they can't be had: one clause, for "…: WHY" */
export async function openNative(): Promise<Native | string> {
  const libc = await loadLibc();
  return typeof libc === "string" ? libc : new Native(libc);
}

export class Native {
  readonly libc: Libc;
  // Lent to every call: a connection asks at each of its replies.
  readonly #info = emptyTcpInfo();
  readonly #infoBytes = new Uint8Array(TCP_INFO_BYTES);
  readonly #infoView = new DataView(this.#infoBytes.buffer);
  readonly #int = new Int32Array(1);
  readonly #intBytes = new Uint8Array(this.#int.buffer);
  readonly #length = new Uint32Array(1);

  constructor(libc: Libc) {
    this.libc = libc;
  }

  /**
   * The error pending on a socket, which reading clears; 0 for none. Node reports data and RST that
   * arrive together as a clean end: there this says ECONNRESET.
   */
  socketError(fd: number): number {
    return this.#intOption(fd, SOL_SOCKET, SO_ERROR) ?? 0;
  }

  /** Bytes written to a socket that its peer has not acknowledged yet; null when there is no telling. */
  unacknowledgedBytes(fd: number): number | null {
    return this.libc.ioctl(fd, SIOCOUTQ, this.#intBytes) === 0 ? this.#int[0]! : null;
  }

  /** @returns the kernel's measurements, overwritten by the next call; null when it has none */
  tcpInfo(fd: number): Readonly<TcpInfo> | null {
    this.#length[0] = TCP_INFO_BYTES;
    if (this.libc.getsockopt(fd, IPPROTO_TCP, TCP_INFO, this.#infoBytes, this.#length) !== 0) return null;
    return decodeTcpInfo(this.#infoView, this.#length[0], this.#info) ? this.#info : null;
  }

  /**
   * Where an accepted connection was going before a `redirect` or `dnat` rule of this host: what the
   * connection tracker remembers. A connection that nobody redirected gives the address it came to.
   * @returns null when the tracker does not know it
   */
  originalDestination(fd: number, family: 4 | 6): Endpoint | null {
    const address = new Uint8Array(SOCKADDR_MAX_BYTES);
    const level = family === 4 ? IPPROTO_IP : IPPROTO_IPV6;
    this.#length[0] = SOCKADDR_MAX_BYTES;
    if (this.libc.getsockopt(fd, level, SO_ORIGINAL_DST, address, this.#length) !== 0) return null;
    return decodeSocketAddress(address);
  }

  /**
   * Lets a listening socket take connections to addresses that are not this host's. A socket for both
   * families (`::`) needs, and gets, it for both.
   * @returns 0, or the errno: EPERM without CAP_NET_RAW or CAP_NET_ADMIN
   */
  setTransparent(fd: number, family: 4 | 6): number {
    if (family === 4) return this.#setInt(fd, IPPROTO_IP, IP_TRANSPARENT, 1);
    return (
      this.#setInt(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, 1) || this.#setInt(fd, IPPROTO_IP, IP_TRANSPARENT, 1)
    );
  }

  isTransparent(fd: number, family: 4 | 6): boolean {
    const option = family === 4 ? IP_TRANSPARENT : IPV6_TRANSPARENT;
    return this.#intOption(fd, family === 4 ? IPPROTO_IP : IPPROTO_IPV6, option) === 1;
  }

  /**
   * A socket bound to another host's address, to connect as if from there (`unconnectedSocket`). The
   * kernel chooses the port when it connects, so that one address can have many connections.
   * @returns the descriptor, or minus the errno: EPERM without CAP_NET_RAW or CAP_NET_ADMIN, EINVAL
   *   for an address with a zone
   */
  spoofedSocket(clientAddress: string): number {
    const bound = encodeSocketAddress({ host: clientAddress, port: 0 });
    if (bound === null) return -EINVAL;
    const family = bound.length === SOCKADDR_MAX_BYTES ? 6 : 4;
    const type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    const fd = this.libc.socket(family === 4 ? AF_INET : AF_INET6, type, 0);
    if (fd < 0) return -this.libc.errno();
    let failed = this.setTransparent(fd, family) || this.#setInt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (failed === 0 && this.libc.bind(fd, bound, bound.length) !== 0) failed = this.libc.errno();
    if (failed === 0) return fd;
    this.libc.close(fd);
    return -failed;
  }

  /** Whether something keeps the system's clock right, and by how much it may be wrong; null when there is no telling. */
  clock(): { readonly isSynchronised: boolean; readonly maxErrorUs: number } | null {
    const clock = new Uint8Array(TIMEX_BYTES);
    // No mode is set in it: asks, and changes nothing.
    if (this.libc.adjtimex(clock) < 0) return null;
    const view = new DataView(clock.buffer);
    const isLittle = endianness() === "LE";
    const maxErrorUs = Number(view.getBigInt64(TIMEX_MAX_ERROR_AT, isLittle));
    return { isSynchronised: (view.getInt32(TIMEX_STATUS_AT, isLittle) & STA_UNSYNC) === 0, maxErrorUs };
  }

  #setInt(fd: number, level: number, name: number, value: number): number {
    this.#int[0] = value;
    return this.libc.setsockopt(fd, level, name, this.#intBytes, 4) === 0 ? 0 : this.libc.errno();
  }

  #intOption(fd: number, level: number, name: number): number | null {
    this.#length[0] = 4;
    return this.libc.getsockopt(fd, level, name, this.#intBytes, this.#length) === 0 ? this.#int[0]! : null;
  }
}

const EINVAL = 22;

/** `struct timex` on 64-bit Linux. */
const TIMEX_BYTES = 208;
const TIMEX_MAX_ERROR_AT = 24;
const TIMEX_STATUS_AT = 40;
const STA_UNSYNC = 0x40;
