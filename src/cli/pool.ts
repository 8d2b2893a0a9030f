import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { type ReadHooks, Reading, type ReadPart, type ReadRequest } from "./reading.ts";
import type { FromWorker, ToWorker } from "./worker.ts";

/** Reads groups of files, each by one thread, as many at once as there are cores. */
export async function readGroups(
  groups: readonly (readonly string[])[],
  request: ReadRequest,
  hooks: ReadHooks,
): Promise<ReadPart[]> {
  const threads = Math.min(groups.length, availableParallelism());
  if (threads <= 1) return [await readHere(groups, request, hooks)];
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

/** The main thread's end of one worker. */
class ReadingThread {
  readonly #worker: Worker;
  readonly #servers: Set<string>;
  #idle: () => void = () => {};
  #part: (part: ReadPart) => void = () => {};
  #failed: (error: Error) => void = () => {};

  constructor(request: ReadRequest, hooks: ReadHooks, servers: Set<string>) {
    this.#servers = servers;
    const url = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);
    this.#worker = new Worker(url, { workerData: request });
    this.#worker.on("error", (error: Error) => this.#failed(error));
    this.#worker.on("message", (message: FromWorker) => {
      switch (message.kind) {
        case "lines":
          Promise.resolve(hooks.write(message.lines)).then(
            () => this.#send({ kind: "written" }),
            (error: Error) => this.#failed(error),
          );
          break;
        case "progress":
          hooks.onProgress(message.file, message.readBytes, message.totalBytes);
          break;
        case "servers":
          for (const server of message.servers) servers.add(server);
          break;
        case "idle":
          this.#idle();
          break;
        case "part":
          this.#part(message.part);
          break;
      }
    });
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  abort(): void {
    this.#send({ kind: "abort" });
  }

  read(paths: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#idle = resolve;
      this.#failed = reject;
      this.#send({ kind: "group", paths });
    });
  }

  finish(): Promise<ReadPart> {
    return new Promise((resolve, reject) => {
      this.#part = resolve;
      this.#failed = reject;
      this.#send({ kind: "finish", servers: this.#servers });
    });
  }
}
