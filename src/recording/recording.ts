import { SmtpscopeError } from "../spine/errors.ts";
import type { ByteKind, PrivacyListener } from "../spine/privacy.ts";
import type { Side, SourceSink, Transport } from "../spine/wire.ts";
import { InOrder } from "./in-order.ts";
import { fileHeader } from "./pcapng.ts";
import { RotatingFile, type Rotation } from "./rotating-file.ts";
import { Tee } from "./tee.ts";
import { Track } from "./track.ts";
import type { WithheldBudget } from "./withheld.ts";

/**
 * Writes the connections of a source down as a capture that Wireshark opens and `replay` reads: the
 * same bytes in the same order with the same stamps, in packets as they could have been on the wire.
 *
 * It stands between a source and the dialogues. They tell what bytes are; until they have, nothing of
 * a connection is written, and what is private never is: filler of equal length stands in its place.
 * A connection that is not SMTP keeps its packets and their lengths, without what was in them.
 *
 * Nothing that goes wrong here reaches the source or the dialogues.
 */

/** Kept back for one connection: four times what a dialogue holds before it guesses. */
const MAX_TRACK_BYTES = 512 << 10;
/** And for all of them. Who would pass it waits no longer: what is unjudged then is filler. */
const MAX_KEPT_BYTES = 32 << 20;

export interface RecordingOptions extends Rotation {
  /** Ends in .pcapng; further files get a number behind it. */
  readonly path: string;
  /** Everything as it came, secrets and messages included. */
  readonly raw: boolean;
  /** Who writes: name and version. */
  readonly application: string;
  /** Said in the file's header. */
  readonly comment: string | null;
  /** By how much a chunk, by its number, may be stamped late (µs), where that is known. */
  readonly uncertaintyUs: ((frame: number) => number | null) | null;
  readonly say: (sentence: string) => void;
  readonly caughtUp?: () => void;
}

/** What became of a recording. */
export interface RecordingCounts {
  readonly files: number;
  readonly packets: number;
  /** Packets that could not be written. */
  readonly lostPackets: number;
  readonly lostBytes: number;
  /** Connections of which something was filled over because it could not be judged in time. */
  readonly impatient: number;
  /** Connections that could not be recorded: a defect. */
  readonly faults: number;
}

export class Recording implements PrivacyListener {
  readonly #file: RotatingFile;
  readonly raw: boolean;
  readonly #uncertaintyUs: RecordingOptions["uncertaintyUs"];
  readonly #order: InOrder;
  readonly #tracks = new Map<Transport, Track>();
  /** Those whose handshake is not complete. */
  readonly #connecting = new Set<Track>();
  readonly #withheld: WithheldBudget = { bytes: 0 };
  #number = 0;
  #packets = 0;
  #impatient = 0;
  #faults = 0;

  /** @throws SmtpscopeError when nothing can be written there */
  constructor(options: RecordingOptions) {
    const { path, raw, application, comment } = options;
    if (!path.endsWith(".pcapng")) {
      throw new SmtpscopeError("usage", `a recording is a pcapng file: name it ${path}.pcapng`);
    }
    this.raw = raw;
    this.#uncertaintyUs = options.uncertaintyUs;
    const about = raw ? "SMTP, secrets and messages included" : "SMTP; secrets and messages are filler";
    this.#file = new RotatingFile({
      ...options,
      mode: raw ? 0o600 : 0o640,
      header: fileHeader(application, comment, about),
      unit: "packet",
    });
    this.#order = new InOrder((piece) => {
      this.#packets++;
      this.#file.append(piece.block, piece.orderUs);
    });
  }

  /** See `RotatingFile`. */
  get isBehind(): boolean {
    return this.#file.isBehind;
  }

  /** The file being written. */
  get path(): string {
    return this.#file.path;
  }

  get counts(): RecordingCounts {
    return {
      files: this.#file.files,
      packets: this.#packets - this.#file.lostPieces,
      lostPackets: this.#file.lostPieces,
      lostBytes: this.#file.lostBytes,
      impatient: this.#impatient,
      faults: this.#faults,
    };
  }

  /** A sink that records what it passes on. The dialogues behind it must have this recording as their privacy listener. */
  before(inner: SourceSink): SourceSink {
    return {
      open: (transport) => {
        const withheld = this.raw ? null : this.#withheld;
        const track = new Track(transport, this.#order, this.#number++, withheld);
        this.#tracks.set(transport, track);
        this.#connecting.add(track);
        return new Tee(track, inner.open(transport), this);
      },
      tick: (atUs) => {
        for (const track of this.#connecting) {
          if (this.guarded(track, () => track.greetIfAnswered())) this.#connecting.delete(track);
        }
        this.#order.passed(atUs);
        inner.tick(atUs);
      },
    };
  }

  /** What comes from now on is in another file. */
  rotate(): void {
    this.#file.rotate();
  }

  /** Writes what has come so far, and nothing more. */
  async close(): Promise<void> {
    for (const track of this.#tracks.values()) this.guarded(track, () => track.giveUpWaiting());
    this.#tracks.clear();
    this.#order.flush(Number.POSITIVE_INFINITY);
    await this.#file.close();
  }

  // ---- What the dialogues say

  judged(transport: Transport, side: Side, to: number, kind: ByteKind): void {
    const track = this.#tracks.get(transport);
    if (track !== undefined) this.guarded(track, () => track.judged(side, to, kind));
  }

  recognised(transport: Transport, isSmtp: boolean): void {
    const track = this.#tracks.get(transport);
    if (track !== undefined) this.guarded(track, () => track.recognised(isSmtp));
  }

  // ---- What the tees say

  /** What is to be said of a chunk's stamp. */
  remarkOn(frame: number): string | null {
    const us = this.#uncertaintyUs?.(frame) ?? 0;
    return us > 0 ? `stamped up to ${us} µs late` : null;
  }

  /** A defect here costs one connection's recording, and nothing else. */
  guarded<T>(track: Track, act: () => T): T | undefined {
    if (track.isGivenUp) return undefined;
    try {
      return act();
    } catch {
      this.#faults++;
      track.isGivenUp = true;
      return undefined;
    }
  }

  /** The dialogue has taken note of what came. */
  passed(track: Track, atUs: number): void {
    this.guarded(track, () => {
      if (track.isOther) track.giveUpWaiting();
      const all = this.#withheld.bytes + this.#order.lateBytes;
      if (track.keptBytes <= MAX_TRACK_BYTES && (track.keptBytes === 0 || all <= MAX_KEPT_BYTES)) return;
      if (!track.wasImpatient) this.#impatient++;
      track.wasImpatient = true;
      track.giveUpWaiting();
    });
    this.#order.passed(atUs);
  }

  closed(track: Track): void {
    this.#connecting.delete(track);
    this.#tracks.delete(track.transport);
  }
}
