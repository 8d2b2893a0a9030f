import { Recording } from "../recording/recording.ts";
import { RotatingFile } from "../recording/rotating-file.ts";
import { closingLines } from "../reports/index.ts";
import { bytesText, plural } from "../spine/format.ts";
import type { Report } from "../spine/report.ts";
import type { FileRequest } from "./file-options.ts";
import { VERSION } from "./version.ts";

/** What a run writes while it goes on. What cannot be written is said, and nothing else comes of it. */
export class WrittenFiles {
  readonly recording: Recording | null;
  readonly #log: RotatingFile | null;
  readonly #say: (sentence: string) => void;

  /**
   * @param about said in the recording
   * @param uncertaintyUs by how much a chunk may be stamped late, by its number
   * @param say takes sentences for the operator
   */
  constructor(
    request: FileRequest,
    about: string,
    uncertaintyUs: (frame: number) => number | null,
    say: (sentence: string) => void,
  ) {
    const { recording: path, log, raw } = request;
    this.#say = say;
    this.recording = this.#tried(
      path,
      (path) =>
        new Recording({
          ...request,
          path,
          raw,
          application: `smtpscope ${VERSION}`,
          comment: about,
          uncertaintyUs,
          say,
        }),
    );
    this.#log = this.#tried(
      log,
      (path) => new RotatingFile({ ...request, path, mode: 0o640, header: null, unit: "record", say }),
    );
    if (this.recording !== null && this.recording.path !== path) {
      say(`${path} is there already: recording to ${this.recording.path}`);
    }
  }

  #tried<T>(path: string | null, open: (path: string) => T): T | null {
    if (path === null) return null;
    try {
      return open(path);
    } catch (error) {
      this.#say(`${(error as Error).message}; the run goes on without it`);
      return null;
    }
  }

  get logs(): boolean {
    return this.#log !== null;
  }

  /** A record of the log, at this time. */
  record(line: string, atUs: number): void {
    this.#log?.append(Buffer.from(`${line}\n`), atUs);
  }

  rotate(): void {
    this.recording?.rotate();
    this.#log?.rotate();
  }

  /** Writes what there is, the log's findings and summary last. */
  async close(report: Report): Promise<void> {
    this.#log?.append(Buffer.from(closingLines(report)), report.window.lastAtUs ?? 0);
    await Promise.all([this.recording?.close(), this.#log?.close()]);
    if (this.recording !== null) this.#sayRecorded(this.recording);
    if (this.#log !== null && this.#log.lostPieces > 0) {
      this.#say(`${plural(this.#log.lostPieces, "record")} of the log could not be written`);
    }
  }

  #sayRecorded({ counts, path }: Recording): void {
    const { files, packets, lostPackets, lostBytes, impatient, faults } = counts;
    const where = files === 1 ? path : `${plural(files, "file")}, the last is ${path}`;
    this.#say(`recorded ${plural(packets, "packet")} to ${where}`);
    if (lostPackets > 0) {
      this.#say(`${plural(lostPackets, "packet")} (${bytesText(lostBytes)}) could not be recorded`);
    }
    if (impatient > 0) {
      this.#say(`${plural(impatient, "dialogue")} have filler where what was said could not be told in time`);
    }
    if (faults > 0)
      this.#say(`${plural(faults, "dialogue")} could not be recorded; this is a defect of smtpscope`);
  }
}
