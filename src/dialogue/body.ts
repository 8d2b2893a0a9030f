import type { Unkept } from "../spine/exchange.ts";
import { NO_TIME } from "../spine/wire.ts";
import { BodyScanner } from "./body-scanner.ts";
import { Digest } from "./digests.ts";
import { Held, type HeldBudget } from "./held.ts";
import type { Instant } from "./tls.ts";

/**
 * A message on its way, from behind DATA to CRLF.CRLF. Nothing of it is kept but its length.
 *
 * If the server answers although that end has not come, it may have taken a lone dot between bare line
 * feeds as the end. What came behind the latest such dot is therefore held for a while: it may have
 * been commands.
 */
export class Body {
  readonly #scanner = new BodyScanner();
  readonly #budget: HeldBudget;
  readonly #digests: boolean;
  #digest: Digest | null = null;
  #behindDot: Held | null = null;
  #looseEnd: Instant | null = null;
  /** The packets of the last byte and of the one before it. */
  #lastFrame = 0;
  #lastFrameButOne = 0;
  readonly #last: Instant = { atUs: NO_TIME, frame: 0, offset: 0 };
  /** When the 354 was complete; NO_TIME if it was not seen. */
  fromUs = NO_TIME;
  lengthBytes = 0;
  hasGap = false;
  /** The `.CRLF` that ended it came in more than one packet. */
  endSplit = false;

  constructor(budget: HeldBudget, digests: boolean) {
    this.#budget = budget;
    this.#digests = digests;
  }

  /** The message, if digests are made; its length counts what ends it. */
  get unkept(): Unkept | null {
    return this.#digest?.result ?? null;
  }

  /** Where a lone dot may have ended the message. */
  get looseEnd(): Instant | null {
    return this.#looseEnd ?? (this.#scanner.endsLoose ? this.#last : null);
  }

  /** Of the message up to stream offset `to`, so much is one whatever comes; behind a lone dot it may be commands. */
  certainTo(to: number): number {
    return this.#behindDot === null ? to : this.#looseEnd!.offset;
  }

  /** Of what comes only the length matters, until its end. */
  get isUnread(): boolean {
    return this.#scanner.isFar && this.#behindDot === null && this.#digest === null;
  }

  begin(fromUs: number): void {
    this.#scanner.start();
    this.fromUs = fromUs;
    this.lengthBytes = 0;
    this.hasGap = false;
    this.endSplit = false;
    this.#lastFrame = 0;
    this.#lastFrameButOne = 0;
    if (this.#digests) this.#digest = new Digest();
    this.drop();
  }

  /**
   * @param offset stream offset of `start`
   * @returns the place behind CRLF.CRLF, or −1 when all of it is body
   */
  read(buffer: Uint8Array, start: number, end: number, atUs: number, frame: number, offset: number): number {
    const found = this.#scanner.scan(buffer, start, end);
    if (found >= 0) {
      this.endSplit = this.#isSplit(found - start, frame);
      this.lengthBytes += found - start;
      this.#digest?.bytes(buffer, start, found);
      return found;
    }
    this.lengthBytes += end - start;
    this.#digest?.bytes(buffer, start, end);
    this.#lastFrameButOne = end - start > 1 ? frame : this.#lastFrame;
    this.#lastFrame = frame;
    this.#last.atUs = atUs;
    this.#last.frame = frame;
    this.#last.offset = offset + (end - start);
    const { looseAt } = this.#scanner;
    if (looseAt >= 0 && this.#looseEnd?.frame !== frame) {
      this.drop();
      this.#looseEnd = { atUs, frame, offset: offset + (looseAt - start) };
      this.#behindDot = new Held(this.#budget);
      this.#behindDot.bytes(atUs, frame, buffer, looseAt, end);
    } else if (this.#behindDot !== null && !this.#behindDot.bytes(atUs, frame, buffer, start, end)) {
      // The message went on and on: the dot was text.
      this.drop();
    }
    return -1;
  }

  /** Of `.CRLF` the last `count` bytes (or all) are in packet `frame`. */
  #isSplit(count: number, frame: number): boolean {
    if (count < 3 && this.#lastFrame !== 0 && this.#lastFrame !== frame) return true;
    return count < 2 && this.#lastFrameButOne !== 0 && this.#lastFrameButOne !== frame;
  }

  gap(lengthBytes: number): void {
    this.#scanner.gap(lengthBytes);
    this.hasGap = true;
    this.#digest?.gap(lengthBytes);
    this.lengthBytes += lengthBytes;
    this.drop();
  }

  /** The message ended at the loose end: gives up what came behind it. */
  takeBehindDot(): Held | null {
    const held = this.#behindDot;
    this.#behindDot = null;
    this.#looseEnd = null;
    if (held !== null) {
      this.lengthBytes -= held.lengthBytes;
      this.#digest?.gap(-held.lengthBytes);
    }
    return held;
  }

  drop(): void {
    this.#behindDot?.wipe();
    this.#behindDot = null;
    this.#looseEnd = null;
  }
}
