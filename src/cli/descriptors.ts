import { readFileSync } from "node:fs";

/** Besides two a connection: standard streams, the loop's own, the observer, those attached. */
export const SPARE_DESCRIPTORS = 64;

/** Node raises its soft limit to the hard one when it starts. Null where the system does not say. */
export function descriptorLimit(): number | null {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"));
    return line === null ? null : Number(line[1]);
  } catch {
    return null;
  }
}

/** How many connections the descriptors are enough for. */
export function possibleConnections(descriptors: number): number {
  return Math.floor((descriptors - SPARE_DESCRIPTORS) / 2);
}
