/**
 * Captures made up by chance from a seed: several conversations at once, on few addresses and ports so
 * that tuples come again, with everything that a network and a capture do to packets.
 */
import type { Side } from "../../../src/spine/wire.ts";
import { ip4, ip6, type Packet, Talk } from "./packets.ts";

/** Numbers from a seed (mulberry32), the same on every machine. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** An integer in [0, below). */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * limit);
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}

export interface MixOptions {
  conversations: number;
  /** Packets go missing from the capture. */
  losses: boolean;
  /** Copies, reordering and overlaps. */
  disorder: boolean;
  /** RST, FIN, SYN and ICMP where none belongs. */
  mischief: boolean;
}

/** Text in which no part looks like another. */
function filler(chance: Chance): string {
  return Array.from({ length: chance.below(14) }, () =>
    chance.below(46_656).toString(36).padStart(3, "0"),
  ).join("");
}

function anyTalk(chance: Chance, nth: number): Talk {
  const host = chance.once(4) ? ip6 : ip4;
  return new Talk({
    client: host(1 + chance.below(2), 40_000 + chance.below(2)),
    server: host(25, chance.of([25, 587, 8_025])),
    // Near where numbers wrap or change sign, but never the same number twice.
    clientIsn: chance.once(3) ? 0xffff_fff0 - nth * 5 : chance.below(0xffff_ffff),
    serverIsn: chance.once(3) ? 0x7fff_fff0 - nth * 5 : chance.below(0xffff_ffff),
  });
}

function conversation(chance: Chance, talk: Talk, isFirst: boolean, options: MixOptions): Packet[] {
  const packets: Packet[] = [];
  if (!isFirst || !chance.once(6)) {
    packets.push(talk.syn());
    if (chance.once(6)) packets.push(talk.syn());
    if (chance.once(12)) return [...packets, talk.server(-1, "", { ack: 0, flags: "R" })];
    packets.push(talk.synAck(), talk.client(0, ""));
  }
  const sent = { client: 0, server: 0 };
  const say = (from: Side, text: string, flags = "") => {
    const peer = from === "client" ? "server" : "client";
    packets.push(talk[from](sent[from], text, { ack: sent[peer], flags }));
    sent[from] += text.length;
  };
  say("server", "220 mx.example ESMTP\r\n");
  const rounds = chance.below(6);
  for (let round = 0; round < rounds; round++) {
    const command = `NOOP ${round} ${filler(chance)}\r\n`;
    const cut = chance.below(command.length);
    if (cut > 0) say("client", command.slice(0, cut));
    say("client", command.slice(cut));
    say("server", `250 ok ${round} ${filler(chance)}\r\n`);
    if (chance.once(5)) say("client", "");
    if (options.mischief && chance.once(8))
      packets.push(talk.client(sent.client - 1, "", { ack: sent.server }));
  }
  switch (chance.below(4)) {
    case 0:
      say("client", "QUIT\r\n");
      say("server", "221 bye\r\n", "F");
      packets.push(talk.client(sent.client, "", { ack: sent.server + 1, flags: "F" }));
      packets.push(talk.server(sent.server + 1, "", { ack: sent.client + 1 }));
      break;
    case 1:
      packets.push(talk.client(sent.client, "", { ack: sent.server, flags: "F" }));
      packets.push(talk.server(sent.server, "", { ack: sent.client + 1, flags: "F" }));
      break;
    case 2:
      packets.push(talk.client(sent.client, "", { ack: sent.server, flags: "R" }));
      break;
  }
  if (options.mischief) meddle(chance, talk, packets, sent);
  return packets;
}

function meddle(
  chance: Chance,
  talk: Talk,
  packets: Packet[],
  sent: { client: number; server: number },
): void {
  const put = (packet: Packet) => packets.splice(chance.below(packets.length + 1), 0, packet);
  if (chance.once(6)) put(talk.syn());
  if (chance.once(8)) put({ ...talk.syn(), seq: 5_000 });
  if (chance.once(8)) put(talk.client(0x3000_0000, "", { ack: 0, flags: "R" }));
  if (chance.once(8)) put(talk.server(sent.server, "", { ack: sent.client, flags: "F" }));
  if (chance.once(8) && packets[0]!.flags === "S")
    packets.splice(1, 0, talk.syn({ icmp: talk.link.client.address.length === 4 ? [3, 1] : [1, 3] }));
  if (chance.once(8)) put(talk.server(-1, "", { flags: "S", ack: null }));
  if (chance.once(10)) put({ ...talk.synAck(), seq: 77_000 });
}

function disordered(chance: Chance, packets: readonly Packet[]): Packet[] {
  const all: { packet: Packet; key: number }[] = [];
  packets.forEach((packet, index) => {
    all.push({ packet, key: index + (chance.once(6) ? chance.below(3) : 0) });
    if (chance.once(8)) all.push({ packet, key: index + 0.5 + chance.below(4) });
    if (packet.data.length > 4 && chance.once(8)) {
      const part = 1 + chance.below(packet.data.length - 2);
      all.push({
        packet: { ...packet, seq: packet.seq + part, data: packet.data.subarray(part) },
        key: index + chance.below(3),
      });
    }
  });
  return all.sort((a, b) => a.key - b.key).map(({ packet }) => packet);
}

export function randomMix(seed: number, options: MixOptions): Packet[] {
  const chance = new Chance(seed);
  const all: { packet: Packet; key: number }[] = [];
  const freeAt = new Map<string, number>();
  for (let n = 0; n < options.conversations; n++) {
    const talk = anyTalk(chance, n);
    const tuple = JSON.stringify([talk.link.client, talk.link.server]);
    let packets = conversation(chance, talk, !freeAt.has(tuple), options);
    if (options.losses) packets = packets.filter(() => !chance.once(10));
    if (options.disorder) packets = disordered(chance, packets);
    // Addresses and ports come again only when the conversation before is over.
    const start = Math.max(chance.below(options.conversations * 12), freeAt.get(tuple) ?? 0);
    const step = 0.3 + chance.below(20) / 10;
    freeAt.set(tuple, start + packets.length * step);
    packets.forEach((packet, index) => {
      all.push({ packet, key: start + index * step });
    });
  }
  return all.sort((a, b) => a.key - b.key).map(({ packet }, index) => ({ ...packet, atUs: index * 250 }));
}
