/** Where a packet is: the file as it was named by the operator, and the frame as Wireshark numbers it. */
export interface Place {
  readonly file: string;
  /** null in a live run: what was read has a number, but no file in which that is a frame. */
  readonly frame: number | null;
}

/**
 * Packet numbers rise over all files of a source; this turns one back into file and frame.
 * Only the latest files are remembered: nothing refers to packets of longer ago.
 */
export class FileFrames {
  readonly #starts: { before: number; file: string }[] = [];
  readonly #uncertaintyUs: ((frame: number) => number | null) | null;

  /** @param uncertaintyUs a live run's: by how much what was read with this number may be stamped late, while it is known */
  constructor(uncertaintyUs: ((frame: number) => number | null) | null = null) {
    this.#uncertaintyUs = uncertaintyUs;
  }

  uncertaintyUs(frame: number): number | null {
    return this.#uncertaintyUs === null || frame === 0 ? null : this.#uncertaintyUs(frame);
  }

  /** A file begins whose first packet is number `before` + 1. */
  begin(file: string, before: number): void {
    this.#starts.push({ before, file });
    if (this.#starts.length > MAX_FILES) this.#starts.shift();
  }

  locate(frame: number): Place {
    if (this.#uncertaintyUs !== null) return { file: this.#starts[0]?.file ?? "", frame: null };
    for (let i = this.#starts.length - 1; i > 0; i--) {
      const { before, file } = this.#starts[i]!;
      if (frame > before) return { file, frame: frame - before };
    }
    const first = this.#starts[0];
    return first === undefined ? { file: "", frame } : { file: first.file, frame: frame - first.before };
  }
}

/** Files of one ring that an open dialogue may span. */
const MAX_FILES = 4_096;
