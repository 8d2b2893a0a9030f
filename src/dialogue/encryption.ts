import { DIGESTED_TLS_BYTES, type TlsHow, type TlsView } from "../spine/conversation.ts";
import type { Unkept } from "../spine/exchange.ts";
import type { Side } from "../spine/wire.ts";
import type { Turn } from "./account.ts";
import { Digest } from "./digests.ts";
import type { ReplyQueue } from "./reply-queue.ts";
import { TlsTurns } from "./tls-turns.ts";
import { CONNECT } from "./verbs.ts";

/** TLS record type of encrypted contents (RFC 8446 §5.1). */
const APPLICATION_DATA = 23;

/** Whether a dialogue is encrypted, or may be from here on, and its turns if it is. */
export class Encryption {
  readonly #queue: ReplyQueue;
  readonly #digests: boolean;
  /** After the 220 to STARTTLS the server's bytes may be TLS: its first byte tells. */
  #server: "no" | "maybe" | "yes" = "no";
  #turns: TlsTurns | null = null;
  #digest: { readonly client: Digest; readonly server: Digest } | null = null;

  /** @param digests of the encrypted bytes are wanted */
  constructor(queue: ReplyQueue, digests: boolean) {
    this.#queue = queue;
    this.#digests = digests;
  }

  clear(): void {
    this.#server = "no";
    this.#turns = null;
    this.#digest = null;
  }

  get view(): TlsView | null {
    return this.#turns?.view ?? null;
  }

  /** What a side has said in encrypted form; null where it is plain, or no digests are made. */
  digest(side: Side): Unkept | null {
    return this.#digest?.[side].result ?? null;
  }

  /** The server has agreed to STARTTLS. */
  announced(): void {
    this.#server = "maybe";
  }

  get wasAnnounced(): boolean {
    return this.#server !== "no";
  }

  /** The client speaks TLS. @param recordType that of its first record */
  begin(serverReplied: boolean, recordType: number): void {
    const how: TlsHow = this.wasAnnounced ? "starttls" : serverReplied ? "unannounced" : "implicit";
    this.#server = "yes";
    this.#turns = new TlsTurns(how, this.#queue);
    if (this.#digests)
      this.#digest = { client: new Digest(DIGESTED_TLS_BYTES), server: new Digest(DIGESTED_TLS_BYTES) };
    if (recordType === APPLICATION_DATA) this.#turns.assumeEstablished();
    const { oldest } = this.#queue;
    // Behind TLS there is a greeting too, but nobody outside can see it come.
    if (how === "implicit" && oldest?.verbIndex === CONNECT) this.#queue.forget(oldest);
  }

  /** The client goes on in plain text. */
  none(): void {
    this.#server = "no";
  }

  /** The client's first bytes behind the 220 are missing. */
  assume(): void {
    if (this.#server === "maybe") this.#server = "yes";
  }

  /** The server's bytes that begin with this one are TLS. */
  ofServer(first: number): boolean {
    if (this.#server === "maybe" && first < 0x20) this.#server = "yes";
    return this.#server === "yes";
  }

  /** The server's bytes are TLS. */
  get serverEncrypts(): boolean {
    return this.#server === "yes";
  }

  /** @returns the place up to which they are TLS */
  bytes(
    side: Side,
    atUs: number,
    frame: number,
    offset: number,
    buffer: Uint8Array,
    start: number,
    end: number,
  ): number {
    this.#digest?.[side].bytes(buffer, start, end);
    return this.#turns?.bytes(side, atUs, frame, offset, buffer, start, end) ?? start;
  }

  /** @returns false when nothing more can be told */
  gap(side: Side, lengthBytes: number): boolean {
    this.#turns?.gap(side, lengthBytes);
    this.#digest?.[side].gap(lengthBytes);
    return !(this.#turns?.broken ?? true);
  }

  /** Whose time passes; null where it is not for TLS to say. */
  turnNow(from: Side | null): Turn | null {
    return this.#turns?.turnNow(from) ?? null;
  }

  finish(): void {
    this.#turns?.finish();
  }
}
