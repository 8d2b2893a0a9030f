import type { EndCause, GapCause, Side, StreamSink } from "../spine/wire.ts";
import type { Track } from "./track.ts";

/** The recording a tee belongs to. */
interface Home {
  /** Messages are written as they are. */
  readonly raw: boolean;
  remarkOn(frame: number): string | null;
  guarded<T>(track: Track, act: () => T): T | undefined;
  passed(track: Track, atUs: number): void;
  closed(track: Track): void;
}

/** Passes on all that a source says of a connection, after it has been recorded. */
export class Tee implements StreamSink {
  readonly #track: Track;
  readonly #inner: StreamSink;
  readonly #home: Home;

  constructor(track: Track, inner: StreamSink, home: Home) {
    this.#track = track;
    this.#inner = inner;
    this.#home = home;
  }

  /** Of what is not SMTP the lengths are recorded. */
  get wanted(): boolean {
    return this.#inner.wanted || !this.#track.isGivenUp;
  }

  get isUnread(): boolean {
    return !this.#home.raw && this.#inner.isUnread === true;
  }

  bytes(from: Side, atUs: number, frame: number, buffer: Uint8Array, start: number, end: number): void {
    this.#home.guarded(this.#track, () => {
      this.#track.bytes(from, atUs, buffer, start, end, this.#home.remarkOn(frame));
    });
    if (this.#inner.wanted) this.#inner.bytes(from, atUs, frame, buffer, start, end);
    this.#home.passed(this.#track, atUs);
  }

  gap(from: Side, atUs: number, frame: number, lengthBytes: number, why: GapCause): void {
    this.#home.guarded(this.#track, () => this.#track.gap(from, atUs, lengthBytes, why));
    if (this.#inner.wanted) this.#inner.gap(from, atUs, frame, lengthBytes, why);
  }

  /** What came again is not recorded again. */
  copy(from: Side, fromOffset: number, toOffset: number, frame: number): void {
    this.#inner.copy(from, fromOffset, toOffset, frame);
  }

  end(from: Side, atUs: number, how: EndCause): void {
    this.#home.guarded(this.#track, () => this.#track.end(from, atUs, how));
    this.#inner.end(from, atUs, how);
  }

  close(atUs: number): void {
    this.#inner.close(atUs);
    this.#home.guarded(this.#track, () => this.#track.close(atUs));
    this.#home.closed(this.#track);
  }
}
