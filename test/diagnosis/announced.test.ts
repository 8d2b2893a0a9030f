/** Behind a load balancer the server looks up whom the PROXY header names. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode } from "dns-packet";
import { afterAll, expect, test } from "vitest";
import {
  ACK,
  captureOf,
  datagram,
  type End,
  EPOCH_US,
  type Packet,
  PSH,
  SYN,
  Wire,
} from "../support/raw-ip.ts";
import { reportOf } from "./labelled-set.ts";

const folder = mkdtempSync(join(tmpdir(), "smtpscope-announced-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const BALANCER = "10.0.0.9";
const SERVER: End = ["192.0.2.25", 25];
const RESOLVER: End = ["203.0.113.53", 53];
const SLOW_US = 1_300_000;

/** Dialogues of three clients that come by the load balancer; each one's PTR is asked for before the banner. */
function capture(header: (client: string) => string): Buffer {
  const packets: Packet[] = [];
  for (let i = 0; i < 3; i++) {
    const client = `198.51.100.${7 + i}`;
    const startUs = EPOCH_US + i * 10_000_000;
    const wire = new Wire(
      { client: [BALANCER, 40_000 + i], server: SERVER },
      { client: 1_000, server: 9_000 },
    );
    const say = (atUs: number, from: "client" | "server", text: string) =>
      wire.put(startUs + atUs, from, PSH | ACK, Buffer.from(text));
    wire.put(startUs, "client", SYN, Buffer.alloc(0));
    wire.put(startUs + 100, "server", SYN | ACK, Buffer.alloc(0));
    wire.put(startUs + 200, "client", ACK, Buffer.alloc(0));
    say(300, "client", header(client));
    say(SLOW_US + 1_000, "server", "220 mx.example.net ESMTP\r\n");
    say(SLOW_US + 1_300, "client", "EHLO c.example.org\r\n");
    say(SLOW_US + 1_500, "server", "250 mx.example.net\r\n");
    say(SLOW_US + 1_800, "client", "QUIT\r\n");
    say(SLOW_US + 2_000, "server", "221 bye\r\n");
    packets.push(...wire.packets);
    const questions = [
      { type: "PTR" as const, name: `${client.split(".").reverse().join(".")}.in-addr.arpa` },
    ];
    const asker: End = [SERVER[0], 50_000 + i];
    const answers = [{ type: "PTR" as const, name: questions[0]!.name, data: "c.example.org" }];
    packets.push(
      datagram(startUs + 500, asker, RESOLVER, encode({ type: "query", id: i, questions })),
      datagram(
        startUs + 500 + SLOW_US,
        RESOLVER,
        asker,
        encode({ type: "response", id: i, questions, answers }),
      ),
    );
  }
  packets.sort((a, b) => a.atUs - b.atUs);
  return captureOf(packets);
}

async function causes(header: (client: string) => string): Promise<[string, number][]> {
  const file = join(folder, "behind.pcap");
  writeFileSync(file, capture(header));
  const { findings } = await reportOf(file);
  return findings.flatMap((finding) => ("rank" in finding ? [[finding.id, finding.confidence]] : []));
}

test("its lookups are proved", async () => {
  const found = await causes((client) => `PROXY TCP4 ${client} 192.0.2.25 40000 25\r\n`);
  expect(found.map(([id]) => id)).toEqual(["cause/dns-ptr"]);
  expect(found[0]![1]).toBeGreaterThan(0.5);
});

test("and those about somebody else are not", async () => {
  const found = await causes(() => "PROXY TCP4 198.51.100.200 192.0.2.25 40000 25\r\n");
  expect(found.filter(([, confidence]) => confidence > 0.5)).toEqual([]);
});
