import type { ByteKind, PrivacyListener } from "../spine/privacy.ts";
import type { Transport } from "../spine/wire.ts";
import type { ExchangeRecord } from "./exchange-record.ts";
import { shownOfAuth, tellingPart } from "./secrets.ts";
import { AUTH, AUTH_ANSWER, CONNECT, UNKNOWN } from "./verbs.ts";

/**
 * Tells a privacy listener what a dialogue's bytes are, if there is one. Bytes of a side are judged in
 * their order, once.
 *
 * A line that is no known command may turn out to have been an answer to a challenge, by the reply to
 * it. Until its exchange is settled nothing from there on is told of the client's bytes.
 */

/** What waits behind a doubtful line; beyond it the doubtful are taken for secrets. */
const MAX_WAITING = 4_096;

interface Judgement {
  readonly to: number;
  /** Null while in doubt. */
  kind: ByteKind | null;
}

export class Disclosure {
  readonly #listener: PrivacyListener | null;
  #transport: Transport | null = null;
  #waiting: Judgement[] = [];

  constructor(listener: PrivacyListener | null) {
    this.#listener = listener;
  }

  /** Whose bytes they are; null between two dialogues. */
  set transport(transport: Transport | null) {
    this.#transport = transport;
    this.#waiting = [];
  }

  recognised(isSmtp: boolean): void {
    if (this.#transport !== null) this.#listener?.recognised(this.#transport, isSmtp);
  }

  /** The server's bytes up to stream offset `to` are of this kind. */
  server(to: number, kind: ByteKind): void {
    if (this.#transport !== null) this.#listener?.judged(this.#transport, "server", to, kind);
  }

  /** The client's bytes up to stream offset `to` are of this kind. */
  client(to: number, kind: ByteKind): void {
    if (this.#listener === null) return;
    if (this.#waiting.length === 0) this.#tell(to, kind);
    else this.#wait({ to, kind });
  }

  /**
   * A command has been read: `line[0, end)`, from stream offset `from` to `to`.
   * @param isHidden whatever it is, nothing of it may be shown
   */
  command(
    exchange: ExchangeRecord,
    line: Uint8Array,
    end: number,
    from: number,
    to: number,
    isHidden: boolean,
  ): void {
    if (this.#listener === null) return;
    const { secret, verbIndex } = exchange;
    if (verbIndex === AUTH) this.client(from + shownOfAuth(line, end).to, "plain");
    else if (verbIndex === UNKNOWN && !secret) {
      this.#wait({ to, kind: null });
      return;
    } else if (verbIndex === UNKNOWN && !isHidden) {
      const [telling, told] = tellingPart(line, end);
      this.client(from + telling, "secret");
      this.client(from + told, "plain");
    }
    this.client(to, secret || verbIndex === AUTH || verbIndex === AUTH_ANSWER ? "secret" : "plain");
  }

  /** An exchange is settled. */
  settled({ askedTo, secret, verbIndex }: ExchangeRecord): void {
    if (this.#waiting.length === 0 || (verbIndex !== UNKNOWN && verbIndex !== AUTH_ANSWER)) return;
    const doubtful = this.#waiting.find(({ to, kind }) => to === askedTo && kind === null);
    if (doubtful !== undefined) doubtful.kind = secret ? "secret" : "plain";
    this.#tellSettled();
  }

  #wait(judgement: Judgement): void {
    this.#waiting.push(judgement);
    if (this.#waiting.length <= MAX_WAITING) return;
    for (const each of this.#waiting) each.kind ??= "secret";
    this.#tellSettled();
  }

  #tellSettled(): void {
    let count = 0;
    for (const { to, kind } of this.#waiting) {
      if (kind === null) break;
      this.#tell(to, kind);
      count++;
    }
    this.#waiting.splice(0, count);
  }

  #tell(to: number, kind: ByteKind): void {
    if (this.#transport !== null) this.#listener?.judged(this.#transport, "client", to, kind);
  }
}

/** What a reply is: a server that cannot read a secret may repeat it. @param uncertain what it answers */
export function kindOfReply(
  code: number | null,
  exchange: ExchangeRecord | null,
  uncertain: boolean,
): ByteKind {
  const verb = exchange?.verbIndex;
  if (code === 334) return "challenge";
  if (verb === CONNECT) return "plain";
  const ofSecret = verb === AUTH || verb === AUTH_ANSWER || exchange?.secret || (code === null && uncertain);
  // RFC 5321 §4.2.2: errors of syntax and of order.
  const complains = code === null || (code >= 500 && code < 505);
  return ofSecret && complains ? "challenge" : "plain";
}
