/** Packets for IP, TCP, ICMP and every tunnel, with what should be found in them. */

import { type Case, OVER_IPV6 } from "./dissect.ts";
import {
  type Bytes,
  ethernet,
  gre,
  hex,
  ip6,
  ipv4,
  ipv6,
  ipv6Fragment,
  join,
  type TcpFields,
  tcp,
  text,
  u16,
  u32,
  udp,
  vlan,
} from "./packets.ts";

const hello = (fields: TcpFields = {}) => tcp(text("hello"), fields);
const segment = hello();
const v4 = ipv4(6, segment);
const v6 = ipv6(6, segment);
const frame = ethernet(0x0800, v4);
const in4 = (protocol: number, payload: Bytes) => ethernet(0x0800, ipv4(protocol, payload));
const in6 = (nextHeader: number, payload: Bytes) => ethernet(0x86dd, ipv6(nextHeader, payload));
const cut = (bytes: Uint8Array, lengthBytes: number) => ({
  bytes: bytes.subarray(0, lengthBytes),
  wireLength: bytes.length,
});

const TCP_AT = 34;
const onlyStart = { payload: "", length: 5 };
const nop = (count: number) => new Uint8Array(count).fill(1);

export const TCP_CASES: readonly Case[] = [
  { name: "plain", bytes: frame, want: {} },
  { name: "options", bytes: in4(6, hello({ options: nop(8) })), want: { options: "0101010101010101" } },
  { name: "no payload", bytes: in4(6, tcp([])), want: { payload: "", length: 0 } },
  { name: "payload cut", ...cut(frame, TCP_AT + 22), want: { payload: "he", length: 5 } },
  { name: "payload cut off", ...cut(frame, TCP_AT + 20), want: onlyStart },
  { name: "checksum cut off", ...cut(frame, TCP_AT + 16), want: onlyStart },
  { name: "window cut", ...cut(frame, TCP_AT + 15), want: "truncated" },
  { name: "cut after the ports", ...cut(frame, TCP_AT + 4), want: "truncated" },
  {
    name: "options cut",
    ...cut(in4(6, hello({ options: nop(8) })), TCP_AT + 23),
    want: { ...onlyStart, options: "010101" },
  },
  { name: "header shorter than a header", bytes: in4(6, hello({ words: 4 })), want: "malformed" },
  { name: "header of no length", bytes: in4(6, hello({ words: 0 })), want: "malformed" },
  { name: "header longer than the packet", bytes: in4(6, hello({ words: 7 })), want: "malformed" },
  { name: "header into the padding", bytes: join(in4(6, tcp([], { words: 6 })), u32(0)), want: "malformed" },
  {
    name: "packet ends in the header",
    bytes: ethernet(0x0800, ipv4(6, segment, { totalLength: 30 })),
    want: "malformed",
  },
].map((row) => ({ linkType: 1, ...row }));

const e4 = (fields: Parameters<typeof ipv4>[2]) => ethernet(0x0800, ipv4(6, segment, fields));
const options6 = (nextHeader: number, payload: Bytes) => join([nextHeader, 0, 1, 4, 0, 0, 0, 0], payload);
const routing = (type: number, left: number, addresses: Bytes[], payload: Bytes) =>
  join(
    [6, addresses.length * 2, type, left],
    type === 4 ? [addresses.length - 1, 0, 0, 0] : u32(0),
    ...addresses,
    payload,
  );
const stops = [ip6(0x71), ip6(0x72)];
const authentication = join([6, 4, 0, 0], u32(1), u32(2), new Uint8Array(12), segment);

export const IP_CASES: readonly Case[] = [
  { name: "IPv4 options", bytes: e4({ options: nop(8) }), want: {} },
  { name: "IPv4 options cut", ...cut(e4({ options: nop(8) }), 38), want: "truncated" },
  { name: "IPv4 cut", ...cut(e4({}), 30), want: "truncated" },
  { name: "IPv4 too short", bytes: ethernet(0x0800, v4.subarray(0, 19)), want: "malformed" },
  { name: "IPv4 header too short", bytes: ethernet(0x0800, join([0x44], v4.subarray(1))), want: "malformed" },
  { name: "IPv4 total length 0: offloaded", bytes: e4({ totalLength: 0 }), want: {} },
  { name: "IPv4 total length 0, cut", ...cut(e4({ totalLength: 0 }), 56), want: { payload: "he" } },
  { name: "IPv4 total length beyond the wire", bytes: e4({ totalLength: 200 }), want: {} },
  { name: "IPv4 total length within its header", bytes: e4({ totalLength: 10 }), want: "malformed" },
  { name: "IPv4 total length of its header", bytes: e4({ totalLength: 20 }), want: "malformed" },
  { name: "IPv4 don't fragment", bytes: e4({ fragment: 0x4000 }), want: {} },
  { name: "IPv4 reserved bit", bytes: e4({ fragment: 0x8000 }), want: {} },
  {
    name: "IPv4 loose route",
    bytes: e4({ options: hex("830b040a0000010a00000200") }),
    want: { destination: "10.0.0.2" },
  },
  {
    name: "IPv4 strict route",
    bytes: e4({ options: hex("018907040a000009") }),
    want: { destination: "10.0.0.9" },
  },
  { name: "IPv4 route at its end", bytes: e4({ options: hex("830b0c0a0000010a00000200") }), want: {} },
  { name: "IPv4 option of no length", bytes: e4({ options: hex("83000000") }), want: {} },
  { name: "IPv4 authenticated", bytes: in4(51, authentication), want: {} },
  { name: "IPv6 cut", ...cut(in6(6, segment), 50), want: "truncated" },
  { name: "IPv6 padded", bytes: join(in6(6, segment), u32(0)), want: OVER_IPV6 },
  {
    name: "IPv6 payload length beyond the wire",
    bytes: ethernet(0x86dd, ipv6(6, segment, { payloadLength: 200 })),
    want: OVER_IPV6,
  },
  {
    name: "IPv6 payload length 0: offloaded",
    bytes: ethernet(0x86dd, ipv6(6, segment, { payloadLength: 0 })),
    want: OVER_IPV6,
    differs: "tshark does so for IPv4 only, unless told to",
  },
  {
    name: "IPv6 payload length within TCP",
    bytes: ethernet(0x86dd, ipv6(6, segment, { payloadLength: 3 })),
    want: "malformed",
  },
  { name: "IPv6 hop by hop", bytes: in6(0, options6(6, segment)), want: OVER_IPV6 },
  { name: "IPv6 two extensions", bytes: in6(0, options6(60, options6(6, segment))), want: OVER_IPV6 },
  { name: "IPv6 extension cut", ...cut(in6(0, options6(6, segment)), 60), want: "truncated" },
  {
    name: "IPv6 extension too long",
    bytes: in6(0, join([6, 200], new Uint8Array(6), segment)),
    want: "malformed",
  },
  { name: "IPv6 authenticated", bytes: in6(51, authentication), want: OVER_IPV6 },
  { name: "IPv6 shim", bytes: in6(140, options6(6, segment)), want: OVER_IPV6 },
  { name: "IPv6 atomic fragment", bytes: in6(44, ipv6Fragment(6, 0, false, 7, segment)), want: OVER_IPV6 },
  { name: "IPv6 no next header", bytes: in6(59, segment), want: "unsupported" },
  {
    name: "IPv6 route",
    bytes: in6(43, routing(0, 2, stops, segment)),
    want: { ...OVER_IPV6, destination: "2001:db8::72" },
  },
  { name: "IPv6 route at its end", bytes: in6(43, routing(0, 0, stops, segment)), want: OVER_IPV6 },
  {
    name: "IPv6 mobile route",
    bytes: in6(43, routing(2, 1, stops.slice(0, 1), segment)),
    want: { ...OVER_IPV6, destination: "2001:db8::71" },
  },
  {
    name: "IPv6 segment route",
    bytes: in6(43, routing(4, 1, stops, segment)),
    want: { ...OVER_IPV6, destination: "2001:db8::71" },
  },
  { name: "IPv6 unknown route", bytes: in6(43, routing(5, 1, stops, segment)), want: OVER_IPV6 },
].map((row) => ({ linkType: 1, ...row }));

const icmp = (type: number, quoted: Bytes) => join([type, 0, 0, 0], u32(0), quoted);
const quote = { kind: "unreachable", payload: "", length: 0 } as const;
const shortQuote = { ...quote, acknowledgement: 0, flags: 0, window: 0 };

export const ICMP_CASES: readonly Case[] = [
  ...[3, 4, 11, 12].map((type) => ({ name: `ICMP ${type}`, bytes: in4(1, icmp(type, v4)), want: quote })),
  { name: "ICMP redirect", bytes: in4(1, icmp(5, v4)), want: "unsupported" },
  { name: "ICMP echo", bytes: in4(1, icmp(8, v4)), want: "unsupported" },
  { name: "ICMP of eight quoted bytes", bytes: in4(1, icmp(3, v4.subarray(0, 28))), want: shortQuote },
  { name: "ICMP of 15 quoted bytes", bytes: in4(1, icmp(3, v4.subarray(0, 35))), want: shortQuote },
  { name: "ICMP of 16 quoted bytes", bytes: in4(1, icmp(3, v4.subarray(0, 36))), want: quote },
  { name: "ICMP of seven quoted bytes", bytes: in4(1, icmp(3, v4.subarray(0, 27))), want: "malformed" },
  { name: "ICMP, cut", ...cut(in4(1, icmp(3, v4)), 66), want: "truncated" },
  {
    name: "ICMP about a fragment",
    bytes: in4(1, icmp(11, ipv4(6, segment, { id: 900, fragment: 0x2000 }))),
    want: "unsupported",
  },
  { name: "ICMP about UDP", bytes: in4(1, icmp(3, ipv4(17, udp(53, [])))), want: "unsupported" },
  ...[1, 2, 3, 4].map((type) => ({
    name: `ICMPv6 ${type}`,
    bytes: in6(58, icmp(type, v6)),
    want: { ...OVER_IPV6, ...quote },
  })),
  { name: "ICMPv6 neighbours", bytes: in6(58, icmp(135, v6)), want: "unsupported" },
  {
    name: "ICMPv6 about extensions",
    bytes: in6(58, icmp(1, ipv6(0, options6(6, segment)))),
    want: { ...OVER_IPV6, ...quote },
  },
].map((row) => ({ linkType: 1, ...row }));

const vxlan = join(hex("0800000000000500"), frame);
const geneve = (type: number, payload: Bytes, options: Bytes = []) =>
  join([options.length / 4, 0], u16(type), u32(0x500), options, payload);
const erspan2 = hex("1001000100000001");
const erspan3 = (low: string) => hex(`20010001 00000001 0000${low}`);
const numbered = { sequence: true };
const deep = (depth: number): Uint8Array => (depth === 0 ? v4 : ipv4(4, deep(depth - 1)));

export const TUNNEL_CASES: readonly Case[] = [
  { name: "IP in IP", bytes: in4(4, v4), want: {} },
  { name: "IPv6 as IP in IP", bytes: in4(4, v6), want: OVER_IPV6 },
  { name: "6in4", bytes: in4(41, v6), want: OVER_IPV6 },
  { name: "6in4 that is not", bytes: in4(41, v4), want: "malformed" },
  { name: "4in6", bytes: in6(4, v4), want: {} },
  { name: "6in6", bytes: in6(41, v6), want: OVER_IPV6 },
  { name: "EtherIP", bytes: in4(97, join([0x30, 0], frame)), want: {} },
  { name: "MPLS in IP", bytes: in4(137, join(u32(0x5140), v4)), want: {} },
  { name: "GRE", bytes: in4(47, gre(0x0800, v4)), want: {} },
  { name: "GRE, IPv6", bytes: in4(47, gre(0x86dd, v6)), want: OVER_IPV6 },
  { name: "GRE in IPv6", bytes: in6(47, gre(0x0800, v4)), want: {} },
  { name: "GRE, checksum", bytes: in4(47, gre(0x0800, v4, { checksum: true })), want: {} },
  { name: "GRE, key", bytes: in4(47, gre(0x0800, v4, { key: true })), want: {} },
  { name: "GRE, sequence", bytes: in4(47, gre(0x0800, v4, numbered)), want: {} },
  {
    name: "GRE, all",
    bytes: in4(47, gre(0x0800, v4, { checksum: true, key: true, sequence: true })),
    want: {},
  },
  { name: "GRE, Ethernet", bytes: in4(47, gre(0x6558, frame)), want: {} },
  {
    name: "GRE, Ethernet, VLAN",
    bytes: in4(47, gre(0x6558, ethernet(0x8100, vlan(5, 0x0800, v4)))),
    want: {},
  },
  { name: "GRE, MPLS", bytes: in4(47, gre(0x8847, join(u32(0x5140), v4))), want: {} },
  { name: "GRE, ARP", bytes: in4(47, gre(0x0806, v4)), want: "unsupported" },
  { name: "GRE, cut", ...cut(in4(47, gre(0x0800, v4, { key: true })), 40), want: "truncated" },
  {
    name: "PPTP",
    bytes: in4(47, join(hex("3081880b"), u16(49), u16(7), u32(1), u32(2), hex("ff030021"), v4)),
    want: {},
  },
  { name: "ERSPAN I", bytes: in4(47, gre(0x88be, frame)), want: {} },
  { name: "ERSPAN II", bytes: in4(47, gre(0x88be, join(erspan2, frame), numbered)), want: {} },
  { name: "ERSPAN III", bytes: in4(47, gre(0x22eb, join(erspan3("0000"), frame), numbered)), want: {} },
  {
    name: "ERSPAN III, platform",
    bytes: in4(47, gre(0x22eb, join(erspan3("0001"), new Uint8Array(8), frame), numbered)),
    want: {},
  },
  {
    name: "ERSPAN III, not a frame",
    bytes: in4(47, gre(0x22eb, join(erspan3("0800"), v4), numbered)),
    want: "unsupported",
  },
  {
    name: "ERSPAN III, direction",
    bytes: in4(47, gre(0x22eb, join(erspan3("8000"), frame), numbered)),
    want: {},
  },
  { name: "VXLAN", bytes: in4(17, udp(4789, vxlan)), want: {} },
  { name: "VXLAN in IPv6", bytes: in6(17, udp(4789, vxlan)), want: {} },
  { name: "VXLAN, answered", bytes: in4(17, udp(50000, vxlan, { sourcePort: 4789 })), want: {} },
  {
    name: "VXLAN, Linux's port",
    bytes: in4(17, udp(8472, vxlan)),
    want: {},
    differs: "tshark knows the assigned port only, unless told to",
  },
  { name: "VXLAN, longer than IP", bytes: in4(17, udp(4789, vxlan, { length: 500 })), want: {} },
  {
    name: "VXLAN, shorter than its frame",
    bytes: in4(17, udp(4789, vxlan, { length: 8 + 8 + 14 + 42 })),
    want: { length: 2, payload: "he" },
  },
  { name: "VXLAN in UDP of no length", bytes: in4(17, udp(4789, vxlan, { length: 0 })), want: "malformed" },
  { name: "VXLAN, cut", ...cut(in4(17, udp(4789, vxlan)), 45), want: "truncated" },
  { name: "Geneve", bytes: in4(17, udp(6081, geneve(0x6558, frame))), want: {} },
  { name: "Geneve, options", bytes: in4(17, udp(6081, geneve(0x6558, frame, u32(0)))), want: {} },
  { name: "Geneve, IP", bytes: in4(17, udp(6081, geneve(0x0800, v4))), want: {} },
  { name: "Geneve, cut", ...cut(in4(17, udp(6081, geneve(0x6558, frame))), 48), want: "truncated" },
  { name: "the lower tunnel port decides", bytes: in4(17, udp(6081, vxlan, { sourcePort: 4789 })), want: {} },
  {
    name: "VXLAN in GRE in 6in4",
    bytes: in4(41, ipv6(47, gre(0x0800, ipv4(17, udp(4789, vxlan))))),
    want: {},
  },
  {
    name: "twenty tunnels in each other",
    bytes: ethernet(0x0800, deep(20)),
    want: "unsupported",
    differs: "more tunnels than any network has",
  },
].map((row) => ({ linkType: 1, ...row }));
