/**
 * Dialogues written by hand, step by step, each step with its own time.
 */
import { writeFileSync } from "node:fs";
import {
  ACK,
  captureOf,
  EPOCH_US,
  FIN,
  type Header,
  type Packet,
  PSH,
  RST,
  SYN,
  Wire,
} from "../../support/raw-ip.ts";

export interface Connection {
  readonly client?: string;
  readonly clientPort?: number;
  readonly server?: string;
  readonly serverPort?: number;
  readonly startUs?: number;
}

/** One connection, written step by step; each step moves its clock. */
export class Dialogue {
  #nowUs: number;
  readonly #wire: Wire;

  constructor(connection: Connection = {}) {
    const {
      client = "198.51.100.7",
      clientPort = 40_001,
      server = "192.0.2.25",
      serverPort = 25,
    } = connection;
    const ends = { client: [client, clientPort], server: [server, serverPort] } as const;
    this.#wire = new Wire(ends, { client: 1_000, server: 9_000 });
    this.#nowUs = connection.startUs ?? EPOCH_US;
  }

  get packets(): readonly Packet[] {
    return this.#wire.packets;
  }

  get nowUs(): number {
    return this.#nowUs;
  }

  wait(us: number): this {
    this.#nowUs += us;
    return this;
  }

  syn(): this {
    return this.#send("client", SYN, "");
  }

  /** SYN, SYN-ACK after 1 ms, ACK after another. */
  handshake(): this {
    this.syn().wait(1_000);
    this.#send("server", SYN | ACK, "");
    this.wait(1_000);
    return this.#send("client", ACK, "");
  }

  refuse(): this {
    return this.#send("server", RST | ACK, "");
  }

  client(text: string | Buffer, afterUs = 1_000): this {
    return this.wait(afterUs).#send("client", PSH | ACK, text);
  }

  server(text: string | Buffer, afterUs = 1_000): this {
    return this.wait(afterUs).#send("server", PSH | ACK, text);
  }

  close(): this {
    this.wait(500).#send("client", FIN | ACK, "");
    this.wait(500).#send("server", FIN | ACK, "");
    return this.wait(500).#send("client", ACK, "");
  }

  #send(from: "client" | "server", flags: number, text: string | Buffer, header?: Header): this {
    this.#wire.put(this.#nowUs, from, flags, Buffer.from(text as string, "utf8"), header);
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

export function pcap(...dialogues: readonly Dialogue[]): Buffer {
  return captureOf(dialogues.flatMap((dialogue) => dialogue.packets).sort((a, b) => a.atUs - b.atUs));
}

export function writePcap(path: string, ...dialogues: readonly Dialogue[]): string {
  writeFileSync(path, pcap(...dialogues));
  return path;
}
