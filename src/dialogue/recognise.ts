/**
 * Is it SMTP? Known by what is said, not by the port: FTP greets with 220 too, and mail is served on
 * any port. The port only decides where nothing that would tell was said, and only when all is over.
 */

/** Greetings that SMTP servers give: RFC 5321 §3.1 (220, 554), §3.8 (421). */
const GREETINGS: ReadonlySet<number> = new Set([220, 421, 554]);

export type Verdict = "smtp" | "other" | "undecided";

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

/** The server's first reply, in what context? */
export interface FirstReply {
  code: number | null;
  /** Called only where the code and the port do not tell. */
  text: () => string;
  /** The connection's start was captured, or nothing was said before. */
  isGreeting: boolean;
  onMailPort: boolean;
}

export function judgeFirstReply({ code, text, isGreeting, onMailPort }: FirstReply): Verdict {
  // The client's first command tells soon enough, and the port decides where it says nothing.
  if (onMailPort) return "undecided";
  if (code === null) return "other";
  if (isGreeting && !GREETINGS.has(code)) return "other";
  const said = text();
  if (/\b[el]?smtp\b|\blmtp\b/i.test(said) && !/\bftp/i.test(said)) return "smtp";
  // A greeting that a firewall has starred out: nothing else does that (see the masks of PIX and ASA).
  if (/^220[ -]?[*20 ]*\*[*20 ]*$/.test(said.trim())) return "smtp";
  return "undecided";
}

/** The client's line when nothing is decided yet. */
export function judgeCommand(verb: string, onMailPort: boolean): Verdict {
  if (TELLING_VERBS.includes(verb)) return "smtp";
  if (FTP_VERBS.has(verb)) return "other";
  if (onMailPort) return "undecided";
  // QUIT, NOOP, HELP and RSET are said in other protocols as well, AUTH and USER mean FTP.
  return verb === "QUIT" || verb === "NOOP" || verb === "RSET" || verb === "HELP" ? "undecided" : "other";
}
