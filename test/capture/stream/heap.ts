/** What is in use after everything unreachable has been let go of, buffers outside the heap included. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

export function heapBytes(): number {
  // What a first pass finds unreachable may hold buffers that only the next one frees.
  for (let pass = 0; pass < 3; pass++) collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
