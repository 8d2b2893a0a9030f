/**
 * Firewalls that terminate connections: they speak with the client, and with the server in the client's
 * place, from an address of their own. `node proxy.mjs CONFIG`:
 *
 *     {
 *       "kind": "strip-keywords",     takes CHUNKING, DSN, ETRN and VRFY out of the reply to EHLO
 *             | "striptls",           takes STARTTLS out, and answers it itself
 *             | "own-banner",         greets with a text of its own, once the server has greeted
 *             | "interception",       greets at once with one banner for all servers
 *             | "length-changing",    another host name in every reply, a header put into every message
 *             | "tls",                ends TLS: its own certificate in front, a TLS of its own behind
 *       "listen": 2525, "host": "192.0.2.25",
 *       "key": path, "certificate": path,
 *       "log": path                   a JSON line for every changed line
 *     }
 */
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import tls from "node:tls";

const config = JSON.parse(process.argv[2]);
const { kind } = config;
writeFileSync(config.log, "");

const STRIPPED = { "strip-keywords": /^(?:CHUNKING|DSN|ETRN|VRFY)\b/, striptls: /^STARTTLS\b/ };
const BANNER = { "own-banner": "220 gateway.example.com ready", interception: "220 smtp.isp.example ESMTP" };
const HEADER = "X-Scanned: by gateway.example.com\r\n";

class Relay {
  constructor(client) {
    this.client = client;
    this.name = `${client.remoteAddress}:${client.remotePort}`;
    this.asked = ["(connect)"];
    this.inMessage = false;
    this.atHeaders = false;
    this.pending = { client: "", server: "" };
    this.reply = [];
    this.server = net.connect({ host: config.host, port: 25, noDelay: true, allowHalfOpen: true });
    if (kind === "interception") this.client.write(`${BANNER[kind]}\r\n`);
    this.listen("client");
    this.listen("server");
  }

  listen(side) {
    const [socket, peer] =
      side === "client" ? [this.client, () => this.server] : [this.server, () => this.client];
    socket.on("error", () => peer().destroy());
    socket.on("end", () => peer().end());
    socket.on("data", (bytes) => {
      // What came together goes on together.
      const target = peer();
      target.cork();
      process.nextTick(() => target.uncork());
      this.pending[side] += bytes.toString("latin1");
      for (let end = this.pending[side].indexOf("\n"); end >= 0; end = this.pending[side].indexOf("\n")) {
        const line = this.pending[side].slice(0, end + 1);
        this.pending[side] = this.pending[side].slice(end + 1);
        if (side === "client") this.fromClient(line);
        else this.fromServer(line);
      }
    });
  }

  log(from, before, after) {
    const line = {
      client: this.name,
      from,
      before: before?.trimEnd() ?? null,
      after: after?.trimEnd() ?? null,
    };
    appendFileSync(config.log, `${JSON.stringify(line)}\n`);
  }

  fromClient(line) {
    if (this.inMessage) return this.messageLine(line);
    const verb = line.trim().split(" ")[0].toUpperCase();
    if (verb === "STARTTLS" && (kind === "striptls" || kind === "tls")) return this.startTls(line);
    this.asked.push(verb);
    this.server.write(line, "latin1");
  }

  messageLine(line) {
    if (this.atHeaders && kind === "length-changing") {
      this.log("message", null, HEADER);
      this.server.write(HEADER);
    }
    this.atHeaders = false;
    this.server.write(line, "latin1");
    if (line !== ".\r\n") return;
    this.inMessage = false;
    this.asked.push("(end-of-data)");
  }

  /** Replies go on as a whole. */
  fromServer(line) {
    this.reply.push(line);
    if (/^\d{3}-/.test(line)) return;
    const lines = this.reply;
    this.reply = [];
    const asked = this.asked.shift();
    if (asked === "DATA" && line.startsWith("354")) [this.inMessage, this.atHeaders] = [true, true];
    if (asked === "STARTTLS of ours") return this.serverTls();
    const after = this.replyLines(lines, asked);
    if (after.length > 0) this.client.write(after.join(""), "latin1");
  }

  replyLines(lines, asked) {
    if (asked === "(connect)" && BANNER[kind] !== undefined) {
      this.log("server", lines.join(""), BANNER[kind]);
      return kind === "interception" ? [] : [`${BANNER[kind]}\r\n`];
    }
    const strip = STRIPPED[kind];
    if (asked === "EHLO" && strip !== undefined) return this.without(lines, strip);
    if (kind !== "length-changing") return lines;
    return lines.map((line) => {
      const after = line.replaceAll("mail.example.net", "gateway.example.com");
      if (after !== line) this.log("server", line, after);
      return after;
    });
  }

  without(lines, strip) {
    const kept = lines.filter((line, i) => {
      const goes = i > 0 && strip.test(line.slice(4));
      if (goes) this.log("server", line.slice(4), null);
      return !goes;
    });
    return kept.map((line, i) => line.slice(0, 3) + (i === kept.length - 1 ? " " : "-") + line.slice(4));
  }

  startTls(line) {
    if (kind === "striptls") {
      this.log("client", line, null);
      this.client.write("500 5.5.1 Unsupported command\r\n");
      return;
    }
    this.log("tls", null, null);
    this.asked.push("STARTTLS of ours");
    this.server.write(line);
  }

  /** The server is ready for TLS: one towards it, one towards the client. */
  serverTls() {
    this.server.removeAllListeners();
    this.client.removeAllListeners();
    const [plainServer, plainClient] = [this.server, this.client];
    this.server = tls.connect({
      socket: plainServer,
      rejectUnauthorized: false,
      servername: "mail.example.net",
    });
    plainClient.write("220 2.0.0 Ready to start TLS\r\n");
    this.client = new tls.TLSSocket(plainClient, {
      isServer: true,
      key: readFileSync(config.key),
      cert: readFileSync(config.certificate),
    });
    this.listen("client");
    this.listen("server");
  }
}

net
  .createServer({ noDelay: true, allowHalfOpen: true }, (client) => new Relay(client))
  .listen(config.listen, () => console.log("ready"));
