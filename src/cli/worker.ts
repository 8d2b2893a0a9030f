/** A thread that reads groups of files and sends what they came to: see pool.ts for the other end. */
import { parentPort, workerData } from "node:worker_threads";
import { Reading, type ReadPart, type ReadRequest } from "./reading.ts";

export type ToWorker =
  | { readonly kind: "group"; readonly paths: readonly string[] }
  | { readonly kind: "written" }
  | { readonly kind: "abort" }
  | { readonly kind: "finish"; readonly servers: ReadonlySet<string> };

export type FromWorker =
  | { readonly kind: "idle" }
  | { readonly kind: "lines"; readonly lines: string }
  | {
      readonly kind: "progress";
      readonly file: string;
      readonly readBytes: number;
      readonly totalBytes: number;
    }
  | { readonly kind: "servers"; readonly servers: ReadonlySet<string> }
  | { readonly kind: "part"; readonly part: ReadPart };

if (parentPort === null) throw new Error("worker.ts is started by pool.ts");
const port = parentPort;
const abort = new AbortController();
let written: (() => void) | null = null;

const sent = new Set<string>();

/** Servers found since the last time. */
function newServers(): ReadonlySet<string> {
  const found = new Set([...reading.servers].filter((server) => !sent.has(server)));
  for (const server of found) sent.add(server);
  return found;
}

const send = (message: FromWorker) => port.postMessage(message);

const reading = new Reading(workerData as ReadRequest, {
  signal: abort.signal,
  onProgress: (file, readBytes, totalBytes) => send({ kind: "progress", file, readBytes, totalBytes }),
  // One batch under way: a slow output holds reading back instead of filling the queue.
  write: (lines) =>
    new Promise((resolve) => {
      written = resolve;
      send({ kind: "lines", lines });
    }),
});

port.on("message", async (message: ToWorker) => {
  switch (message.kind) {
    case "group":
      await reading.group(message.paths);
      send({ kind: "servers", servers: newServers() });
      send({ kind: "idle" });
      break;
    case "written":
      written?.();
      break;
    case "abort":
      abort.abort();
      break;
    case "finish":
      send({ kind: "part", part: await reading.finish(message.servers) });
      port.close();
      break;
  }
});
