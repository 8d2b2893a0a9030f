/**
 * The dissector against tshark, frame by frame: all packets of the tables, and all captures at hand
 * (the repository's own, and those of a folder of third-party ones beside it, if there is one).
 */
import { existsSync, readdirSync } from "node:fs";
import { join as joinPath } from "node:path";
import { describe, expect, test } from "vitest";
import { ETHER_TYPE_CASES, LINK_CASES } from "../link/cases.ts";
import { ICMP_CASES, IP_CASES, TCP_CASES, TUNNEL_CASES } from "./cases.ts";
import { dissect, type Packet, type Seen } from "./dissect.ts";
import { askTshark, decodeCapture, encodePcap, oracleMissing, withFile } from "./oracle.ts";
import { ethernet, ipv4, ipv6, ipv6Fragment, tcp, text } from "./packets.ts";

const FIELDS = [
  "frame.number",
  "frame.protocols",
  "tcp.stream",
  "_ws.col.Source",
  "_ws.col.Destination",
  "tcp.srcport",
  "tcp.dstport",
  "tcp.seq_raw",
  "tcp.ack_raw",
  "tcp.flags",
  "tcp.len",
];

/**
 * What both can say of a frame: its segment; that an error quotes one of which enough is left to count
 * it as a connection; or neither.
 */
type Opinion = readonly (string | number)[] | "unreachable" | null;

function theirs(file: string): Map<number, Opinion> {
  const opinions = new Map<number, Opinion>();
  for (const [frame, protocols, stream, source, destination, ...numbers] of askTshark(file, FIELDS)) {
    let opinion: Opinion = null;
    if (stream !== "" && /:icmp(v6)?:ip(v6)?.*:tcp/.test(protocols!)) opinion = "unreachable";
    // Bogus headers get a connection, but no flags or no length.
    else if (stream !== "" && numbers[4] !== "" && numbers[5] !== "") {
      const [sourcePort, destinationPort, sequence, acknowledgement, flags, length] = numbers.map(Number);
      // In its flags are the reserved bits as well.
      const bits = flags! & 0xff;
      opinion = [
        source!,
        destination!,
        sourcePort!,
        destinationPort!,
        sequence!,
        acknowledgement!,
        bits,
        length!,
      ];
    }
    opinions.set(Number(frame), opinion);
  }
  return opinions;
}

const ours = (outcome: Seen | string): Opinion => {
  if (typeof outcome === "string") return null;
  const { source, destination, sourcePort, destinationPort, sequence, acknowledgement, flags, length } =
    outcome;
  if (outcome.kind === "unreachable") return flags === 0 ? null : "unreachable";
  return [source, destination, sourcePort, destinationPort, sequence, acknowledgement, flags, length];
};

/** Fragments of packets of their own, so that both reassemblers see them among others. */
const datagram = tcp(text("x".repeat(40)));
const fragment4 = (id: number, from: number, to: number): Packet => ({
  linkType: 1,
  bytes: ethernet(
    0x0800,
    ipv4(6, datagram.subarray(from, to), { id, fragment: (from >> 3) | (to < 60 ? 0x2000 : 0) }),
  ),
});
const fragment6 = (id: number, from: number, to: number): Packet => ({
  linkType: 1,
  bytes: ethernet(0x86dd, ipv6(44, ipv6Fragment(6, from, to < 60, id, datagram.subarray(from, to)))),
});
const FRAGMENTS: readonly Packet[] = [fragment4, fragment6].flatMap((cut) => [
  ...[cut(1, 0, 24), cut(1, 24, 48), cut(1, 48, 60)],
  ...[cut(2, 48, 60), cut(2, 24, 48), cut(2, 0, 24)],
  ...[cut(3, 0, 24), cut(3, 0, 24), cut(3, 24, 60), cut(3, 24, 60)],
  ...[cut(4, 24, 60), cut(5, 0, 24)],
  ...[cut(6, 0, 32), cut(6, 24, 60)],
]);

const TABLES = [
  ...LINK_CASES,
  ...ETHER_TYPE_CASES,
  ...IP_CASES,
  ...TCP_CASES,
  ...ICMP_CASES,
  ...TUNNEL_CASES,
];
const comparable = TABLES.filter((row) => row.differs === undefined && row.linkType >= 0);
const linkTypes = [...new Set(comparable.map((row) => row.linkType))];

const folders = [
  joinPath(import.meta.dirname, "../../../captures"),
  joinPath(import.meta.dirname, "../../../../shared/captures"),
];
const captures = folders
  .filter((folder) => folder !== "" && existsSync(folder))
  .flatMap((folder) => readdirSync(folder).map((name) => joinPath(folder, name)))
  .filter((file) => /\.(pcap|pcapng|cap|trace|gz)$/.test(file));

test.skipIf(oracleMissing === null || process.env.CI === undefined)(
  "tshark is installed where it must be",
  () => {
    expect(oracleMissing).toBeNull();
  },
);

describe.skipIf(oracleMissing !== null)(oracleMissing ?? "the same segments as tshark", () => {
  test.each(linkTypes)("in packets of link layer %i", (linkType) => {
    const rows = comparable.filter((row) => row.linkType === linkType);
    const opinions = withFile(encodePcap(linkType, rows), theirs);
    const together = dissect(rows);
    const compared = rows.map((row, i) => [row.name, ours(together[i]!)]);
    expect(compared).toEqual(rows.map((row, i) => [row.name, opinions.get(i + 1)]));
  });

  test("in fragments", () => {
    const opinions = withFile(encodePcap(1, FRAGMENTS), theirs);
    expect(dissect(FRAGMENTS).map(ours)).toEqual(FRAGMENTS.map((_, i) => opinions.get(i + 1)));
  });

  test.each(captures)(
    "in %s",
    (file) => {
      const records = decodeCapture(file);
      if (records === null) return;
      const opinions = theirs(file);
      const outcomes = dissect(records);
      const compared = records.map((record, i) => [record.frame, ours(outcomes[i]!)]);
      expect(compared).toEqual(records.map((record) => [record.frame, opinions.get(record.frame)]));
    },
    30_000,
  );
});
