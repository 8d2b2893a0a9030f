import type { Flag } from "../spine/conversation.ts";
import type { ClientOwner } from "./client-owner.ts";
import { Held, type HeldBudget } from "./held.ts";
import { Preface } from "./preface.ts";

/**
 * Bytes of the client with which something may begin that is no line: what comes in front of SMTP
 * (`preface.ts`), or a TLS record. They are kept until it is known, and then read for good.
 */

/** First byte of a TLS handshake record, and the major version behind it (RFC 8446 §5.1). */
const TLS_HANDSHAKE = 0x16;
const TLS_MAJOR = 3;

/** What tlsByte() says besides the type of a record. */
export const TOO_SHORT = -1;
export const NO_RECORD = 0;

export class Opening {
  readonly #budget: HeldBudget;
  #preface: Preface | null = null;
  /** First bytes of which it is not yet known what they begin; and that this has been looked into. */
  #probe: Held | null = null;
  #probed = false;
  /** Whom a PROXY header spoke for. */
  announcedClient: string | null = null;

  constructor(budget: HeldBudget) {
    this.#budget = budget;
  }

  clear(): void {
    this.#preface = null;
    this.#probe?.wipe();
    this.#probe = null;
    this.#probed = false;
    this.announcedClient = null;
  }

  /**
   * What a line's first byte may begin instead of a line.
   * @param offset its place in the client's stream
   */
  mayBegin(
    first: number,
    offset: number,
    owner: ClientOwner,
    commands: boolean,
  ): "preface" | "tls-or-not" | null {
    if (this.#probed) {
      this.#probed = false;
      return null;
    }
    if (offset === 0 && owner.sawHandshake && !owner.serverReplied && Preface.mayBegin(first)) {
      this.#preface = new Preface();
      return "preface";
    }
    const joined = offset === 0 && !owner.sawHandshake && owner.onMailPort;
    const mayBeTls = first === TLS_HANDSHAKE || (joined && first >= 20 && first <= 23);
    return mayBeTls && commands ? "tls-or-not" : null;
  }

  // ---- Preface

  get prefaceUndecided(): boolean {
    return this.#preface?.kind === "undecided";
  }

  get prefaceDone(): boolean {
    return this.#preface?.done ?? true;
  }

  /** Takes one byte. @returns how many are known by it to be the preface's, and not to be read again */
  prefaceByte(atUs: number, frame: number, buffer: Uint8Array, at: number): number {
    const preface = this.#preface!;
    const undecided = preface.kind === "undecided";
    preface.clientByte(buffer[at]!);
    if (!undecided) return 1;
    this.#keep(atUs, frame, buffer, at);
    if (preface.flag === null) return 0;
    const lengthBytes = this.#probe?.lengthBytes ?? 0;
    this.#probe?.wipe();
    this.#probe = null;
    return lengthBytes;
  }

  /** What was just taken of the client's is private. */
  get prefaceIsPrivate(): boolean {
    return this.#preface?.isPrivate ?? false;
  }

  /** Takes one byte of the server's, if a preface is under way that it belongs to. */
  prefaceReply(byte: number): boolean {
    const preface = this.#preface;
    if (preface === null || preface.done || preface.flag === null || preface.flag === "proxy-protocol")
      return false;
    preface.serverByte(byte);
    return true;
  }

  /** It is over, or was none. @returns what it was */
  endPreface(): Flag | null {
    const preface = this.#preface;
    this.#preface = null;
    this.announcedClient = preface?.announced ?? null;
    preface?.wipe();
    return preface?.flag ?? null;
  }

  // ---- TLS

  /**
   * Is it a TLS record, or text: of a decrypted capture, or of somebody who types control characters?
   * @returns the record's type, NO_RECORD, or TOO_SHORT to tell
   */
  tlsByte(atUs: number, frame: number, buffer: Uint8Array, at: number): number {
    this.#keep(atUs, frame, buffer, at);
    const [first, second] = this.#probe!.pieces;
    const type = first!.bytes![0]!;
    if (type < 20 || type > 23) return NO_RECORD;
    if (second === undefined) return TOO_SHORT;
    return second.bytes?.[0] === TLS_MAJOR ? type : NO_RECORD;
  }

  #keep(atUs: number, frame: number, buffer: Uint8Array, at: number): void {
    this.#probe ??= new Held(this.#budget);
    this.#probe.bytes(atUs, frame, buffer, at, at + 1);
  }

  /** Gives up what was looked at: it is the dialogue's own. @param asLines it is not looked at again */
  takeProbe(asLines: boolean): Held | null {
    const probe = this.#probe;
    this.#probe = null;
    this.#probed = asLines && probe !== null;
    return probe;
  }
}
