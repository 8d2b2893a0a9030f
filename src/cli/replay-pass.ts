import type { Schedule } from "../capture/file/paced.ts";
import type { LiveStream } from "../capture/live/live-stream.ts";
import type { Report } from "../spine/report.ts";
import { Reading, type ReadPart, type ReadRequest } from "./reading.ts";
import { redactAddresses } from "./redact.ts";
import { assemble } from "./report.ts";
import { Watched } from "./watched.ts";

export interface PassRequest {
  readonly request: ReadRequest;
  /** As named by the operator; `-` is standard input. */
  readonly inputs: readonly string[];
  /** What is captured meanwhile. */
  readonly live: LiveStream | null;
  /** Files that are read by one reader, in order. */
  readonly groups: readonly (readonly string[])[];
}

/** The input read once, from its start. */
export class Pass {
  readonly watched: Watched;
  readonly #wanted: PassRequest;
  readonly #reading: Reading;
  readonly #abort = new AbortController();
  readonly #bytes = new Map<string, readonly [read: number, total: number]>();
  #part: ReadPart | null = null;
  #steps = 0;

  constructor(wanted: PassRequest, schedule: Schedule | null) {
    this.#wanted = wanted;
    const { redact } = wanted.request;
    this.watched = new Watched(redact ? redactAddresses : null);
    this.#reading = new Reading(wanted.request, {
      signal: this.#abort.signal,
      onProgress: (file, readBytes, totalBytes) => {
        this.#steps++;
        this.#bytes.set(file, [readBytes, totalBytes]);
      },
      write: () => {},
      watch: this.watched.watch,
      // What is read as fast as can be is soon over: nobody waits to see what goes on.
      ...(schedule === null && wanted.live === null ? {} : { watched: this.watched }),
      ...(schedule === null ? {} : { schedule }),
    });
  }

  async read(): Promise<void> {
    if (this.#wanted.live !== null) await this.#reading.stream(this.#wanted.live);
    for (const group of this.#wanted.groups) await this.#reading.group(group);
    const part = await this.#reading.finish(this.#reading.servers);
    if (!this.#abort.signal.aborted) this.#part = part;
    this.#steps++;
  }

  stop(): void {
    this.#abort.abort();
    this.#wanted.live?.stop();
    this.#wanted.live?.stream.destroy();
  }

  /** All of it; null until it has been read. */
  get part(): ReadPart | null {
    return this.#part;
  }

  get version(): number {
    return this.watched.version + this.#steps;
  }

  /** What reading has come to so far. */
  soFar(): ReadPart {
    return this.#part ?? this.#reading.soFar();
  }

  report(part = this.soFar()): Report {
    const { request, inputs } = this.#wanted;
    return assemble([part], request, inputs);
  }

  /** How much of the files has been read: 0 … 1. */
  get share(): number {
    let [read, total] = [0, 0];
    for (const [readBytes, totalBytes] of this.#bytes.values()) {
      read += readBytes;
      total += totalBytes;
    }
    const begun = this.#bytes.size / Math.max(1, this.#wanted.inputs.length);
    return total === 0 ? 0 : Math.min(1, (read / total) * begun);
  }
}
