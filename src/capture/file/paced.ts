/**
 * Packets handed on when they are due, instead of as fast as they can be read: a capture replayed in time.
 * What was read ahead waits here, no more than one batch of reading. Whoever schedules has the clock.
 */
import { NO_TIME } from "../../spine/wire.ts";
import type { RecordSink } from "../packet.ts";

export interface Schedule {
  /** The instant of the capture that has come, µs since 1970. */
  nowUs(): number;
  /** Resolves when this instant may have come, and now and then before. */
  until(atUs: number): Promise<void>;
}

type Waiting =
  | {
      readonly kind: "record";
      readonly atUs: number;
      readonly bytes: Buffer;
      readonly wireLength: number;
      readonly linkType: number;
    }
  | { readonly kind: "blank" }
  | { readonly kind: "dropped"; readonly interfaceNumber: number; readonly count: number };

export class PacedRecords implements RecordSink {
  readonly #sink: RecordSink;
  readonly #schedule: Schedule;
  #waiting: Waiting[] = [];

  constructor(sink: RecordSink, schedule: Schedule) {
    this.#sink = sink;
    this.#schedule = schedule;
  }

  record(
    atUs: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    wireLength: number,
    linkType: number,
  ): void {
    if (this.#waiting.length === 0 && this.#isDue(atUs)) {
      this.#sink.record(atUs, buffer, start, end, wireLength, linkType);
      return;
    }
    const bytes = Buffer.from(buffer.subarray(start, end));
    this.#waiting.push({ kind: "record", atUs, bytes, wireLength, linkType });
  }

  blank(): void {
    this.#waiting.push({ kind: "blank" });
  }

  dropped(interfaceNumber: number, count: number): void {
    this.#waiting.push({ kind: "dropped", interfaceNumber, count });
  }

  /** Waits until all of it was due; lets go of what is not when stopped. */
  async drain(isStopped: () => boolean, onWait: () => void): Promise<void> {
    const waiting = this.#waiting;
    for (let i = 0; i < waiting.length; i++) {
      const next = waiting[i]!;
      while (next.kind === "record" && !this.#isDue(next.atUs) && !isStopped()) {
        onWait();
        await this.#schedule.until(next.atUs);
      }
      if (isStopped()) break;
      this.#handOn(next);
    }
    this.#waiting = [];
  }

  #isDue(atUs: number): boolean {
    return atUs === NO_TIME || atUs <= this.#schedule.nowUs();
  }

  #handOn(next: Waiting) {
    switch (next.kind) {
      case "record":
        return this.#sink.record(next.atUs, next.bytes, 0, next.bytes.length, next.wireLength, next.linkType);
      case "blank":
        return this.#sink.blank();
      case "dropped":
        return this.#sink.dropped(next.interfaceNumber, next.count);
    }
  }
}
