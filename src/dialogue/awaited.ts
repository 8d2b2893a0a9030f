import type { ExchangeRecord } from "./exchange-record.ts";
import { Held, type HeldBudget } from "./held.ts";
import { AUTH, AUTH_ANSWER, DATA, MAX_VERB_BYTES, UNKNOWN, verbAt } from "./verbs.ts";

const LF = 0x0a;
const NOTHING = new Uint8Array();

/** The command whose reply says how to read on, and what the client has said behind it in the meantime. */
export class Awaited {
  readonly #budget: HeldBudget;
  exchange: ExchangeRecord | null = null;
  #held: Held | null = null;

  constructor(budget: HeldBudget) {
    this.#budget = budget;
  }

  clear(): void {
    this.exchange = null;
    this.drop();
  }

  /** @param held what is known already to come behind it */
  begin(exchange: ExchangeRecord, held: Held | null): void {
    this.exchange = exchange;
    if (held !== null) this.#held = held;
  }

  get holdsAny(): boolean {
    return this.#held !== null;
  }

  /** @returns false when it would be too much; nothing is taken then */
  bytes(
    atUs: number,
    frame: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    throughThen: number,
  ): boolean {
    this.#held ??= new Held(this.#budget);
    return this.#held.bytes(atUs, frame, buffer, start, end, throughThen);
  }

  /** @returns false when there are too many pieces */
  gap(atUs: number, frame: number, lengthBytes: number): boolean {
    this.#held ??= new Held(this.#budget);
    return this.#held.gap(atUs, frame, lengthBytes);
  }

  /** The reply is not going to come: after DATA a message follows, after AUTH a secret, else commands. */
  guess(): "body" | "auth-answer" | "commands" {
    const verb = this.exchange?.verbIndex;
    if (verb === DATA) return "body";
    return verb === AUTH || verb === AUTH_ANSWER ? "auth-answer" : "commands";
  }

  /** What is held behind DATA does not begin like a command. */
  get holdsMessage(): boolean {
    return this.exchange?.verbIndex === DATA && this.#held !== null && this.verbBytes === 0;
  }

  /** Length of the verb that what is held begins with, if it does. */
  get verbBytes(): number {
    const start = this.#held?.peek(MAX_VERB_BYTES) ?? NOTHING;
    const line = start.indexOf(LF);
    if (verbAt(start, 0, line < 0 ? start.length : line) === UNKNOWN) return 0;
    const end = start.findIndex((byte) => byte <= 0x20);
    return end < 0 ? start.length : end;
  }

  /** It is known how to read on: gives up what was held. */
  take(): Held | null {
    const held = this.#held;
    this.exchange = null;
    this.#held = null;
    return held;
  }

  /** Lets go of what is held. @returns how many bytes it was */
  drop(): number {
    const lengthBytes = this.#held?.lengthBytes ?? 0;
    this.#held?.wipe();
    this.#held = null;
    return lengthBytes;
  }
}
