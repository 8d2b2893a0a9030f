/** Packets through the stream layer, and what it says of them, written down and held to its contract. */
import { Dissector } from "../../../src/capture/network/dissector.ts";
import { MAIL_PORTS, Streams } from "../../../src/capture/stream/streams.ts";
import type { EndCause, GapCause, Side, SourceSink, StreamSink, Transport } from "../../../src/spine/wire.ts";
import { BASE_US, type Packet, type Record, recordsOf } from "./packets.ts";

/** Bytes of one side that came in one call, or are missing. */
export interface Delivered {
  offset: number;
  length: number;
  bytes: Uint8Array | null;
  frame: number;
  atUs: number;
}

export interface Copied {
  from: number;
  to: number;
  frame: number | undefined;
}

/** Later packets that hold bytes of a span again; where the packet is not told, each call counts as one. */
export function copiesOf(recording: Recording, side: Side, from: number, to: number): number {
  const copies = recording.copies[side].filter((copy) => copy.from < to && copy.to > from);
  const frames = copies.map(({ frame }) => frame);
  return frames.includes(undefined) ? copies.length : new Set(frames).size;
}

const letterOf = (side: Side): string => (side === "client" ? "C" : "S");

/**
 * One connection's events as lines: `C0 #4 EHLO a|` bytes of the client from offset 0 on, in packet 4;
 * `C9 #7 gap 10 lost`; `C0-9 again` a further copy; `C end fin`; `close`.
 */
export class Recording implements StreamSink {
  wanted = true;
  readonly transport: Transport;
  /** As it was when the connection was opened: packets of a file may be numbered anew later. */
  readonly tcpStream: number;
  readonly lines: string[] = [];
  readonly delivered: { [side in Side]: Delivered[] } = { client: [], server: [] };
  readonly copies: { [side in Side]: Copied[] } = { client: [], server: [] };
  /** Broken promises of the contract in spine/wire.ts. */
  readonly faults: string[] = [];
  closed = false;
  readonly #offset: { [side in Side]: number } = { client: 0, server: 0 };
  readonly #ended = new Set<Side>();
  readonly #stamps: readonly number[];

  constructor(transport: Transport, stamps: readonly number[], frame: number) {
    this.transport = transport;
    this.tcpStream = transport.tcpStreamAt(frame);
    this.#stamps = stamps;
  }

  bytes(from: Side, atUs: number, frame: number, buffer: Uint8Array, start: number, end: number): void {
    if (!(start >= 0 && start < end && end <= buffer.length)) {
      this.faults.push(`bytes [${start}, ${end}) of ${buffer.length}`);
      throw new RangeError(this.faults.at(-1)!);
    }
    if (atUs !== this.#stamps[frame])
      this.faults.push(`packet ${frame} has stamp ${this.#stamps[frame]}, not ${atUs}`);
    const bytes = Uint8Array.prototype.slice.call(buffer, start, end);
    const offset = this.#take(from, bytes.length);
    this.delivered[from].push({ offset, length: bytes.length, bytes, frame, atUs });
    this.lines.push(
      `${letterOf(from)}${offset} #${frame} ${new TextDecoder().decode(bytes).replaceAll("\r\n", "|")}`,
    );
  }

  gap(from: Side, atUs: number, frame: number, lengthBytes: number, why: GapCause): void {
    if (lengthBytes <= 0) this.faults.push(`gap of ${lengthBytes}`);
    if (frame <= 0) this.faults.push(`gap in packet ${frame}`);
    const offset = this.#take(from, lengthBytes);
    this.delivered[from].push({ offset, length: lengthBytes, bytes: null, frame, atUs });
    this.lines.push(`${letterOf(from)}${offset} gap ${lengthBytes} ${why}`);
  }

  copy(from: Side, fromOffset: number, toOffset: number, frame?: number): void {
    if (fromOffset >= toOffset || toOffset > this.#offset[from] || fromOffset < 0)
      this.faults.push(`copy [${fromOffset}, ${toOffset}) of ${this.#offset[from]}`);
    this.copies[from].push({ from: fromOffset, to: toOffset, frame });
    this.lines.push(`${letterOf(from)}${fromOffset}-${toOffset} again`);
  }

  end(from: Side, _atUs: number, how: EndCause): void {
    if (this.#ended.has(from) && how !== "rst") this.faults.push(`${from} ended twice`);
    this.#ended.add(from);
    this.lines.push(`${letterOf(from)} end ${how}`);
  }

  close(): void {
    if (this.closed) this.faults.push("closed twice");
    this.closed = true;
    this.lines.push("close");
  }

  /** A side's bytes as text, `?` where they are missing. */
  text(side: Side): string {
    return this.delivered[side]
      .map(({ bytes, length }) =>
        bytes === null ? "?".repeat(Math.min(length, 9_999)) : new TextDecoder("latin1").decode(bytes),
      )
      .join("");
  }

  #take(from: Side, length: number): number {
    if (this.closed) this.faults.push("said something after close");
    if (this.#ended.has(from)) this.faults.push(`${from} went on after its end`);
    const offset = this.#offset[from];
    this.#offset[from] += length;
    return offset;
  }
}

/** A source's sink that keeps a recording of each connection. */
class Recorder implements SourceSink {
  readonly recordings: Recording[] = [];
  /** Stamps by packet number; packets count from 1. */
  readonly stamps: number[] = [Number.NaN];
  ticks = 0;

  open(transport: Transport): StreamSink {
    const recording = new Recording(transport, this.stamps, this.stamps.length - 1);
    this.recordings.push(recording);
    return recording;
  }

  tick(): void {
    this.ticks++;
  }
}

/** Feeds records one after the other; `end` closes what is open. */
export class Feeder {
  readonly recorder = new Recorder();
  readonly streams = new Streams(this.recorder, new Set(MAIL_PORTS));
  readonly #dissector = new Dissector(this.streams);

  record({ atUs, bytes, wireLength }: Record): void {
    const { stamps } = this.recorder;
    stamps.push(atUs);
    this.streams.at(atUs, stamps.length - 1);
    // As in a reader: the buffer is lent, and other bytes are in it afterwards.
    this.#lent.fill(0xee, LENT_AT, LENT_AT + this.#lentBytes);
    this.#lent.set(bytes, LENT_AT);
    this.#lentBytes = bytes.length;
    this.#dissector.packet(1, this.#lent, LENT_AT, LENT_AT + bytes.length, wireLength, atUs);
  }

  packets(packets: readonly Packet[]): this {
    for (const record of recordsOf(packets)) this.record(record);
    return this;
  }

  end(): Recording[] {
    this.streams.end();
    return this.recorder.recordings;
  }

  readonly #lent = Buffer.alloc(LENT_AT + 70_000);
  #lentBytes = 0;
}

const LENT_AT = 100;

/** All connections of a capture of these packets. */
export function record(packets: readonly Packet[]): Recording[] {
  return new Feeder().packets(packets).end();
}

/** The lines of the only connection, or of each with its number where there are several. */
export function linesOf(packets: readonly Packet[]): string[] {
  const recordings = record(packets);
  const faults = recordings.flatMap((recording) => recording.faults);
  if (faults.length > 0) throw new Error(`contract: ${faults.join("; ")}`);
  if (recordings.length === 1) return recordings[0]!.lines;
  return recordings.flatMap(({ tcpStream, lines }) => lines.map((line) => `${tcpStream}: ${line}`));
}

export const at = (offsetUs: number): number => BASE_US + offsetUs;
