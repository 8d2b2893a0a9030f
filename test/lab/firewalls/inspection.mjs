/**
 * What a firewall that inspects SMTP does to it, packet by packet and length by length: the rules of Cisco's PIX
 * (`fixup protocol smtp`) and ASA (`inspect esmtp`, its defaults), as far as they are known from outside.
 *
 *     asa   the banner starred; EHLO keywords that it does not know crossed out, the last letter counting them;
 *           commands that it does not know crossed out; | in an address blanked
 *     pix   the banner starred; commands that it does not know made NOOP
 *
 * Every line that is changed is logged, so that a test knows the truth.
 */

const RULES = {
  asa: {
    verbs: "HELO EHLO MAIL RCPT DATA RSET NOOP QUIT AUTH ETRN HELP SAML SEND SOML VRFY".split(" "),
    keywords: "SIZE ETRN PIPELINING DSN ENHANCEDSTATUSCODES 8BITMIME BINARYMIME AUTH".split(" "),
    unknown: (line) => line.replace(/[^ ]/g, "X"),
    address: (line) => line.replaceAll("|", " "),
  },
  pix: {
    verbs: "HELO MAIL RCPT DATA RSET NOOP QUIT".split(" "),
    keywords: null,
    unknown: (line) => "NOOP".padEnd(line.length),
    address: (line) => line,
  },
};

/** Everything but 2 and 0, the blanks too; the code stays. */
const starred = (line) => line.slice(0, 4) + line.slice(4).replace(/[^20]/g, "*");

/** One connection's inspection. */
export class Inspection {
  /** @param log is told of every changed line: (from, before, after) */
  constructor(rules, log) {
    this.rules = RULES[rules];
    this.log = log;
    /** What the server has been asked and has not answered. */
    this.asked = ["(connect)"];
    this.inMessage = false;
    this.isBlind = false;
    this.crossed = 0;
  }

  /** A packet's text on its way; answers what goes on, as long as it came. */
  pass(from, text) {
    if (this.isBlind) return text;
    return from === "server" ? this.fromServer(text) : this.fromClient(text);
  }

  changed(from, before, after) {
    if (before !== after) this.log(from, before, after);
    return after;
  }

  fromServer(text) {
    return text.replace(/([^\r\n]*)(\r?\n|$)/g, (whole, line, end) => {
      if (whole === "") return whole;
      const asked = this.asked[0];
      const after = this.changed("server", line, this.replyLine(line, asked));
      if (/^\d{3}(?: |$)/.test(line)) {
        this.asked.shift();
        this.crossed = 0;
        this.lines = 0;
        if (asked === "DATA" && line.startsWith("354")) this.inMessage = true;
        if (asked === "STARTTLS" && line.startsWith("220")) this.isBlind = true;
      } else this.lines = (this.lines ?? 0) + 1;
      return after + end;
    });
  }

  replyLine(line, asked) {
    if (asked === "(connect)") return line.startsWith("220") ? starred(line) : line;
    const { keywords } = this.rules;
    if (asked !== "EHLO" || keywords === null || !line.startsWith("250")) return line;
    const isFirst = (this.lines ?? 0) === 0 && line[3] === "-";
    const word = /^\d{3}[ -]([^ =]*)/.exec(line)?.[1] ?? "";
    if (isFirst || keywords.includes(word.toUpperCase()) || line.length < 6) return line;
    const letter = String.fromCharCode(65 + (this.crossed++ % 26));
    return line.slice(0, 4) + "X".repeat(line.length - 5) + letter;
  }

  fromClient(text) {
    if (this.inMessage) {
      if (text.endsWith("\r\n.\r\n") || text === ".\r\n") {
        this.inMessage = false;
        this.asked.push("(end-of-data)");
      }
      return text;
    }
    return text.replace(/([^\r\n]*)(\r?\n|$)/g, (whole, line, end) => {
      if (whole === "") return whole;
      const verb = line.split(" ")[0].toUpperCase();
      const isKnown = this.rules.verbs.includes(verb);
      const after = isKnown ? this.rules.address(line) : this.rules.unknown(line);
      this.asked.push(isKnown ? verb : "(unknown)");
      return this.changed("client", line, after) + end;
    });
  }
}
