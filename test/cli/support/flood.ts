/**
 * Captures of many connections at once, written straight to a file: half of them over IPv4, half over
 * IPv6, all to port 25, 5 µs from packet to packet. Raw IP, as in `pcap.ts`.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { ACK, captureHeader, EPOCH_US, PSH, recordHeader, SYN } from "../../support/raw-ip.ts";

const PSH_ACK = PSH | ACK;
const PACKET_STEP_US = 5;
const PORTS_A_CLIENT = 60_000;
const FLUSH_BYTES = 1 << 20;

/** What the two sides of one connection say, in order; the handshake comes first where `opens` is set. */
export interface Script {
  readonly opens: boolean;
  readonly says: readonly (readonly ["client" | "server", string])[];
}

export function writeFlood(path: string, connections: number, script: Script): string {
  const file = openSync(path, "w");
  let parts = [captureHeader()];
  let bytes = 0;
  let atUs = EPOCH_US;
  const flush = () => {
    writeSync(file, Buffer.concat(parts));
    parts = [];
    bytes = 0;
  };
  for (let index = 0; index < connections; index++) {
    const next = { client: 1_000, server: 9_000 };
    const send = (from: "client" | "server", flags: number, text: string) => {
      atUs += PACKET_STEP_US;
      const record = packet(index, from, flags, next, Buffer.from(text, "latin1"), atUs);
      parts.push(record);
      bytes += record.length;
      next[from] += text.length + (flags & SYN ? 1 : 0);
    };
    send("client", SYN, "");
    if (script.opens) {
      send("server", SYN | ACK, "");
      send("client", ACK, "");
      for (const [from, text] of script.says) send(from, PSH_ACK, text);
    }
    if (bytes > FLUSH_BYTES) flush();
  }
  flush();
  closeSync(file);
  return path;
}

function packet(
  index: number,
  from: "client" | "server",
  flags: number,
  next: { readonly client: number; readonly server: number },
  payload: Buffer,
  atUs: number,
): Buffer {
  const v6 = index % 2 === 1;
  const ipBytes = v6 ? 40 : 20;
  const length = ipBytes + 20 + payload.length;
  const record = Buffer.alloc(16 + length);
  record.set(recordHeader(atUs, length));
  const number = index >>> 1;
  const host = Math.floor(number / PORTS_A_CLIENT) + 1;
  const ports = [1_024 + (number % PORTS_A_CLIENT), 25];
  const ip = record.subarray(16);
  const [clientAt, serverAt] = from === "client" ? [0, 1] : [1, 0];
  const addressBytes = v6 ? 16 : 4;
  const addressesAt = v6 ? 8 : 12;
  if (v6) {
    ip[0] = 0x60;
    ip.writeUInt16BE(20 + payload.length, 4);
    ip[6] = 6;
    ip[7] = 64;
    for (const end of [0, 1]) ip.writeUInt32BE(0x20010db8, addressesAt + end * addressBytes);
  } else {
    ip[0] = 0x45;
    ip.writeUInt16BE(length, 2);
    ip[8] = 64;
    ip[9] = 6;
    for (const end of [0, 1]) ip[addressesAt + end * addressBytes] = 10;
  }
  ip[addressesAt + (clientAt + 1) * addressBytes - 1] = host;
  ip[addressesAt + (serverAt + 1) * addressBytes - 2] = 25;
  const tcp = ip.subarray(ipBytes);
  tcp.writeUInt16BE(ports[clientAt]!, 0);
  tcp.writeUInt16BE(ports[serverAt]!, 2);
  tcp.writeUInt32BE(next[from], 4);
  tcp.writeUInt32BE(flags & ACK ? next[from === "client" ? "server" : "client"] : 0, 8);
  tcp[12] = 5 << 4;
  tcp[13] = flags;
  tcp.writeUInt16BE(64_000, 14);
  tcp.set(payload, 20);
  return record;
}
