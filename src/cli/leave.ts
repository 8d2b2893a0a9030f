import { collect } from "./collector.ts";

/**
 * Ends the process, what was written being on its way.
 *
 * In Node 20 a process can hang while it ends: a thread that compiles in the background finds the heap
 * full and waits for a collection, and the main thread waits for that thread. A collection right
 * before makes room, and wakes whoever is waiting for one.
 */
export async function leave(status: number): Promise<never> {
  await Promise.all([process.stdout, process.stderr].map(flushed));
  collect();
  process.exit(status);
}

/** However long it takes that what was written is read: a reader that stands still keeps nobody. */
export function leaveAtLatest(status: number, afterMs: number): void {
  setTimeout(() => {
    collect();
    process.exit(status);
  }, afterMs);
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write("", () => resolve());
  });
}
