/** Sources recorded and read again. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Capture } from "../../src/capture/capture.ts";
import { groupRings } from "../../src/capture/file/ring.ts";
import { Dialogues } from "../../src/dialogue/dialogues.ts";
import { Recording, type RecordingOptions } from "../../src/recording/recording.ts";
import type { EndCause, GapCause, Side, SourceSink, StreamSink, Transport } from "../../src/spine/wire.ts";
import { type Collected, Collector, PORTS } from "../support/collect.ts";

/** A folder that is gone when `use` is done. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "smtpscope-recording-"));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Says what a capture says as a relay would: each byte once, every chunk with a number of its own. */
class LiveLike implements SourceSink {
  readonly #sink: SourceSink;
  #frame = 0;

  constructor(sink: SourceSink) {
    this.#sink = sink;
  }

  open(transport: Transport): StreamSink {
    const first = this.#frame + 1;
    this.#frame += 3;
    const sink = this.#sink.open(new LiveLikeTransport(transport, first));
    return {
      get wanted() {
        return sink.wanted;
      },
      bytes: (from: Side, atUs: number, _frame: number, buffer: Uint8Array, start: number, end: number) =>
        sink.bytes(from, atUs, ++this.#frame, buffer, start, end),
      gap: (from: Side, atUs: number, _frame: number, lengthBytes: number, why: GapCause) =>
        sink.gap(from, atUs, ++this.#frame, lengthBytes, why),
      copy: () => {},
      end: (from: Side, atUs: number, how: EndCause) => sink.end(from, atUs, how),
      close: (atUs: number) => sink.close(atUs),
    };
  }

  tick(atUs: number): void {
    this.#sink.tick(atUs);
  }
}

/** The capture's, as it stands at the moment of asking, with numbers of its own. */
class LiveLikeTransport implements Transport {
  readonly firstFrame: number;
  readonly #of: Transport;

  constructor(of: Transport, firstFrame: number) {
    this.#of = of;
    this.firstFrame = firstFrame;
  }
  get client() {
    return this.#of.client;
  }
  get server() {
    return this.#of.server;
  }
  get serverPort() {
    return this.#of.serverPort;
  }
  get sawHandshake() {
    return this.#of.sawHandshake;
  }
  get firstAtUs() {
    return this.#of.firstAtUs;
  }
  get synAtUs() {
    return this.#of.synAtUs;
  }
  get synFrame() {
    return this.#of.synFrame > 0 ? this.firstFrame : 0;
  }
  /** A relay connects once. */
  get synCount() {
    return Math.min(1, this.#of.synCount);
  }
  get synAckAtUs() {
    return this.#of.synAckAtUs;
  }
  get synAckFrame() {
    return this.#of.synAckFrame > 0 ? this.firstFrame + 1 : 0;
  }
  get handshakeAtUs() {
    return this.#of.handshakeAtUs;
  }
  get handshakeFrame() {
    return this.#of.handshakeFrame > 0 ? this.firstFrame + 2 : 0;
  }
  get refused() {
    return this.#of.refused;
  }
  get lastAtUs() {
    return this.#of.lastAtUs;
  }
  get clockSteps() {
    return this.#of.clockSteps;
  }
  get oneWay() {
    return this.#of.oneWay;
  }
  tcpStreamAt(): number {
    return this.firstFrame;
  }
  acknowledged(): number {
    return Number.MAX_SAFE_INTEGER;
  }
}

export interface Recorded {
  readonly live: Collector;
  readonly recording: Recording;
  readonly said: string[];
  /** The files, in the order of their numbers. */
  readonly files: string[];
}

/** Runs a source through a recording into dialogues. */
export async function record(
  folder: string,
  run: (sink: SourceSink) => Promise<void> | void,
  options: Partial<RecordingOptions> = {},
): Promise<Recorded> {
  const said: string[] = [];
  const path = join(folder, "recording.pcapng");
  const recording = new Recording({
    path,
    raw: false,
    application: "smtpscope test",
    comment: "a comment",
    say: (sentence) => said.push(sentence),
    sizeBytes: null,
    ageUs: null,
    keep: null,
    uncertaintyUs: null,
    ...options,
  });
  const live = new Collector();
  const dialogues = new Dialogues(live, { ports: PORTS, copiesPossible: false, privacy: recording });
  await run(recording.before(dialogues));
  await recording.close();
  const number = (name: string) => Number(/\d*$/.exec(name)?.[0] ?? 0);
  const files = readdirSync(folder)
    .filter((name) => name.startsWith("recording.pcapng"))
    .sort((a, b) => number(a) - number(b))
    .map((name) => join(folder, name));
  return { live, recording, said, files };
}

export async function recordCapture(
  folder: string,
  capture: string,
  options: Partial<RecordingOptions> = {},
): Promise<Recorded> {
  return record(
    folder,
    async (sink) => {
      const source = new Capture(new LiveLike(sink), PORTS);
      await source.readFile(capture, {});
      source.end();
    },
    options,
  );
}

/** Reads recorded files as `replay` does: as one ring. */
export function replay(files: readonly string[]): Promise<{ collector: Collector; capture: Capture }> {
  const rings = groupRings(files);
  if (rings.length !== 1) throw new Error(`not one ring: ${JSON.stringify(rings)}`);
  return replayInOrder(rings[0]!);
}

export async function replayInOrder(
  files: readonly string[],
): Promise<{ collector: Collector; capture: Capture }> {
  const collector = new Collector();
  const capture = new Capture(new Dialogues(collector, { ports: PORTS, copiesPossible: true }), PORTS);
  for (const file of files) {
    const { damage } = await capture.readFile(file, {});
    if (damage !== null) throw new Error(`${file}: ${damage.what}`);
  }
  capture.end();
  return { collector, capture };
}

/** What must be the same of a run and its recording: everything but where packets are. */
export function comparable(collector: Collector): unknown {
  const exchanges = collector.exchanges.map(plain).sort();
  const conversations = collector.conversations
    .map((each) =>
      JSON.stringify({
        ...each,
        tls: each.tls === null ? null : { ...each.tls, certificateFrame: 0 },
        banner: each.banner.map((line) => (line.startsWith("334") ? "334 …" : line)),
        flags: [...each.flags].sort(),
      }),
    )
    .sort();
  const bodies = collector.bodies.map((each) => JSON.stringify(each)).sort();
  return { exchanges, conversations, bodies, others: collector.others, silent: [...collector.silent].sort() };
}

function plain(exchange: Collected): string {
  const { tcpStream: _, askedFrames: _a, answeredFrames: _b, retransmits: _r, ...rest } = exchange;
  return JSON.stringify({ ...rest, lines: shownLines(exchange) });
}

/** Of replies that belong to a secret, or may, a recording has the code. */
function shownLines({ code, lines, verb, command, taint }: Collected): string[] {
  const ofSecret =
    verb === "AUTH" || verb === "(auth)" || command === "[redacted]" || (code === null && taint === "gap");
  const complains = code === null || (code >= 500 && code < 505);
  if (code !== 334 && !(ofSecret && complains)) return lines;
  return lines.map((line) => `${/^\d{0,3}/.exec(line)?.[0]} …`);
}

export function bytesOf(files: readonly string[]): Buffer {
  return Buffer.concat(files.map((file) => readFileSync(file)));
}
