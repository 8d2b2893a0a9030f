import { Analysis, type AnalysisPart } from "../analysis/analysis.ts";
import type { GroupKey } from "../analysis/groups.ts";
import { Capture } from "../capture/capture.ts";
import type { ReadOptions, ReadOutcome } from "../capture/file/open.ts";
import type { Schedule } from "../capture/file/paced.ts";
import type { LiveStream } from "../capture/live/live-stream.ts";
import { Dialogues } from "../dialogue/dialogues.ts";
import { type ErrorCode, SmtpscopeError } from "../spine/errors.ts";
import { FileFrames } from "../spine/files.ts";
import type { Reference } from "../spine/reference.ts";
import type { FileView } from "../spine/report.ts";
import type { Threshold } from "../spine/threshold.ts";
import { type AsItGoes, asItGoes, type Listeners } from "./as-it-goes.ts";
import { Collector } from "./collector.ts";
import type { FailOn } from "./fail-on.ts";
import { redactAddresses } from "./redact.ts";
import { compileSelection, type Selection } from "./selection.ts";
import type { Watched } from "./watched.ts";

/** What to read for: plain values, to be sent to a thread. */
export interface ReadRequest extends Selection {
  readonly ports: readonly number[];
  readonly percentiles: readonly number[];
  readonly top: number;
  readonly by: GroupKey | null;
  readonly redact: boolean;
  readonly thresholds: readonly Threshold[];
  /** Of what the exit status tells. */
  readonly failOn: FailOn;
  readonly asItGoes: AsItGoes;
  /** What the server itself says, to compare with what arrives. */
  readonly references: readonly Reference[];
}

/** A file that could not be read at all. */
export interface Failure {
  readonly file: string;
  readonly code: ErrorCode;
  readonly message: string;
}

/** What reading some of the input came to: plain values. */
export interface ReadPart {
  readonly analysis: AnalysisPart;
  readonly files: readonly FileView[];
  readonly failures: readonly Failure[];
  readonly packets: number;
  readonly packetBytes: number;
  readonly connections: number;
  readonly dropped: number;
  readonly cutBySnaplen: number;
  readonly outOfOrder: number;
  readonly undecoded: Readonly<Record<string, number>>;
  readonly firstAtUs: number | null;
  readonly lastAtUs: number | null;
}

export interface ReadHooks {
  readonly signal: AbortSignal;
  readonly onProgress: (file: string, readBytes: number, totalBytes: number) => void;
  /** Lines to be written; awaited between batches, so that a slow reader of the output slows reading down. */
  readonly write: (lines: string) => void | Promise<void>;
  /** Told of exchanges and dialogues, instead of writing them as it goes. */
  readonly watch?: Listeners;
  /** Told of connections at once, before anything is said on them. */
  readonly watched?: Watched;
  /** When packets are to be seen; at once, unless given. */
  readonly schedule?: Schedule;
}

/** Garbage beside dialogues that are kept: half as much as these; less of it would cost seconds of collecting. */
const KEPT_SHARE = 0.5;

/** Reads groups of files, one after the other, into one analysis. */
export class Reading {
  readonly #hooks: ReadHooks;
  readonly #analysis: Analysis;
  readonly #ports: ReadonlySet<number>;
  readonly #files: FileView[] = [];
  readonly #failures: Failure[] = [];
  readonly #undecoded: Record<string, number> = {};
  readonly #collector: Collector;
  #frames = new FileFrames();
  #lines: string[] = [];
  #packets = 0;
  #packetBytes = 0;
  #connections = 0;
  #dropped = 0;
  #cut = 0;
  #outOfOrder = 0;
  #firstAtUs: number | null = null;
  #lastAtUs: number | null = null;
  /** What is being read. */
  #capture: Capture | null = null;

  constructor(request: ReadRequest, hooks: ReadHooks) {
    this.#hooks = hooks;
    this.#ports = new Set(request.ports);
    // Dialogues that are kept to be looked at are worth their room, and dear to look through.
    this.#collector = new Collector(hooks.watch === undefined ? 0 : KEPT_SHARE);
    const redact = request.redact ? redactAddresses : (text: string) => text;
    const { percentiles, top, by, references } = request;
    const options = { percentiles, top, by, redact, references, ...compileSelection(request) };
    this.#analysis = new Analysis(
      {
        ...options,
        ...(hooks.watch ?? asItGoes(request.asItGoes, redact, (line) => this.#lines.push(line))),
      },
      () => this.#frames,
    );
  }

  /** Files that continue one another. */
  async group(paths: readonly string[]): Promise<void> {
    await this.#read(paths, (capture, path, options) => capture.readFile(path, options));
  }

  /** What is captured while it is read. */
  async stream(live: LiveStream): Promise<void> {
    await this.#read([live.name], async (capture, name, options) => {
      const outcome = await capture.readStream(name, live.stream, options);
      capture.dropped(0, live.dropped());
      return outcome;
    });
  }

  async #read(
    paths: readonly string[],
    read: (capture: Capture, path: string, options: ReadOptions) => Promise<ReadOutcome>,
  ): Promise<void> {
    const { signal, onProgress, schedule, watched } = this.#hooks;
    const dialogues = new Dialogues(this.#analysis, { ports: this.#ports, copiesPossible: true });
    const sink =
      watched?.around(
        dialogues,
        (port) => this.#ports.has(port),
        () => this.#frames,
      ) ?? dialogues;
    const capture = new Capture(this.#analysis.watch(sink), this.#ports);
    this.#frames = capture.frames;
    this.#capture = capture;
    for (const path of paths) {
      if (signal.aborted) break;
      try {
        const outcome = await read(capture, path, {
          signal,
          onProgress: (readBytes, totalBytes) => onProgress(path, readBytes, totalBytes),
          betweenBatches: () => {
            this.#collector.check();
            return this.#flush();
          },
          ...(schedule === undefined ? {} : { schedule }),
        });
        const { format, compression, bytes, damage, nanoseconds } = outcome;
        this.#files.push({
          file: path,
          format,
          compression,
          bytes,
          damage,
          nanoseconds,
          interrupted: signal.aborted,
        });
      } catch (error) {
        if (!(error instanceof SmtpscopeError)) throw error;
        this.#failures.push({ file: path, code: error.code, message: error.message });
      }
    }
    capture.end();
    this.#capture = null;
    this.#count(capture);
    await this.#flush();
  }

  #count(capture: Capture): void {
    const { packets, bytes, connections, dropped, cutBySnaplen, dissector, firstAtUs, lastAtUs } =
      capture.counts;
    this.#packets += packets;
    this.#packetBytes += bytes;
    this.#connections += connections;
    this.#dropped += dropped;
    this.#cut += cutBySnaplen;
    this.#outOfOrder += capture.counts.outOfOrder;
    for (const [why, count] of Object.entries(dissector))
      this.#undecoded[why] = (this.#undecoded[why] ?? 0) + count;
    this.#firstAtUs = least(this.#firstAtUs, firstAtUs);
    this.#lastAtUs = largest(this.#lastAtUs, lastAtUs);
  }

  async #flush(): Promise<void> {
    if (this.#lines.length === 0) return;
    const lines = `${this.#lines.join("\n")}\n`;
    this.#lines = [];
    await this.#hooks.write(lines);
  }

  /** The servers that were found to speak SMTP. */
  get servers(): ReadonlySet<string> {
    return this.#analysis.silent.servers;
  }

  /** All of the input has been read, here and elsewhere. */
  async finish(servers: ReadonlySet<string>): Promise<ReadPart> {
    this.#analysis.resolveSilent((server) => servers.has(server));
    await this.#flush();
    return this.#part();
  }

  /** What reading has come to so far. */
  soFar(): ReadPart {
    const part = this.#part();
    if (this.#capture === null) return part;
    const { packets, bytes, connections, dropped, cutBySnaplen, outOfOrder, firstAtUs, lastAtUs } =
      this.#capture.counts;
    return {
      ...part,
      packets: part.packets + packets,
      packetBytes: part.packetBytes + bytes,
      connections: part.connections + connections,
      dropped: part.dropped + dropped,
      cutBySnaplen: part.cutBySnaplen + cutBySnaplen,
      outOfOrder: part.outOfOrder + outOfOrder,
      firstAtUs: least(part.firstAtUs, firstAtUs),
      lastAtUs: largest(part.lastAtUs, lastAtUs),
    };
  }

  #part(): ReadPart {
    return {
      analysis: this.#analysis.part(),
      files: this.#files,
      failures: this.#failures,
      packets: this.#packets,
      packetBytes: this.#packetBytes,
      connections: this.#connections,
      dropped: this.#dropped,
      cutBySnaplen: this.#cut,
      outOfOrder: this.#outOfOrder,
      undecoded: this.#undecoded,
      firstAtUs: this.#firstAtUs,
      lastAtUs: this.#lastAtUs,
    };
  }
}

export function least(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b);
}

export function largest(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b);
}
