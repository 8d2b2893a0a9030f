import { closeSync, constants, openSync, writeSync } from "node:fs";

/**
 * Terminals that are not waited for. Node waits in each write until the terminal has taken it, and one that
 * is stopped (Ctrl-S, a connection to it that hangs) takes nothing: the process stands still with it.
 */

/**
 * Writes to a stream's terminal through a description of this process's own, which nobody else can make
 * wait again; what the terminal does not take at once is not said. To be made while it may be opened,
 * before privileges are given up.
 * @returns writes to the stream as ever where it is no terminal, or may not be opened
 */
export function unwaitedWriter(stream: NodeJS.WriteStream & { readonly fd: number }): (text: string) => void {
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
  const fd = stream.isTTY === true ? opened(stream.fd, O_WRONLY | O_NONBLOCK | O_NOCTTY) : null;
  if (fd === null) return (text) => stream.write(text);
  return (text) => {
    try {
      writeSync(fd, text);
    } catch {
      // Stopped, or gone.
    }
  };
}

/** From now on what is written to these waits in memory, up to what the writer allows. */
export function neverWaitFor(...streams: readonly (NodeJS.WriteStream & { readonly fd: number })[]): void {
  for (const stream of streams) {
    if (stream.isTTY !== true) continue;
    // Node has a description of its own of a terminal that may be opened; else it is everybody's.
    const fd = opened(stream.fd, constants.O_WRONLY | constants.O_NOCTTY);
    if (fd === null) continue;
    closeSync(fd);
    (stream as Unwaited)._handle?.setBlocking?.(false);
  }
}

/** Not documented; where it is absent the terminal is waited for. */
type Unwaited = NodeJS.WriteStream & { readonly _handle?: { setBlocking?(on: boolean): number } };

function opened(fd: number, flags: number): number | null {
  try {
    return openSync(`/dev/fd/${fd}`, flags);
  } catch {
    return null;
  }
}
