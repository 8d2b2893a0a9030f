/**
 * SMTP client that plays one dialogue as described, the good and the odd ones.
 *
 *     {
 *       label: "shop", at: 1500,                  start, ms after the plan's start
 *       source: "198.51.100.200",                 local address
 *       host: "192.0.2.25", port: 25,
 *       name: "shop.example.org",                 the EHLO argument
 *       tls: "starttls" | "implicit", tlsVersion: "TLSv1.2",
 *       pipelining: "envelope" | "across",        see below
 *       chunkBytes: 4000,                         BDAT (RFC 3030) in chunks, `BDAT 0 LAST` at the end
 *       patienceMs: 12000,                        how long a reply may take
 *       thinkMs: 3,                               pause before each command
 *       mails: [{from, to: [...], size, subject}]
 *     }
 *
 * Pipelining (RFC 2920) "envelope" sends MAIL, RCPTs and DATA in one write;
 * "across" also puts the end of a mail and the next mail's envelope together.
 */
import net from "node:net";
import tls from "node:tls";
import { makeMessage } from "./message.mjs";

const DEFAULTS = { port: 25, name: "client.example.org", patienceMs: 60_000, thinkMs: 2, mails: [] };

/** One whole reply: lines with a hyphen behind the code, then one without. */
const REPLY = /^(?:\d{3}-.*\r\n)*\d{3}(?: .*)?\r\n/gm;

export async function play(description) {
  const dialogue = { ...DEFAULTS, ...description };
  await pause(dialogue.at ?? 0);
  const client = new SmtpClient(dialogue);
  try {
    await client.connect();
    await client.greet();
    await client.sendMails();
    await client.command("QUIT");
    return { label: dialogue.label, replies: client.codes };
  } catch (error) {
    return { label: dialogue.label, replies: client.codes, error: error.message };
  } finally {
    client.socket.end();
    // Whoever doesn't answer our FIN must not keep the plan alive.
    setTimeout(() => client.socket.destroy(), 1_000).unref();
  }
}

class SmtpClient {
  constructor(dialogue) {
    this.dialogue = dialogue;
    this.codes = [];
    this.replies = [];
    this.waiting = undefined;
  }

  async connect() {
    const { host, port, source, patienceMs } = this.dialogue;
    this.socket = net.connect({ host, port, localAddress: source, noDelay: true });
    await settled(this.socket, "connect", patienceMs, "no connection");
    if (this.dialogue.tls === "implicit") await this.secure();
    else this.listen();
  }

  async greet() {
    await this.reply();
    await this.hello();
    if (this.dialogue.tls !== "starttls") return;
    await this.command("STARTTLS");
    await this.secure();
    await this.hello();
  }

  async hello() {
    const text = await this.command(`EHLO ${this.dialogue.name}`);
    this.mayPipeline = /^250[ -]PIPELINING/m.test(text);
  }

  async sendMails() {
    const { mails, pipelining, chunkBytes } = this.dialogue;
    if (chunkBytes) return this.sendChunked(mails, chunkBytes);
    const style = this.mayPipeline ? pipelining : undefined;
    if (style === "across") return this.sendAcross(mails);
    for (const [index, mail] of mails.entries()) {
      const go = style === "envelope" ? await this.envelopeAtOnce(mail) : await this.envelope(mail);
      if (go) await this.command(this.content(mail, index));
      else if (index < mails.length - 1) await this.command("RSET");
    }
  }

  /** One command, one reply. Answers whether the server wants the content. */
  async envelope(mail) {
    const [first, ...recipients] = envelopeCommands(mail);
    if (!isPositive(await this.command(first))) return false;
    let accepted = 0;
    for (const recipient of recipients) if (isPositive(await this.command(recipient))) accepted++;
    return accepted > 0 && isPositive(await this.command("DATA"));
  }

  async envelopeAtOnce(mail) {
    const commands = [...envelopeCommands(mail), "DATA"];
    await this.send(commands.join("\r\n"));
    return this.awaitEnvelope(commands);
  }

  async sendAcross(mails) {
    let group = [...envelopeCommands(mails[0]), "DATA"];
    await this.send(group.join("\r\n"));
    for (const [index, mail] of mails.entries()) {
      const go = await this.awaitEnvelope(group);
      const next = mails[index + 1];
      // Without DATA, the server still holds the old envelope.
      group = next ? [...(go ? [] : ["RSET"]), ...envelopeCommands(next), "DATA"] : [];
      const content = go ? [this.content(mail, index)] : [];
      if (content.length + group.length > 0) await this.send([...content, ...group].join("\r\n"));
      if (go) await this.reply();
    }
  }

  /** Chunks are cut by length alone, as the RFC has it: wherever a line happens to be. */
  async sendChunked(mails, chunkBytes) {
    for (const [index, mail] of mails.entries()) {
      for (const command of envelopeCommands(mail)) await this.command(command);
      const message = makeMessage({ ...mail, id: `chunked.${index}` });
      for (let at = 0; at < message.length; at += chunkBytes) {
        const chunk = message.slice(at, at + chunkBytes);
        await this.exchange(`BDAT ${chunk.length}\r\n${chunk}`);
      }
      await this.command("BDAT 0 LAST");
    }
  }

  /** Reads one reply a command; the last, DATA's, says whether to go on. */
  async awaitEnvelope(commands) {
    let text = "";
    for (const _ of commands) text = await this.reply();
    return isPositive(text);
  }

  /** The message, dots stuffed (RFC 5321 section 4.5.2), up to the final dot. */
  content(mail, index) {
    return `${makeMessage({ ...mail, id: `${this.dialogue.label}.${index}` }).replace(/^\./gm, "..")}.`;
  }

  command(text) {
    return this.exchange(`${text}\r\n`);
  }

  async exchange(bytes) {
    await this.write(bytes);
    return this.reply();
  }

  send(text) {
    return this.write(`${text}\r\n`);
  }

  async write(bytes) {
    await pause(this.dialogue.thinkMs * (0.5 + Math.random()));
    this.socket.write(bytes);
  }

  async secure() {
    const version = this.dialogue.tlsVersion;
    const versions = version ? { minVersion: version, maxVersion: version } : {};
    this.socket.removeAllListeners("data");
    this.socket = tls.connect({
      socket: this.socket,
      rejectUnauthorized: false,
      servername: "mail.example.net",
      ...versions,
    });
    await settled(this.socket, "secureConnect", this.dialogue.patienceMs, "no TLS");
    this.listen();
  }

  listen() {
    let pending = "";
    const fail = (reason) => this.deliver(new Error(reason));
    this.socket.setEncoding("latin1");
    this.socket.on("error", (error) => fail(error.code ?? error.message));
    this.socket.on("end", () => fail("the server closed"));
    this.socket.on("data", (text) => {
      pending += text;
      const replies = pending.match(REPLY) ?? [];
      pending = pending.slice(replies.join("").length);
      for (const reply of replies) this.deliver(reply);
    });
  }

  deliver(reply) {
    this.replies.push(reply);
    this.waiting?.();
  }

  async reply() {
    if (this.replies.length === 0) {
      const arrived = new Promise((resolve) => {
        this.waiting = resolve;
      });
      let timer;
      const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error("patience is over")), this.dialogue.patienceMs);
      });
      await Promise.race([arrived, late]).finally(() => clearTimeout(timer));
    }
    const reply = this.replies.shift();
    if (reply instanceof Error) throw reply;
    this.codes.push(Number(reply.slice(0, 3)));
    return reply;
  }
}

function envelopeCommands({ from, to }) {
  return [`MAIL FROM:<${from}>`, ...to.map((recipient) => `RCPT TO:<${recipient}>`)];
}

function isPositive(reply) {
  return /^[23]/.test(reply);
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Resolves on `event`, fails on an error, and gives up after `patienceMs`. */
function settled(socket, event, patienceMs, complaint) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(complaint));
    }, patienceMs);
    const finish = (settle) => (value) => {
      clearTimeout(timer);
      settle(value);
    };
    socket.once(event, finish(resolve));
    socket.once(
      "error",
      finish((error) => reject(new Error(error.code ?? error.message))),
    );
  });
}
