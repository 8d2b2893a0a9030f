/** Where a packet is: the file as it was named by the operator, and the frame as Wireshark numbers it. */
export interface Place {
  readonly file: string;
  readonly frame: number;
}

/**
 * Packet numbers rise over all files of a source; this turns one back into file and frame.
 * Only the latest files are remembered: nothing refers to packets of longer ago.
 */
export class FileFrames {
  readonly #starts: { before: number; file: string }[] = [];

  /** A file begins whose first packet is number `before` + 1. */
  begin(file: string, before: number): void {
    this.#starts.push({ before, file });
    if (this.#starts.length > MAX_FILES) this.#starts.shift();
  }

  locate(frame: number): Place {
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
