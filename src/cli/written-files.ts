import { Recording } from "../recording/recording.ts";
import { RotatingFile } from "../recording/rotating-file.ts";
import { closingLines } from "../reports/index.ts";
import { bytesText, plural } from "../spine/format.ts";
import type { Report } from "../spine/report.ts";
import type { FileRequest } from "./file-options.ts";
import { VERSION } from "./version.ts";

/** So long the disk is waited for; then what does not fit is lost. */
const DISK_PATIENCE_MS = 5_000;

/** What a run writes while it goes on. What cannot be written is said, and nothing else comes of it. */
export class WrittenFiles {
  readonly recording: Recording | null;
  readonly #log: RotatingFile | null;
  readonly #say: (sentence: string) => void;
  /** Told when writing has caught up, or is not waited for any longer. */
  onCaughtUp: () => void = () => {};
  #patience: NodeJS.Timeout | null = null;
  #isImpatient = false;

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
          caughtUp: () => this.#caughtUp(),
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

  /** The recording is not written as fast as it is made: what makes it should wait. */
  get isBehind(): boolean {
    if (this.recording?.isBehind !== true || this.#isImpatient) return false;
    this.#patience ??= setTimeout(() => {
      this.#isImpatient = true;
      this.onCaughtUp();
    }, DISK_PATIENCE_MS);
    return true;
  }

  #caughtUp(): void {
    if (this.#patience !== null) clearTimeout(this.#patience);
    this.#patience = null;
    this.#isImpatient = false;
    this.onCaughtUp();
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
