import type { VerbIndex } from "./verbs.ts";

/** What the client's reader asks and tells of the dialogue it is part of. */
export interface ClientOwner {
  /** The connection's start was captured. */
  readonly sawHandshake: boolean;
  readonly onMailPort: boolean;
  /** A reply has come. */
  readonly serverReplied: boolean;
  /** A command was said. @returns false when the dialogue turns out not to be SMTP */
  heard(verb: VerbIndex): boolean;
  /** The stream was joined in the middle of a message. */
  joinedMessage(): void;
  /** So many bytes without a line. @returns false when the dialogue turns out not to be SMTP */
  heardNoLine(lengthBytes: number): boolean;
  /** The client's bytes are TLS from here on. @param recordType that of the first record */
  beginTls(recordType: number): void;
  /** They could have been TLS, but are not. */
  noTls(): void;
  /** @returns the place up to which they are TLS */
  tlsBytes(
    atUs: number,
    frame: number,
    offset: number,
    buffer: Uint8Array,
    start: number,
    end: number,
  ): number;
  /** The first of what may be TLS is missing. */
  tlsLost(): void;
  /** @returns false when nothing more can be told */
  tlsGap(lengthBytes: number): boolean;
  /** A message has gone over. */
  bodyOver(durationUs: number, lengthBytes: number, atUs: number): void;
}

/** Between two dialogues. */
export const NOBODY: ClientOwner = {
  sawHandshake: false,
  onMailPort: false,
  serverReplied: false,
  heard: () => false,
  joinedMessage: () => {},
  heardNoLine: () => false,
  beginTls: () => {},
  noTls: () => {},
  tlsBytes: (_atUs, _frame, _offset, _buffer, start) => start,
  tlsGap: () => false,
  tlsLost: () => {},
  bodyOver: () => {},
};
