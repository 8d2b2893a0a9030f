/**
 * The C library, through koffi. koffi is optional: without it the modes that need it say so and the
 * rest works. All calls are made on the calling thread and take microseconds.
 */
import type { LibraryHandle } from "koffi";

/** Return values are the C library's: -1 for failure, and `errno()` says which. */
export interface Libc {
  getsockopt(fd: number, level: number, name: number, value: Uint8Array, length: Uint32Array): number;
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number;
  socket(family: number, type: number, protocol: number): number;
  ioctl(fd: number, request: number, value: Uint8Array): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  close(fd: number): number;
  prctl(option: number, a: number, b: number, c: number, d: number): number;
  capget(header: Uint32Array, data: Uint32Array): number;
  capset(header: Uint32Array, data: Uint32Array): number;
  adjtimex(clock: Uint8Array): number;
  errno(): number;
}

/** @returns the library, or why there is none: one clause, for "…: WHY" */
export async function loadLibc(): Promise<Libc | string> {
  if (process.platform !== "linux") return `it works on Linux, this is ${process.platform}`;
  try {
    const koffi = await import("koffi");
    // The symbols of this very process: whichever C library Node runs on, glibc or musl.
    return { ...functionsOf(koffi.load(null)), errno: () => koffi.errno() };
  } catch (error) {
    const isAbsent = (error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND";
    return isAbsent
      ? "the package koffi is not installed (npm install koffi)"
      : `the package koffi does not load: ${error instanceof Error ? error.message.split("\n")[0] : error}`;
  }
}

function functionsOf(library: LibraryHandle): Omit<Libc, "errno"> {
  return {
    getsockopt: library.func("int getsockopt(int, int, int, _Out_ uint8_t *, _Inout_ uint32_t *)"),
    setsockopt: library.func("int setsockopt(int, int, int, const uint8_t *, uint32_t)"),
    socket: library.func("int socket(int, int, int)"),
    ioctl: library.func("int ioctl(int, ulong, _Out_ uint8_t *)"),
    bind: library.func("int bind(int, const uint8_t *, uint32_t)"),
    close: library.func("int close(int)"),
    adjtimex: library.func("int adjtimex(_Inout_ uint8_t *)"),
    prctl: library.func("int prctl(int, ulong, ulong, ulong, ulong)"),
    capget: library.func("int capget(uint32_t *, _Out_ uint32_t *)"),
    capset: library.func("int capset(uint32_t *, const uint32_t *)"),
  };
}
