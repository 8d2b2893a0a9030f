import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { Answers, Certificate } from "../spine/reference.ts";
import { escapeText } from "../spine/text.ts";

/**
 * Asks a mail server what it says: greeting, EHLO, the replies to commands that change nothing, and the
 * certificate behind STARTTLS. No message is sent, no address is named.
 */

export interface AskOptions {
  readonly host: string;
  readonly port: number;
  /** The name to say EHLO with. */
  readonly name: string;
  /** For the connection, and for each reply. */
  readonly timeoutMs: number;
}

/** Commands whose replies are the server's own words. */
const COMMANDS = ["NOOP", "RSET", "HELP"] as const;

/** A reply longer than this is no server's. */
const MAX_REPLY_BYTES = 65_536;

/** @throws an Error that says what went wrong, for one line */
export async function ask(options: AskOptions): Promise<Answers> {
  const { host, port, name, timeoutMs } = options;
  const socket = connectTcp({ host, port });
  const talk = new Talk(socket, timeoutMs);
  const replies: Record<string, string> = {};
  try {
    replies["(connect)"] = await talk.reply("the greeting");
    expect(replies["(connect)"], "220", "greeting");
    replies.EHLO = await talk.say(`EHLO ${name}`);
    expect(replies.EHLO, "250", "reply to EHLO");
    for (const command of COMMANDS) replies[command] = await talk.say(command);
    let certificate: Certificate | null = null;
    if (/^250[ -]STARTTLS\s*$/im.test(replies.EHLO)) {
      replies.STARTTLS = await talk.say("STARTTLS");
      if (replies.STARTTLS.startsWith("220")) {
        // Its greeting is another one from here on; what is wanted is the certificate.
        certificate = await certificateOf(socket, host, timeoutMs);
        return { replies, certificate };
      }
    }
    replies.QUIT = await talk.say("QUIT");
    return { replies, certificate };
  } finally {
    socket.destroy();
  }
}

function expect(reply: string, code: string, what: string): void {
  if (!reply.startsWith(code)) throw new Error(`its ${what} is ${JSON.stringify(reply.slice(0, 80))}`);
}

/** One side of a dialogue. */
class Talk {
  readonly #socket: Socket;
  readonly #timeoutMs: number;
  #received = "";
  #wake: () => void = () => {};
  #failed: Error | null = null;

  constructor(socket: Socket, timeoutMs: number) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    socket.on("data", (bytes: Buffer) => {
      this.#received += bytes.toString("latin1");
      if (this.#received.length > MAX_REPLY_BYTES) this.#fail(new Error("it says more than a reply can be"));
      this.#wake();
    });
    socket.on("error", (error: NodeJS.ErrnoException) =>
      this.#fail(new Error(REASONS[error.code ?? ""] ?? error.message)),
    );
    socket.on("close", () => this.#fail(new Error("it closed the connection")));
  }

  #fail(error: Error): void {
    this.#failed ??= error;
    this.#wake();
  }

  say(command: string): Promise<string> {
    this.#socket.write(`${command}\r\n`);
    return this.reply(`the reply to ${command.split(" ")[0]}`);
  }

  /** The next whole reply. */
  async reply(what: string): Promise<string> {
    const until = Date.now() + this.#timeoutMs;
    for (;;) {
      const end = endOfReply(this.#received);
      if (end > 0) {
        const reply = this.#received.slice(0, end);
        this.#received = this.#received.slice(end);
        return reply;
      }
      if (this.#failed !== null) throw this.#failed;
      const left = until - Date.now();
      if (left <= 0) throw new Error(`${what} did not come within ${this.#timeoutMs / 1_000} s`);
      await this.#news(left);
    }
  }

  #news(atMostMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, atMostMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Behind the first line that ends a reply (RFC 5321 §4.2.1), or 0. */
function endOfReply(text: string): number {
  for (let at = 0; ; ) {
    const end = text.indexOf("\n", at) + 1;
    if (end === 0) return 0;
    if (!/^\d{3}-/.test(text.slice(at, at + 4))) return end;
    at = end;
  }
}

async function certificateOf(socket: Socket, host: string, timeoutMs: number): Promise<Certificate | null> {
  socket.removeAllListeners("data");
  // Whoever it is for: it is looked at, not trusted.
  const secured = connectTls({
    socket,
    servername: /^[\d.:]+$/.test(host) ? "" : host,
    rejectUnauthorized: false,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("timeout")), timeoutMs);
      secured.once("secureConnect", () => {
        clearTimeout(timer);
        resolve();
      });
      secured.on("error", reject);
    });
    return viewOf(secured);
  } catch {
    // It offers what it cannot do; the rest of what it said stands.
    return null;
  } finally {
    secured.destroy();
  }
}

function viewOf(secured: TLSSocket): Certificate | null {
  const certificate = secured.getPeerX509Certificate();
  if (certificate === undefined) return null;
  const { fingerprint256, subject, issuer, subjectAltName } = certificate;
  const names = (subjectAltName ?? "").split(", ").filter((name) => name.startsWith("DNS:"));
  const oneLine = (name: string | undefined) => escapeText((name ?? "").split("\n").join(", "));
  return {
    fingerprint: fingerprint256,
    subject: oneLine(subject),
    issuer: oneLine(issuer),
    names: names.map((name) => escapeText(name.slice("DNS:".length))),
  };
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "it reset the connection",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "its name cannot be looked up",
  EHOSTUNREACH: "there is no way to it",
  ENETUNREACH: "there is no way to its network",
  ETIMEDOUT: "it does not answer",
};
