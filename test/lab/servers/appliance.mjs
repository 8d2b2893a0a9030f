/**
 * An SMTP device that answers itself, word by word from a server behind it: an appliance, or a
 * firewall that terminates connections. `node appliance.mjs CONFIG`:
 *
 *     {
 *       "listen": 25, "host": "127.0.0.1", "port": 2525,    the server behind it
 *       "lookupMs": 20000,      it asks for the client's name first, and gives up after this
 *       "connectMs": 1500,      it waits so long before it turns to that server
 *       "replyMs": 700,         every reply after the banner is late by this, …
 *       "driftMs": 150, "driftPeriodMs": 60000, "jitterMs": 10,   … slowly more and less
 *       "bannerToo": true,      the banner as well
 *       "contentMs": 400, "msPerKb": 10,   the reply to the final dot is late, by size too
 *       "pieces": true          a reply of several lines leaves in two writes, with Nagle's algorithm on
 *       "handshakeMs": 1200, "key": path, "certificate": path     offers STARTTLS, and is slow at it
 *     }
 */
import dgram from "node:dgram";
import { readFileSync } from "node:fs";
import net from "node:net";
import tls from "node:tls";
import { encode, RECURSION_DESIRED } from "dns-packet";
import { reverseName } from "../dns-records.mjs";
import { NAME_SERVER } from "../topology.mjs";

const config = JSON.parse(process.argv[2]);
/** RFC 5321 section 4.5.3.1.4; the lab's mails are longer. */
const LONGEST_COMMAND = 512;
const startedAt = performance.now();

function replyDelayMs() {
  const { replyMs = 0, driftMs = 0, driftPeriodMs = 60_000, jitterMs = 0 } = config;
  const turn = (2 * Math.PI * (performance.now() - startedAt)) / driftPeriodMs;
  return Math.max(0, replyMs + driftMs * Math.sin(turn) + (Math.random() - 0.5) * jitterMs);
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** One query, sent once; what it says doesn't matter. */
function lookUp(address, timeoutMs) {
  const name = reverseName(address.replace("::ffff:", ""));
  const socket = dgram.createSocket("udp4");
  const id = 1 + Math.floor(Math.random() * 65_000);
  socket.send(
    encode({ type: "query", id, flags: RECURSION_DESIRED, questions: [{ type: "PTR", name }] }),
    53,
    NAME_SERVER,
  );
  const answered = new Promise((done) => socket.once("message", done));
  return Promise.race([answered, pause(timeoutMs)]).finally(() => socket.close());
}

class Relay {
  constructor(client) {
    this.client = client;
    this.turn = Promise.resolve();
    this.replies = 0;
    this.sentBytes = 0;
    this.atDot = false;
    client.on("error", () => client.destroy());
    client.pause();
    this.open();
  }

  async open() {
    if (config.lookupMs) await lookUp(this.client.remoteAddress, config.lookupMs);
    await pause(config.connectMs ?? 0);
    this.server = net.connect({ host: config.host, port: config.port, noDelay: true, allowHalfOpen: true });
    this.server.on("error", () => this.client.destroy());
    this.server.on("data", (bytes) => this.relayReply(bytes));
    this.server.on("end", () => {
      this.turn = this.turn.then(() => this.client.end());
    });
    this.listen(this.client);
  }

  listen(client) {
    client.on("data", (bytes) => {
      this.sentBytes += bytes.length;
      this.atDot = bytes.subarray(-3).toString("latin1") === ".\r\n" && this.sentBytes > LONGEST_COMMAND;
      if (config.certificate && /^STARTTLS\r\n$/i.test(bytes.toString("latin1"))) this.secure();
      else this.server.write(bytes);
    });
    client.on("end", () => this.server.end());
    client.resume();
  }

  relayReply(bytes) {
    const isBanner = this.replies++ === 0;
    const contentMs = this.atDot
      ? (config.contentMs ?? 0) + ((config.msPerKb ?? 0) * this.sentBytes) / 1024
      : 0;
    const delayMs = (isBanner && !config.bannerToo ? 0 : replyDelayMs()) + contentMs;
    this.sentBytes = 0;
    const due = performance.now() + delayMs;
    this.turn = this.turn.then(async () => {
      const left = due - performance.now();
      if (left > 0) await pause(left);
      await this.say(bytes);
    });
  }

  async say(bytes) {
    const text = bytes.toString("latin1");
    const offer = config.certificate && !this.secured && /^250-/.test(text);
    const whole = offer ? text.replace("250-", "250-mail.example.net\r\n250-STARTTLS\r\n250-") : text;
    const cut = config.pieces ? whole.indexOf("\r\n") + 2 : whole.length;
    this.client.write(whole.slice(0, cut), "latin1");
    if (cut === whole.length) return;
    await pause(1);
    this.client.write(whole.slice(cut), "latin1");
  }

  secure() {
    this.client.removeAllListeners("data");
    this.client.write("220 Go ahead\r\n");
    const context = tls.createSecureContext({
      key: readFileSync(config.key),
      cert: readFileSync(config.certificate),
    });
    this.secured = true;
    this.client = new tls.TLSSocket(this.client, {
      isServer: true,
      secureContext: context,
      // As a server that asks a key store, or a revocation list, first.
      SNICallback: (_name, done) => setTimeout(() => done(null, context), config.handshakeMs ?? 0),
    });
    this.client.on("error", () => this.client.destroy());
    this.listen(this.client);
  }
}

net
  .createServer({ noDelay: !config.pieces, allowHalfOpen: true }, (client) => new Relay(client))
  .listen(config.listen, () => console.log("ready"));
