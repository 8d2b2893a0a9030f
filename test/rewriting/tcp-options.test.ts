/** Whether packets go by the options of the SYNs. Values are those of stacks: Linux 6, Windows, FreeBSD, old Linux. */
import { describe, expect, test } from "vitest";
import { optionsChange } from "../../src/rewriting/tcp-options.ts";
import { ACK_FLAG, RST_FLAG, SYN_FLAG } from "../../src/spine/packets.ts";
import { type Packet, table } from "./packets.ts";

const LINUX: Partial<Packet> = { window: 64_240, scale: 7, permitsSack: true, clock: 10 };
const PLAIN: Partial<Packet> = { window: 16_384, scale: undefined, permitsSack: false, clock: undefined };

/** A dialogue of two packets; `clock` of later packets follows from the SYNs unless it is given. */
function dialogue(
  syn: Partial<Packet>,
  synAck: Partial<Packet>,
  client: Partial<Packet>,
  server: Partial<Packet>,
) {
  const clock = syn.clock === undefined || synAck.clock === undefined ? {} : { clock: 50 };
  const packets: Packet[] = [
    { at: 0, from: "C", flags: SYN_FLAG, offset: -1, ...syn },
    { at: 20, from: "S", flags: SYN_FLAG | ACK_FLAG, offset: -1, ...synAck },
    { at: 20, from: "C", ...clock, ...client, length: 0 },
    { at: 60, from: "S", length: 37, ...clock, ...server },
    { at: 65, from: "C", length: 25, acks: 37, ...clock, ...client },
  ];
  return packets;
}

const SCALED = { window: 502 };
const honest = (
  syn = LINUX,
  synAck = LINUX,
  client: Partial<Packet> = SCALED,
  server: Partial<Packet> = SCALED,
) => dialogue(syn, synAck, client, server);

describe("changed", () => {
  test.each<readonly [string, readonly Packet[], RegExp]>([
    ["a scale nobody asked for", honest({ ...LINUX, scale: undefined }), /agrees to window scale/],
    ["timestamps nobody asked for", honest({ ...LINUX, clock: undefined }), /agrees to timestamps/],
    [
      "timestamps that the client did not get",
      honest(LINUX, LINUX, { ...SCALED, clock: undefined }),
      /both SYNs have timestamps, the client's data has none/,
    ],
    [
      "timestamps that were taken out of the SYN-ACK, seen between",
      honest({ ...LINUX, clock: undefined }, PLAIN, { window: 64_240, clock: 7 }, { window: 16_384 }),
      /the client's data has timestamps, its SYN has none/,
    ],
    [
      "a scale taken out of the SYN-ACK, seen at the client",
      honest(LINUX, { ...LINUX, scale: undefined }, { window: 64_240 }, { window: 64 }),
      /the server's window is 64240 octets in its SYN-ACK and 64 in its next/,
    ],
    [
      "the same, seen at the server",
      honest(LINUX, LINUX, { window: 64_240 }),
      /the client agreed to scale its windows by 128, and does not/,
    ],
    [
      "a scale put in its place that is smaller",
      honest(LINUX, { ...LINUX, scale: 1 }),
      /the server's window is 64240 octets in its SYN-ACK and 1004 in its next/,
    ],
    [
      "SACK that is not permitted",
      honest({ ...LINUX, permitsSack: false }, LINUX, SCALED, { ...SCALED, sack: 1_448 }),
      /the server sends SACK, which its peer's SYN does not permit/,
    ],
    [
      "SACK that the SYN-ACK did not permit",
      honest(LINUX, { ...LINUX, permitsSack: false }, { ...SCALED, sack: 1_448 }),
      /the client sends SACK, which its peer's SYN-ACK does not permit/,
    ],
    [
      "SACK in numbers from before they were changed",
      honest(LINUX, LINUX, SCALED, { ...SCALED, sack: 1_900_000_000 }),
      /the server acknowledges \(SACK\) sequence numbers that its peer never used/,
    ],
  ])("%s", (_why, packets, what) => {
    expect(optionsChange(table(packets))?.what).toMatch(what);
  });
});

const WINDOWS: Partial<Packet> = { window: 8_192, scale: 8, permitsSack: true, clock: undefined };
const FREEBSD: Partial<Packet> = { window: 65_535, scale: 6, permitsSack: true, clock: 9 };

describe("not", () => {
  test.each<readonly [string, readonly Packet[]]>([
    ["Linux on both sides", honest()],
    ["Linux to a server without options", honest(LINUX, PLAIN, { window: 64_240 }, { window: 16_384 })],
    ["neither has options", honest(PLAIN, PLAIN, { window: 16_384 }, { window: 16_384 })],
    ["Windows: a window that grows 32 times", honest(LINUX, WINDOWS, SCALED, { window: 1_026 })],
    ["Windows as client", honest(WINDOWS, { ...LINUX, clock: undefined }, { window: 257 }, SCALED)],
    ["FreeBSD, and a buffer of 4 MB from the start", honest(LINUX, FREEBSD, SCALED, { window: 65_535 })],
    [
      "an old Linux",
      honest({ ...LINUX, window: 5_840 }, { ...LINUX, window: 5_792 }, { window: 46 }, { window: 46 }),
    ],
    ["a server with no room for now", honest(LINUX, LINUX, SCALED, { window: 0 })],
    ["a small window, as it was promised", honest(LINUX, { ...LINUX, window: 4 }, SCALED, { window: 1 })],
    ["SACK of what came twice (RFC 2883)", honest(LINUX, LINUX, { ...SCALED, sack: -1_448 })],
    ["SACK", honest(LINUX, LINUX, SCALED, { ...SCALED, sack: 2_896 })],
    ["options of the SYN that were not captured", honest({ ...PLAIN, cut: true })],
    [
      "options of the data that were not captured",
      honest(LINUX, LINUX, { window: 502, clock: undefined, cut: true }),
    ],
    [
      "a SYN that leaves options out when it is sent again",
      [
        { at: -3_000, from: "C", flags: SYN_FLAG, offset: -1, ...LINUX },
        ...honest({ ...LINUX, scale: undefined }),
      ],
    ],
    ["no SYN", honest().slice(1)],
    ["no SYN-ACK", honest().filter((_, i) => i !== 1)],
    ["a reset without options", [...honest(), { at: 70, from: "C", flags: RST_FLAG, window: 0 }]],
    [
      "a buffer that has grown while a message came",
      [...honest().slice(0, 3), { at: 900, from: "S", acks: 9_000_000, window: 49_152, clock: 50 }],
    ],
  ])("%s", (_why, packets) => {
    expect(optionsChange(table(packets))).toBeNull();
  });
});
