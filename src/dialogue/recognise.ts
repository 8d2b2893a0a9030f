import { textOf } from "../spine/text.ts";
import type { Disclosure } from "./disclosure.ts";
import type { ReplyReader } from "./reply-reader.ts";

/**
 * Is it SMTP? Known by what is said, not by the port: FTP greets with 220 too, and mail is served on
 * any port. The port only decides where nothing that would tell was said, and only when all is over.
 */

/** Greetings that SMTP servers give: RFC 5321 §3.1 (220, 554), §3.8 (421). */
const GREETINGS: ReadonlySet<number> = new Set([220, 421, 554]);

/** Replies after which a stream that never said anything telling is not SMTP. */
const MAX_UNDECIDED_REPLIES = 32;
/** Bytes without a line, on a port that is not mail's, after which it is not SMTP. */
const MAX_UNDECIDED_BYTES = 1_024;
/** Of the first reply this much is looked at. */
const MAX_GREETING_BYTES = 512;

type Verdict = "smtp" | "other" | "undecided";

/** What is known so far of one dialogue; the first verdict stays. */
export class Recognition {
  verdict: Verdict = "undecided";
  readonly #disclosure: Disclosure;
  #replies = 0;

  constructor(disclosure: Disclosure) {
    this.#disclosure = disclosure;
  }

  clear(): void {
    this.verdict = "undecided";
    this.#replies = 0;
  }

  judge(verdict: Verdict): void {
    if (this.verdict !== "undecided" || verdict === "undecided") return;
    this.verdict = verdict;
    this.#disclosure.recognised(verdict === "smtp");
  }

  /** The client has said a command. @param word in capitals */
  commanded(word: string, onMailPort: boolean): void {
    this.judge(judgeCommand(word, onMailPort));
  }

  /** The client has said so many bytes, and no line. */
  saidNoLine(lengthBytes: number, onMailPort: boolean): void {
    if (!onMailPort && lengthBytes > MAX_UNDECIDED_BYTES) this.judge("other");
  }

  /** The server has said a reply. @param isGreeting the connection's start was captured */
  replied(reply: ReplyReader, isFirst: boolean, isGreeting: boolean, onMailPort: boolean): void {
    if (this.verdict !== "undecided") return;
    if (!isFirst) {
      if (++this.#replies > MAX_UNDECIDED_REPLIES) this.judge("other");
      return;
    }
    // On a mail port the client's first command tells soon enough, and the port decides where it says nothing.
    if (!onMailPort) this.judge(judgeFirstReply(reply, isGreeting));
  }
}

/** Verbs that no other line protocol with numeric replies uses. */
const TELLING_VERBS: readonly string[] = [
  "HELO",
  "EHLO",
  "LHLO",
  "MAIL",
  "RCPT",
  "BDAT",
  "STARTTLS",
  "XCLIENT",
  "X-ANONYMOUSTLS",
];

/** Verbs of FTP (RFC 959, 2228, 2389, 2428) with which a session begins. */
const FTP_VERBS: ReadonlySet<string> = new Set([
  "USER",
  "PASS",
  "ACCT",
  "FEAT",
  "SYST",
  "OPTS",
  "PASV",
  "EPSV",
]);

/** What a server says first on a port that tells nothing. */
function judgeFirstReply({ code, text }: ReplyReader, isGreeting: boolean): Verdict {
  if (code === null) return "other";
  if (isGreeting && !GREETINGS.has(code)) return "other";
  const said = textOf(text.bytes, 0, Math.min(text.length, MAX_GREETING_BYTES));
  if (/\b[el]?smtp\b|\blmtp\b/i.test(said) && !/\bftp/i.test(said)) return "smtp";
  // A greeting that a firewall has starred out: nothing else does that (see the masks of PIX and ASA).
  if (/^220[ -]?[*20 ]*\*[*20 ]*$/.test(said.trim())) return "smtp";
  return "undecided";
}

/** The client's line when nothing is decided yet. */
function judgeCommand(verb: string, onMailPort: boolean): Verdict {
  if (TELLING_VERBS.includes(verb)) return "smtp";
  if (FTP_VERBS.has(verb)) return "other";
  if (onMailPort) return "undecided";
  // QUIT, NOOP, HELP and RSET are said in other protocols as well, AUTH and USER mean FTP.
  return verb === "QUIT" || verb === "NOOP" || verb === "RSET" || verb === "HELP" ? "undecided" : "other";
}
