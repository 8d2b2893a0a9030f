import type { Certificate } from "../spine/reference.ts";
import { escapeText } from "../spine/text.ts";
import { crypto } from "./crypto.ts";

/**
 * The server's certificate, as it passes in the clear up to TLS 1.2 (RFC 5246 §7.4.2): its fingerprint and the
 * names it is for. In TLS 1.3 it is encrypted.
 */

const CERTIFICATE = 11;
const SERVER_HELLO_DONE = 14;

/** A certificate has one to three kilobytes; more is not looked at. */
const MAX_CERTIFICATE_BYTES = 16 << 10;
/** The type and length of a handshake message; of the list of certificates; of the first certificate. */
const HEADER_BYTES = 4;
const LENGTHS_BYTES = 6;

export class CertificateReader {
  /** Nothing more is looked for. */
  done = false;
  #headerLength = 0;
  readonly #header = new Uint8Array(HEADER_BYTES + LENGTHS_BYTES);
  /** Of a message that is no certificate: what is left of it. */
  #skip = 0;
  #der: Uint8Array | null = null;
  #derLength = 0;
  #certificate: Certificate | null = null;

  get certificate(): Certificate | null {
    return this.#certificate;
  }

  /** Bytes are missing. */
  lost(): void {
    this.done = true;
    this.#der = null;
  }

  /** Takes handshake messages of the server, from behind its hello. */
  bytes(buffer: Uint8Array, start: number, end: number): void {
    for (let i = start; i < end && !this.done; ) {
      if (this.#skip > 0) {
        const n = Math.min(this.#skip, end - i);
        this.#skip -= n;
        i += n;
      } else if (this.#der !== null) i = this.#collect(this.#der, buffer, i, end);
      else {
        this.#header[this.#headerLength++] = buffer[i++]!;
        this.#readHeader();
      }
    }
  }

  #readHeader(): void {
    const header = this.#header;
    if (this.#headerLength === HEADER_BYTES && header[0] !== CERTIFICATE) {
      if (header[0] === SERVER_HELLO_DONE) this.done = true;
      this.#skip = number(header, 1);
      this.#headerLength = 0;
    } else if (this.#headerLength === header.length) {
      const lengthBytes = number(header, 7);
      if (lengthBytes === 0 || lengthBytes > MAX_CERTIFICATE_BYTES) this.done = true;
      else this.#der = new Uint8Array(lengthBytes);
    }
  }

  #collect(der: Uint8Array, buffer: Uint8Array, start: number, end: number): number {
    const n = Math.min(der.length - this.#derLength, end - start);
    der.set(buffer.subarray(start, start + n), this.#derLength);
    this.#derLength += n;
    if (this.#derLength === der.length) {
      this.#certificate = certificateIn(der);
      this.lost();
    }
    return start + n;
  }
}

function number(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
}

/** A server's certificate comes with every connection to it: it is read once. */
const known = new Map<string, Certificate>();
const MAX_KNOWN = 1_024;
/** Of a certificate for very many names. */
const MAX_NAMES = 64;

function certificateIn(der: Uint8Array): Certificate {
  const digest = crypto().createHash("sha256").update(der).digest("hex").toUpperCase();
  const fingerprint = digest.match(/../g)!.join(":");
  let certificate = known.get(fingerprint);
  if (certificate === undefined) {
    certificate = { fingerprint, ...namesIn(der) };
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(fingerprint, certificate);
  }
  return certificate;
}

function namesIn(der: Uint8Array): Omit<Certificate, "fingerprint"> {
  try {
    const { subject, issuer, subjectAltName } = new (crypto().X509Certificate)(der);
    const names = (subjectAltName ?? "")
      .split(", ")
      .filter((name) => name.startsWith("DNS:"))
      .map((name) => escapeText(name.slice("DNS:".length)));
    return { subject: oneLine(subject), issuer: oneLine(issuer), names: names.slice(0, MAX_NAMES) };
  } catch {
    // Whatever it is, it has a fingerprint.
    return { subject: "", issuer: "", names: [] };
  }
}

function oneLine(name: string | undefined): string {
  return escapeText((name ?? "").split("\n").join(", "));
}
