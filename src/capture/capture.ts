import { FileFrames } from "../spine/files.ts";
import { NO_TIME, type SourceSink } from "../spine/wire.ts";
import { type ReadOptions, type ReadOutcome, readCaptureFile, readCaptureStream } from "./file/open.ts";
import { PacedRecords } from "./file/paced.ts";
import { Dissector, type DissectorCounts } from "./network/dissector.ts";
import type { RecordSink } from "./packet.ts";
import { Streams } from "./stream/streams.ts";

/** What became of the packets of a capture. */
export interface CaptureCounts {
  readonly packets: number;
  /** Records that Wireshark numbers, those without a packet included. */
  readonly frames: number;
  readonly bytes: number;
  readonly connections: number;
  /** Packets that the kernel or an interface dropped, where the file says so. */
  readonly dropped: number;
  /** Packets shorter than they were on the wire. */
  readonly cutBySnaplen: number;
  /** Packets whose stamp lies before that of the packet before. */
  readonly outOfOrder: number;
  readonly dissector: DissectorCounts;
  /** First and last time stamp, µs since 1970. */
  readonly firstAtUs: number | null;
  readonly lastAtUs: number | null;
}

/** Interfaces whose running count of drops is kept apart. */
const MAX_INTERFACES = 65_536;

/**
 * One capture as a source: the files of a ring in order, or a stream. Stamps are made by whoever
 * captured; here they are read once, floored to µs, and never touched again.
 */
export class Capture implements RecordSink {
  readonly frames = new FileFrames();
  #streams: Streams;
  #dissector: Dissector;
  readonly #sink: SourceSink;
  readonly #ports: ReadonlySet<number>;
  readonly #dropped = new Map<number, number>();
  #droppedEarlier = 0;
  #packets = 0;
  #bytes = 0;
  #connections = 0;
  #cut = 0;
  #outOfOrder = 0;
  #previousAtUs = NO_TIME;
  #firstAtUs = NO_TIME;
  #lastAtUs = NO_TIME;
  #frame = 0;
  #file = 0;

  constructor(sink: SourceSink, ports: ReadonlySet<number>) {
    this.#sink = sink;
    this.#ports = ports;
    this.#streams = new Streams(sink, ports);
    this.#dissector = new Dissector(this.#streams);
  }

  /** Reads a file; a further one continues it when its time does, dialogues crossing over. */
  async readFile(path: string, options: ReadOptions): Promise<ReadOutcome> {
    this.#begin(path);
    if (options.schedule === undefined) return readCaptureFile(path, this, options);
    const { schedule, signal } = options;
    const paced = new PacedRecords(this, schedule);
    const drain = () =>
      paced.drain(
        () => signal?.aborted === true,
        // Nothing is said while nothing is due: silence is noticed by the schedule's clock.
        () => {
          if (this.#lastAtUs !== NO_TIME) this.#streams.tick(schedule.nowUs());
        },
      );
    const betweenBatches = async () => {
      await drain();
      await options.betweenBatches?.();
    };
    const outcome = await readCaptureFile(path, paced, { ...options, betweenBatches });
    await drain();
    return outcome;
  }

  /** Reads a live stream: silence there is noticed by the clock, for no packet comes to tell of it. */
  async readStream(name: string, stream: NodeJS.ReadableStream, options: ReadOptions): Promise<ReadOutcome> {
    this.#begin(name);
    let latestAtUs = NO_TIME;
    let since = 0;
    let failure: { error: unknown } | null = null;
    const timer = setInterval(() => {
      if (this.#lastAtUs === NO_TIME) return;
      if (this.#lastAtUs !== latestAtUs) {
        latestAtUs = this.#lastAtUs;
        since = performance.now();
        return;
      }
      this.#streams.tick(latestAtUs + Math.floor((performance.now() - since) * 1000));
      Promise.resolve(options.betweenBatches?.()).catch((error: unknown) => {
        failure ??= { error };
      });
    }, 1000);
    try {
      const betweenBatches = async () => {
        if (failure !== null) throw failure.error;
        await options.betweenBatches?.();
      };
      return await readCaptureStream(stream, this, {
        ...options,
        name: name === "-" ? "standard input" : name,
        betweenBatches,
      });
    } finally {
      clearInterval(timer);
    }
  }

  /** Everything has been read: closes all connections. */
  end(): void {
    this.#streams.end();
    this.#connections += this.#streams.connections;
    this.#streams = new Streams(this.#sink, this.#ports);
    this.#dissector = new Dissector(this.#streams);
  }

  get counts(): CaptureCounts {
    return {
      packets: this.#packets,
      frames: this.#frame,
      bytes: this.#bytes,
      connections: this.#connections + this.#streams.connections,
      dropped: [...this.#dropped.values()].reduce((sum, count) => sum + count, this.#droppedEarlier),
      cutBySnaplen: this.#cut,
      outOfOrder: this.#outOfOrder,
      dissector: this.#dissector.counts,
      firstAtUs: this.#firstAtUs === NO_TIME ? null : this.#firstAtUs,
      lastAtUs: this.#lastAtUs === NO_TIME ? null : this.#lastAtUs,
    };
  }

  #begin(file: string): void {
    this.frames.begin(file, this.#frame);
    if (this.#file++ > 0) this.#streams.nextFile();
  }

  record(
    atUs: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    wireLength: number,
    linkType: number,
  ): void {
    const frame = ++this.#frame;
    this.#packets++;
    this.#bytes += wireLength;
    if (end - start < wireLength) this.#cut++;
    if (atUs !== NO_TIME) {
      if (atUs < this.#previousAtUs) this.#outOfOrder++;
      this.#previousAtUs = atUs;
      if (this.#firstAtUs === NO_TIME || atUs < this.#firstAtUs) this.#firstAtUs = atUs;
      if (atUs > this.#lastAtUs) this.#lastAtUs = atUs;
    }
    this.#streams.at(atUs, frame);
    this.#dissector.packet(linkType, buffer, start, end, wireLength, atUs);
  }

  blank(): void {
    this.#frame++;
  }

  dropped(interfaceNumber: number, count: number): void {
    if (this.#dropped.size >= MAX_INTERFACES) {
      for (const earlier of this.#dropped.values()) this.#droppedEarlier += earlier;
      this.#dropped.clear();
    }
    this.#dropped.set(this.#file * 65_536 + interfaceNumber, count);
  }
}
