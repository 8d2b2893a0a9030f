/**
 * SMTP client that plays one dialogue as described, the good and the odd ones.
 *
 *     {
 *       label: "shop", at: 1500,                  start, ms after the plan's start
 *       source: "198.51.100.200",                 local address
 *       host: "192.0.2.25", port: 25,
 *       name: "shop.example.org",                 the EHLO argument
 *       tls: "starttls" | "implicit", tlsVersion: "TLSv1.2",
 *       auth: true,                               AUTH PLAIN, with an account of the lab
 *       pipelining: "envelope" | "across",        see below
 *       chunkBytes: 4000,                         BDAT (RFC 3030) in chunks, `BDAT 0 LAST` at the end
 *       patienceMs: 12000,                        how long a reply may take
 *       thinkMs: 3,                               pause before each command
 *       mails: [{from, to: [...], size, subject}]
 *       commands: ["HELO a", "NOOP"],             played instead of EHLO and the mails; ["wait", ms] pauses
 *       earlyTalk: true,                          says EHLO before the banner came
 *       dotAfterMs: 10000,                        pause between the text and the final dot
 *       nagle: true,                              leaves Nagle's algorithm on, and …
 *       splitCommands: true,                      … writes each command in two pieces
 *       tellWaits: true                           the outcome lists what each reply took: [[phase, µs], …]
 *     }
 *
 * Pipelining (RFC 2920) "envelope" sends MAIL, RCPTs and DATA in one write;
 * "across" also puts the end of a mail and the next mail's envelope together.
 */
import { makeMessage } from "./message.mjs";
import { pause, SmtpWire } from "./smtp-wire.mjs";

const DEFAULTS = { port: 25, name: "client.example.org", patienceMs: 60_000, thinkMs: 2, mails: [] };

const ACCOUNT = Buffer.from("\0lab\0lab").toString("base64");

export async function play(description) {
  const dialogue = { ...DEFAULTS, ...description };
  await pause(dialogue.at ?? 0);
  const client = new SmtpClient(dialogue);
  try {
    await client.connect();
    await client.greet();
    if (dialogue.commands) await client.follow(dialogue.commands);
    else await client.sendMails();
    await client.command("QUIT");
    return client.outcome();
  } catch (error) {
    return { ...client.outcome(), error: error.message };
  } finally {
    client.socket.end();
    // Whoever doesn't answer our FIN must not keep the plan alive.
    setTimeout(() => client.socket.destroy(), 1_000).unref();
  }
}

class SmtpClient extends SmtpWire {
  async greet() {
    if (this.dialogue.earlyTalk) this.socket.write(`EHLO ${this.dialogue.name}\r\n`);
    await this.reply("banner");
    if (this.dialogue.commands) return;
    if (this.dialogue.earlyTalk) await this.reply("ehlo");
    else await this.hello();
    if (this.dialogue.tls === "starttls") {
      await this.command("STARTTLS");
      await this.secure();
      await this.hello();
    }
    if (this.dialogue.auth) await this.command(`AUTH PLAIN ${ACCOUNT}`);
  }

  async hello() {
    const text = await this.command(`EHLO ${this.dialogue.name}`);
    this.mayPipeline = /^250[ -]PIPELINING/m.test(text);
  }

  async follow(commands) {
    for (const command of commands) {
      if (Array.isArray(command)) await pause(command[1]);
      else await this.command(command);
    }
  }

  async sendMails() {
    const { mails, pipelining, chunkBytes } = this.dialogue;
    if (chunkBytes) return this.sendChunked(mails, chunkBytes);
    const style = this.mayPipeline ? pipelining : undefined;
    if (style === "across") return this.sendAcross(mails);
    for (const [index, mail] of mails.entries()) {
      const go = style === "envelope" ? await this.envelopeAtOnce(mail) : await this.envelope(mail);
      if (go) await this.finish(this.content(mail, index));
      else if (index < mails.length - 1) await this.command("RSET");
    }
  }

  async finish(content) {
    const { dotAfterMs } = this.dialogue;
    if (dotAfterMs) {
      await this.write(content.slice(0, -1));
      await pause(dotAfterMs);
      await this.write(".\r\n");
    } else await this.send(content);
    return this.reply("end-of-data");
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
      if (go) await this.reply("end-of-data");
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
    for (const command of commands) text = await this.reply(phaseOf(command));
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
    return this.reply(phaseOf(bytes));
  }

  send(text) {
    return this.write(`${text}\r\n`);
  }
}

function envelopeCommands({ from, to }) {
  return [`MAIL FROM:<${from}>`, ...to.map((recipient) => `RCPT TO:<${recipient}>`)];
}

function phaseOf(command) {
  return command.split(/[\s:]/, 1)[0].toLowerCase();
}

function isPositive(reply) {
  return /^[23]/.test(reply);
}
