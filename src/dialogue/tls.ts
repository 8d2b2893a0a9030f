import type { TlsHow, TlsView } from "../spine/conversation.ts";
import { NO_TIME, type Side } from "../spine/wire.ts";
import { CertificateReader } from "./certificate.ts";

/**
 * TLS as seen from outside (RFC 8446 §5, RFC 5246 §6): record headers, the first handshake message of
 * each side, and whose turn it is. Nothing is decrypted; up to TLS 1.2 the server's certificate can be read.
 *
 * The handshake is over
 * - in TLS 1.2 and before with the server's Finished, or with the client's when a session is resumed
 *   (then the server's ChangeCipherSpec comes first);
 * - in TLS 1.3, where everything after the ServerHello is encrypted alike, with the client's first
 *   record of application type, which is its Finished.
 * After that only turns are visible: the client sends, the server answers.
 */

const CHANGE_CIPHER_SPEC = 20;
const HANDSHAKE = 22;
const APPLICATION_DATA = 23;

/** RFC 8446 §5.2: 2^14 octets and up to 256 of expansion; TLS 1.2 allows 2,048. */
const MAX_RECORD_BYTES = (1 << 14) + 2_048;
/** Of a hello only this much is looked at: the extension asked for lies within the first kilobyte. */
const MAX_HELLO_BYTES = 1_024;
/** Type and length of a handshake message. */
const HELLO_HEADER_BYTES = 4;

/** Where in a stream something began or ended. */
export interface Instant {
  atUs: number;
  frame: number;
  offset: number;
}

/** What the records tell the dialogue. */
export interface TlsListener {
  /** The ClientHello is complete. */
  clientHello(first: Instant, last: Instant): void;
  serverHello(first: Instant, last: Instant): void;
  /** Application data of one side passes: from `first` to `last`. */
  turn(side: Side, first: Instant, last: Instant): void;
}

const NO_BYTES = new Uint8Array(0);

class RecordReader {
  type = 0;
  remaining = 0;
  length = 0;
  sawChangeCipherSpec = false;
  readonly header = new Uint8Array(5);
  headerLength = 0;
  readonly first: Instant = { atUs: NO_TIME, frame: 0, offset: 0 };
  readonly last: Instant = { atUs: NO_TIME, frame: 0, offset: 0 };
  /** The first handshake message: its bytes, how many it has in all, and where it began. */
  hello: Uint8Array = NO_BYTES;
  helloLength = -1;
  helloSeen = 0;
  helloDone = false;
  readonly helloFirst: Instant = { atUs: NO_TIME, frame: 0, offset: 0 };
}

function set(instant: Instant, atUs: number, frame: number, offset: number): void {
  instant.atUs = atUs;
  instant.frame = frame;
  instant.offset = offset;
}

export class TlsTracker {
  readonly how: TlsHow;
  version: string | null = null;
  resumed = false;
  helloAtUs = NO_TIME;
  establishedAtUs = NO_TIME;
  /** The bytes are no TLS records (any more): nothing further is said about them. */
  broken = false;
  readonly #listener: TlsListener;
  readonly #client = new RecordReader();
  readonly #server = new RecordReader();

  constructor(how: TlsHow, listener: TlsListener) {
    this.how = how;
    this.#listener = listener;
  }

  get view(): TlsView {
    return {
      how: this.how,
      version: this.version,
      resumed: this.resumed,
      helloAtUs: this.helloAtUs === NO_TIME ? null : this.helloAtUs,
      establishedAtUs: this.establishedAtUs === NO_TIME ? null : this.establishedAtUs,
      certificate: this.#certificate?.certificate ?? null,
      certificateFrame: this.#certificateFrame,
    };
  }

  #established = false;
  #certificate: CertificateReader | null = null;
  #certificateFrame = 0;

  /** The stream was joined after its handshake. */
  assumeEstablished(): void {
    this.#established = true;
  }

  /**
   * Takes bytes of one side; `offset` is the stream offset of the first.
   * @returns the place up to which they are TLS
   */
  bytes(
    side: Side,
    atUs: number,
    frame: number,
    offset: number,
    buffer: Uint8Array,
    start: number,
    end: number,
  ): number {
    const reader = side === "client" ? this.#client : this.#server;
    let i = start;
    while (i < end && !this.broken) {
      const here = offset + (i - start);
      if (reader.remaining === 0) {
        if (reader.headerLength === 0) set(reader.first, atUs, frame, here);
        reader.header[reader.headerLength++] = buffer[i++]!;
        if (reader.headerLength === 5) this.#header(side, reader, atUs, frame, here);
        continue;
      }
      const n = Math.min(reader.remaining, end - i);
      if (reader.type === HANDSHAKE && !reader.helloDone)
        this.#hello(side, reader, buffer, i, i + n, atUs, frame, here);
      else if (reader === this.#server && reader.type === HANDSHAKE && !reader.sawChangeCipherSpec)
        this.#readCertificate(buffer, i, i + n, frame);
      reader.remaining -= n;
      i += n;
      set(reader.last, atUs, frame, here + n - 1);
      // Application data is reported as it passes, so that re-splitting changes nothing but the number of calls.
      if (reader.type === APPLICATION_DATA && this.#established) this.#turn(side, reader);
      if (reader.remaining === 0) this.#complete(side, reader);
    }
    return i;
  }

  /** Missing bytes: fine inside a record, the end of what can be told elsewhere. */
  gap(side: Side, lengthBytes: number): void {
    const reader = side === "client" ? this.#client : this.#server;
    if (side === "server") this.#certificate?.lost();
    if (lengthBytes < reader.remaining) reader.remaining -= lengthBytes;
    else if (lengthBytes === reader.remaining) {
      reader.remaining = 0;
      reader.headerLength = 0;
    } else this.broken = true;
  }

  #header(side: Side, reader: RecordReader, atUs: number, frame: number, offset: number): void {
    const header = reader.header;
    reader.type = header[0]!;
    reader.length = (header[3]! << 8) | header[4]!;
    reader.remaining = reader.length;
    const valid = reader.type >= CHANGE_CIPHER_SPEC && reader.type <= 24 && header[1] === 3;
    if (!valid || reader.length > MAX_RECORD_BYTES) {
      this.broken = true;
      return;
    }
    set(reader.last, atUs, frame, offset);
    if (reader.remaining === 0) this.#complete(side, reader);
  }

  #complete(side: Side, reader: RecordReader): void {
    reader.headerLength = 0;
    if (this.#established) return;
    if (reader.type === CHANGE_CIPHER_SPEC) {
      reader.sawChangeCipherSpec = true;
      if (side === "server" && !this.#client.sawChangeCipherSpec && this.version !== "1.3")
        this.resumed = true;
    } else if (reader.type === HANDSHAKE && reader.sawChangeCipherSpec && this.version !== "1.3") {
      const last = this.resumed ? "client" : "server";
      if (side === last) this.#establish(reader.last.atUs);
    } else if (reader.type === APPLICATION_DATA && side === "client" && this.#server.helloDone) {
      this.#establish(reader.last.atUs);
    }
  }

  #readCertificate(buffer: Uint8Array, start: number, end: number, frame: number): void {
    const reader = this.#certificate;
    if (reader === null || reader.done) return;
    reader.bytes(buffer, start, end);
    if (reader.certificate !== null) this.#certificateFrame = frame;
  }

  #establish(atUs: number): void {
    this.#established = true;
    this.establishedAtUs = atUs;
  }

  #turn(side: Side, reader: RecordReader): void {
    this.#listener.turn(side, reader.first, reader.last);
  }

  #hello(
    side: Side,
    reader: RecordReader,
    buffer: Uint8Array,
    start: number,
    end: number,
    atUs: number,
    frame: number,
    offset: number,
  ): void {
    if (reader.helloSeen === 0)
      set(reader.helloFirst, reader.first.atUs, reader.first.frame, reader.first.offset);
    // Of the client's only the length is of interest.
    const kept = side === "client" ? HELLO_HEADER_BYTES : MAX_HELLO_BYTES;
    if (reader.hello === NO_BYTES) reader.hello = new Uint8Array(kept);
    for (let i = start; i < end; i++) {
      if (reader.helloSeen < kept) reader.hello[reader.helloSeen] = buffer[i]!;
      reader.helloSeen++;
      if (reader.helloSeen === HELLO_HEADER_BYTES) {
        const [, high, middle, low] = reader.hello as unknown as [number, number, number, number];
        reader.helloLength = HELLO_HEADER_BYTES + ((high << 16) | (middle << 8) | low);
      }
      if (reader.helloSeen !== reader.helloLength) continue;
      reader.helloDone = true;
      const last: Instant = { atUs, frame, offset: offset + (i - start) };
      if (side === "client") {
        this.helloAtUs = reader.helloFirst.atUs;
        this.#listener.clientHello(reader.helloFirst, last);
      } else {
        this.version = versionOf(reader.hello.subarray(0, Math.min(reader.helloSeen, kept)));
        reader.hello = NO_BYTES;
        this.#listener.serverHello(reader.helloFirst, last);
        if (this.version === "1.3" || this.version === null) return;
        this.#certificate = new CertificateReader();
        this.#readCertificate(buffer, i + 1, end, frame);
      }
      return;
    }
  }
}

/** The version a ServerHello settles on: its supported_versions extension (RFC 8446 §4.2.1), else its own field. */
function versionOf(hello: Uint8Array): string | null {
  const SERVER_HELLO = 2;
  if (hello[0] !== SERVER_HELLO) return null;
  const legacy = ((hello[4] ?? 0) << 8) | (hello[5] ?? 0);
  let version = legacy;
  // type 1, length 3, version 2, random 32, session id, cipher suite 2, compression 1, extensions
  let at = 38;
  at += 1 + (hello[at] ?? 0) + 3;
  const end = Math.min(hello.length, at + 2 + (((hello[at] ?? 0) << 8) | (hello[at + 1] ?? 0)));
  at += 2;
  while (at + 4 <= end) {
    const type = (hello[at]! << 8) | hello[at + 1]!;
    const length = (hello[at + 2]! << 8) | hello[at + 3]!;
    if (type === 43 && length === 2 && at + 6 <= end) version = (hello[at + 4]! << 8) | hello[at + 5]!;
    at += 4 + length;
  }
  if (version === 0x0300) return "SSL 3.0";
  return version >= 0x0301 && version <= 0x0304 ? `1.${version - 0x0301}` : null;
}
