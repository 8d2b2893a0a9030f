import { deserialize, serialize } from "node:v8";
import { Analysis, type AnalysisOptions, type AnalysisPart } from "../analysis/analysis.ts";
import { Dialogues } from "../dialogue/dialogues.ts";
import { Series, type SeriesPart } from "../latency/series.ts";
import type { Order, RelayState } from "../relay/facts.ts";
import { LiveSource } from "../relay/live-source.ts";
import { MAX_CHECKPOINT_BYTES } from "../relay/observer-end.ts";
import type { DialogueListener } from "../spine/conversation.ts";
import type { Reference } from "../spine/reference.ts";
import type { RelayView, Report } from "../spine/report.ts";
import type { SourceSink, StreamSink, Transport } from "../spine/wire.ts";
import { type AsItGoes, asItGoes, both, type Listeners } from "./as-it-goes.ts";
import { largest, least, type ReadPart, type ReadRequest } from "./reading.ts";
import { redactAddresses } from "./redact.ts";
import { assemble } from "./report.ts";
import { compileSelection } from "./selection.ts";
import type { Watched } from "./watched.ts";
import type { WrittenFiles } from "./written-files.ts";

/** What is made of a running proxy: the same analysis as of captures, on what its relay observes. */

export interface ObserverHandlers {
  /** A line for the one who watches, as it goes. */
  say(line: string): void;
  order(order: Order): void;
  /** Told of exchanges and dialogues, instead of lines being said. */
  readonly watch?: Listeners;
  /** Connections are told of at once, before anything is said on them. */
  readonly watched?: Watched;
  /** What is written while it goes on. */
  readonly files?: WrittenFiles;
}

/** What an observer hands to its successor: plain values. */
interface Checkpoint {
  readonly analysis: AnalysisPart;
  readonly connections: number;
  readonly firstAtUs: number | null;
  readonly lastAtUs: number | null;
  readonly share: SeriesPart;
  readonly uncertainty: SeriesPart;
}

export class Observer {
  readonly source: LiveSource;
  readonly #request: ReadRequest;
  readonly #options: AnalysisOptions;
  #analysis: Analysis;
  /** Those that were found later than it began. */
  #references: readonly Reference[] | null = null;
  #share = new Series();
  #uncertainty = new Series();
  #earlierConnections = 0;
  #earlierFirstAtUs: number | null = null;
  #earlierLastAtUs: number | null = null;
  #state: RelayState | null = null;

  /** @param request `asItGoes` says what `say` is given */
  constructor(request: ReadRequest & { readonly asItGoes: AsItGoes }, handlers: ObserverHandlers) {
    this.#request = request;
    const redact = request.redact ? redactAddresses : (text: string) => text;
    const { percentiles, top, by, references } = request;
    this.#options = {
      percentiles,
      top,
      by,
      redact,
      references,
      ...compileSelection(request),
      ...this.#logged(
        handlers.watch ?? asItGoes(request.asItGoes, redact, handlers.say),
        redact,
        handlers.files,
      ),
    };
    this.#analysis = new Analysis(this.#options, () => this.source.frames);
    const ports = new Set(request.ports);
    const recording = handlers.files?.recording ?? null;
    const dialogues = new Dialogues(this.#listener(), {
      ports,
      copiesPossible: false,
      ...(recording === null ? {} : { privacy: recording }),
    });
    const sink = recording?.before(dialogues) ?? dialogues;
    const watched =
      handlers.watched?.around(
        sink,
        () => true,
        () => this.source.frames,
      ) ?? sink;
    this.source = new LiveSource(new MailOnly(watched, ports), {
      state: (state) => {
        this.#state = state;
      },
      order: handlers.order,
      mayGoOn: () => handlers.files?.isBehind !== true,
      restore: (checkpoint) => this.#restore(checkpoint),
      chunk: (shareUs, uncertaintyUs) => {
        this.#share.record(Math.max(0, shareUs));
        this.#uncertainty.record(Math.max(0, uncertaintyUs));
      },
    });
  }

  /** These, and the log if there is one. */
  #logged(shown: Listeners, redact: (text: string) => string, files: WrittenFiles | undefined): Listeners {
    if (files?.logs !== true) return shown;
    const log = (line: string) => files.record(line, this.source.lastAtUs ?? 0);
    return both(shown, asItGoes("ndjson", redact, log));
  }

  /** From here on what arrives is compared with these. */
  compareWith(references: readonly Reference[]): void {
    this.#references = references;
    this.#analysis.compareWith(references);
  }

  /** Dialogues go on over a reset: what is heard of them is told to the analysis of that time. */
  #listener(): DialogueListener {
    return {
      exchange: (...said) => this.#analysis.exchange(...said),
      body: (...said) => this.#analysis.body(...said),
      conversation: (...said) => this.#analysis.conversation(...said),
      other: (...said) => this.#analysis.other(...said),
      undecided: (...said) => this.#analysis.undecided(...said),
    };
  }

  /** Counts from zero again. */
  reset(): void {
    this.#analysis = new Analysis(this.#options, () => this.source.frames);
    if (this.#references !== null) this.#analysis.compareWith(this.#references);
    this.#share = new Series();
    this.#uncertainty = new Series();
    this.#earlierConnections = 0;
    this.#earlierFirstAtUs = null;
    this.#earlierLastAtUs = null;
    this.source.connections = 0;
    this.source.firstAtUs = null;
  }

  get state(): RelayState | null {
    return this.#state;
  }

  report(part = this.part()): Report {
    return assemble([part], this.#request, [], this.#relay());
  }

  /** @returns null when it would be too large to keep */
  checkpoint(): Uint8Array | null {
    const { analysis, connections, firstAtUs, lastAtUs } = this.part();
    const checkpoint: Checkpoint = {
      analysis,
      connections,
      firstAtUs,
      lastAtUs,
      share: this.#share.part(),
      uncertainty: this.#uncertainty.part(),
    };
    const bytes = serialize(checkpoint);
    return bytes.length > MAX_CHECKPOINT_BYTES ? null : bytes;
  }

  #restore(bytes: Uint8Array): void {
    const earlier = deserialize(bytes) as Checkpoint;
    this.#analysis.add(earlier.analysis);
    this.#share.add(earlier.share);
    this.#uncertainty.add(earlier.uncertainty);
    this.#earlierConnections += earlier.connections;
    this.#earlierFirstAtUs = least(this.#earlierFirstAtUs, earlier.firstAtUs);
    this.#earlierLastAtUs = largest(this.#earlierLastAtUs, earlier.lastAtUs);
  }

  part(): ReadPart {
    const { connections, firstAtUs, lastAtUs } = this.source;
    return {
      analysis: this.#analysis.part(),
      files: [],
      failures: [],
      packets: 0,
      packetBytes: this.#state?.relayedBytes ?? 0,
      connections: this.#earlierConnections + connections,
      dropped: 0,
      cutBySnaplen: 0,
      outOfOrder: 0,
      undecoded: {},
      firstAtUs: least(this.#earlierFirstAtUs, firstAtUs),
      lastAtUs: largest(this.#earlierLastAtUs, lastAtUs),
    };
  }

  #relay(): RelayView | null {
    const state = this.#state;
    if (state === null) return null;
    const { percentiles } = this.#request;
    const { startedAtUs: _started, ...told } = state;
    return {
      ...told,
      faults: this.source.faults,
      share: this.#share.distribution(percentiles),
      uncertainty: this.#uncertainty.distribution(percentiles),
    };
  }
}

/** Whatever goes through the proxy was sent there as mail, on whatever port the server listens. */
class MailOnly implements SourceSink {
  readonly #inner: SourceSink;
  readonly #ports: Set<number>;

  constructor(inner: SourceSink, ports: Set<number>) {
    this.#inner = inner;
    this.#ports = ports;
  }

  open(transport: Transport): StreamSink {
    this.#ports.add(transport.serverPort);
    return this.#inner.open(transport);
  }

  tick(atUs: number): void {
    this.#inner.tick(atUs);
  }
}
