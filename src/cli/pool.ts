import { availableParallelism } from "node:os";
import { type ReadHooks, Reading, type ReadPart, type ReadRequest } from "./reading.ts";

/** Reads groups of files, each by one thread, as many at once as there are cores. */
export async function readGroups(
  groups: readonly (readonly string[])[],
  request: ReadRequest,
  hooks: ReadHooks,
): Promise<ReadPart[]> {
  const threads = Math.min(groups.length, availableParallelism());
  if (threads <= 1) return [await readHere(groups, request, hooks)];
  const { ReadingThread } = await import("./reading-thread.ts");
  const waiting = [...groups];
  const servers = new Set<string>();
  const workers = Array.from({ length: threads }, () => new ReadingThread(request, hooks, servers));
  const abort = () => {
    for (const worker of workers) worker.abort();
  };
  hooks.signal.addEventListener("abort", abort, { once: true });
  try {
    await Promise.all(
      workers.map(async (worker) => {
        for (
          let group = waiting.shift();
          group !== undefined && !hooks.signal.aborted;
          group = waiting.shift()
        ) {
          await worker.read(group);
        }
      }),
    );
    return await Promise.all(workers.map((worker) => worker.finish()));
  } finally {
    hooks.signal.removeEventListener("abort", abort);
    // Those that are done have ended by themselves; when one has failed, the others are of no use.
    await Promise.all(workers.map((worker) => worker.stop()));
  }
}

async function readHere(
  groups: readonly (readonly string[])[],
  request: ReadRequest,
  hooks: ReadHooks,
): Promise<ReadPart> {
  const reading = new Reading(request, hooks);
  for (const group of groups) await reading.group(group);
  return reading.finish(reading.servers);
}
