/**
 * Captures written by hand: TCP connections over IPv4 in raw-IP pcap records, each step with its own
 * time. Checksums stay zero; readers of captures do not verify them.
 */
import { writeFileSync } from "node:fs";

export interface Packet {
  readonly atUs: number;
  readonly bytes: Buffer;
}

export interface Connection {
  readonly client?: string;
  readonly clientPort?: number;
  readonly server?: string;
  readonly serverPort?: number;
  readonly startUs?: number;
}

const FIN = 1;
const SYN = 2;
const RST = 4;
const PSH = 8;
const ACK = 16;

/** 2026-01-02 03:04:05 UTC */
export const EPOCH_US = 1_767_323_045_000_000;

/** One connection, written step by step; each step moves its clock. */
export class Dialogue {
  readonly packets: Packet[] = [];
  #nowUs: number;
  readonly #client: readonly [string, number];
  readonly #server: readonly [string, number];
  /** Next sequence number of each side. */
  readonly #next = { client: 1_000, server: 9_000 };

  constructor(connection: Connection = {}) {
    const {
      client = "198.51.100.7",
      clientPort = 40_001,
      server = "192.0.2.25",
      serverPort = 25,
    } = connection;
    this.#client = [client, clientPort];
    this.#server = [server, serverPort];
    this.#nowUs = connection.startUs ?? EPOCH_US;
  }

  get nowUs(): number {
    return this.#nowUs;
  }

  wait(us: number): this {
    this.#nowUs += us;
    return this;
  }

  syn(): this {
    return this.#send("client", SYN, "", 1);
  }

  /** SYN, SYN-ACK after 1 ms, ACK after another. */
  handshake(): this {
    this.syn().wait(1_000);
    this.#send("server", SYN | ACK, "", 1);
    this.wait(1_000);
    return this.#send("client", ACK, "", 0);
  }

  refuse(): this {
    return this.#send("server", RST | ACK, "", 0);
  }

  client(text: string | Buffer, afterUs = 1_000): this {
    return this.wait(afterUs).#send("client", PSH | ACK, text, 0);
  }

  server(text: string | Buffer, afterUs = 1_000): this {
    return this.wait(afterUs).#send("server", PSH | ACK, text, 0);
  }

  close(): this {
    this.wait(500).#send("client", FIN | ACK, "", 1);
    this.wait(500).#send("server", FIN | ACK, "", 1);
    return this.wait(500).#send("client", ACK, "", 0);
  }

  #send(from: "client" | "server", flags: number, text: string | Buffer, takes: number): this {
    const payload = Buffer.from(text as string, "utf8");
    const to = from === "client" ? "server" : "client";
    const [source, target] = from === "client" ? [this.#client, this.#server] : [this.#server, this.#client];
    const tcp = Buffer.alloc(20);
    tcp.writeUInt16BE(source[1], 0);
    tcp.writeUInt16BE(target[1], 2);
    tcp.writeUInt32BE(this.#next[from], 4);
    tcp.writeUInt32BE((flags & ACK) === 0 ? 0 : this.#next[to], 8);
    tcp[12] = 5 << 4;
    tcp[13] = flags;
    tcp.writeUInt16BE(64_000, 14);
    const ip = Buffer.alloc(20);
    ip[0] = 0x45;
    ip.writeUInt16BE(40 + payload.length, 2);
    ip[8] = 64;
    ip[9] = 6;
    ip.set(source[0].split(".").map(Number), 12);
    ip.set(target[0].split(".").map(Number), 16);
    this.packets.push({ atUs: this.#nowUs, bytes: Buffer.concat([ip, tcp, payload]) });
    this.#next[from] += payload.length + takes;
    return this;
  }
}

/** A whole mail, each reply 10 ms after its command. */
export function mail(connection: Connection = {}, banner = "220 mx.example.net ESMTP"): Dialogue {
  const ms = 10_000;
  return new Dialogue(connection)
    .handshake()
    .server(`${banner}\r\n`, ms)
    .client("EHLO client.example.org\r\n")
    .server("250-mx.example.net\r\n250 PIPELINING\r\n", ms)
    .client("MAIL FROM:<alice@example.org>\r\n")
    .server("250 2.1.0 Ok\r\n", ms)
    .client("RCPT TO:<bob@example.net>\r\n")
    .server("250 2.1.5 <bob@example.net> Ok\r\n", ms)
    .client("DATA\r\n")
    .server("354 go on\r\n", ms)
    .client("Subject: hidden-in-the-body\r\n\r\nhidden-in-the-body\r\n.\r\n")
    .server("250 2.0.0 queued\r\n", ms)
    .client("QUIT\r\n")
    .server("221 bye\r\n", ms)
    .close();
}

/** pcap, little-endian, µs, raw IP (101). */
export function pcap(...dialogues: readonly Dialogue[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(262_144, 16);
  header.writeUInt32LE(101, 20);
  const packets = dialogues.flatMap((dialogue) => dialogue.packets).sort((a, b) => a.atUs - b.atUs);
  return Buffer.concat([
    header,
    ...packets.flatMap(({ atUs, bytes }) => [recordHeader(atUs, bytes.length), bytes]),
  ]);
}

function recordHeader(atUs: number, length: number): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(Math.floor(atUs / 1_000_000), 0);
  header.writeUInt32LE(atUs % 1_000_000, 4);
  header.writeUInt32LE(length, 8);
  header.writeUInt32LE(length, 12);
  return header;
}

export function writePcap(path: string, ...dialogues: readonly Dialogue[]): string {
  writeFileSync(path, pcap(...dialogues));
  return path;
}
