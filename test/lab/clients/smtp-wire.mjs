/**
 * The wire of the SMTP client: a connection, bytes out, replies in, and how long each took.
 */
import net from "node:net";
import tls from "node:tls";

/** One whole reply: lines with a hyphen behind the code, then one without. */
const REPLY = /^(?:\d{3}-.*\r\n)*\d{3}(?: .*)?\r\n/gm;

export class SmtpWire {
  constructor(dialogue) {
    this.dialogue = dialogue;
    this.codes = [];
    this.replies = [];
    this.waiting = undefined;
    this.waits = [];
    this.askedAt = 0;
    this.answeredAt = 0;
  }

  outcome() {
    const { label, tellWaits } = this.dialogue;
    return { label, replies: this.codes, ...(tellWaits ? { waits: this.waits } : {}) };
  }

  async connect() {
    const { host, port, source, patienceMs } = this.dialogue;
    const startedAt = performance.now();
    this.socket = net.connect({ host, port, localAddress: source, noDelay: !this.dialogue.nagle });
    await settled(this.socket, "connect", patienceMs, "no connection").finally(() => {
      this.askedAt = performance.now();
      this.note("connect", this.askedAt - startedAt);
    });
    if (this.dialogue.tls === "implicit") await this.secure();
    else this.listen();
  }

  async write(bytes) {
    await pause(this.dialogue.thinkMs * (0.5 + Math.random()));
    if (this.dialogue.splitCommands && bytes.length < 512) {
      const middle = Math.floor(bytes.length / 2);
      this.socket.write(bytes.slice(0, middle));
      // A write in a later turn is a segment of its own, or waits for Nagle.
      await pause(1);
      bytes = bytes.slice(middle);
    }
    this.socket.write(bytes);
    this.askedAt = performance.now();
  }

  note(phase, milliseconds) {
    this.waits.push([phase, Math.round(milliseconds * 1_000)]);
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
    const startedAt = performance.now();
    await settled(this.socket, "secureConnect", this.dialogue.patienceMs, "no TLS");
    this.askedAt = performance.now();
    this.note("tls", this.askedAt - startedAt);
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
    this.replies.push({ reply, at: performance.now() });
    this.waiting?.();
  }

  async reply(phase) {
    if (this.replies.length === 0) {
      const arrived = new Promise((resolve) => {
        this.waiting = resolve;
      });
      let timer;
      const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error("patience is over")), this.dialogue.patienceMs);
      });
      await Promise.race([arrived, late])
        .catch((error) => {
          this.note(phase, performance.now() - this.askedAt);
          throw error;
        })
        .finally(() => clearTimeout(timer));
    }
    const { reply, at } = this.replies.shift();
    this.note(phase, at - Math.max(this.askedAt, this.answeredAt));
    this.answeredAt = at;
    if (reply instanceof Error) throw reply;
    this.codes.push(Number(reply.slice(0, 3)));
    return reply;
  }
}

export function pause(milliseconds) {
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
