/** Packets for every link layer and EtherType, with what should be found in them. */

import { type Case, OVER_IPV6 } from "../network/dissect.ts";
import {
  type Bytes,
  ethernet,
  hex,
  ipv4,
  ipv6,
  join,
  tcp,
  text,
  u16,
  u32,
  udp,
  vlan,
} from "../network/packets.ts";

const segment = tcp(text("hello"));
const v4 = ipv4(6, segment);
const v6 = ipv6(6, segment);
const cut = (bytes: Uint8Array, lengthBytes: number) => ({
  bytes: bytes.subarray(0, lengthBytes),
  wireLength: bytes.length,
});

const snap = (organisation: string, type: number, payload: Bytes) =>
  join(hex("aaaa03"), hex(organisation), u16(type), payload);
const framed802 = (payload: Bytes, lengthBytes = payload.length) => ethernet(lengthBytes, payload);
const label = (value: number, isLast: boolean) => u32((value << 12) | (isLast ? 0x100 : 0) | 64);
const pppoe = (payload: Bytes, lengthBytes = payload.length) =>
  join(hex("11000001"), u16(lengthBytes), payload);
/** Vendors' addresses that tshark knows, without which it takes no bytes for an Ethernet header. */
const KNOWN_MACS = hex("001122334455 00000c010203");

export const ETHER_TYPE_CASES: readonly Case[] = [
  { name: "IPv4", bytes: ethernet(0x0800, v4), want: {} },
  { name: "IPv6", bytes: ethernet(0x86dd, v6), want: OVER_IPV6 },
  { name: "IPv6 announced as IPv4", bytes: ethernet(0x0800, v6), want: OVER_IPV6 },
  { name: "IPv4 announced as IPv6", bytes: ethernet(0x86dd, v4), want: "malformed" },
  { name: "IP of no version", bytes: ethernet(0x0800, join([0x75], v4.subarray(1))), want: "malformed" },
  { name: "ARP", bytes: ethernet(0x0806, new Uint8Array(28)), want: "unsupported" },
  { name: "padding and check sequence", bytes: ethernet(0x0800, join(v4, new Uint8Array(9))), want: {} },
  { name: "Ethernet in Ethernet", bytes: ethernet(0x6558, ethernet(0x0800, v4)), want: {} },
  { name: "802.1Q", bytes: ethernet(0x8100, vlan(5, 0x0800, v4)), want: {} },
  { name: "802.1ad", bytes: ethernet(0x88a8, vlan(5, 0x8100, vlan(6, 0x0800, v4))), want: {} },
  { name: "QinQ, old", bytes: ethernet(0x9100, vlan(5, 0x8100, vlan(6, 0x86dd, v6))), want: OVER_IPV6 },
  { name: "VLAN of 802.3", bytes: ethernet(0x8100, vlan(5, 50 + 3, snap("000000", 0x0800, v4))), want: {} },
  { name: "VLAN, cut", ...cut(ethernet(0x8100, vlan(5, 0x0800, v4)), 16), want: "truncated" },
  { name: "VLAN, too short", bytes: ethernet(0x8100, [0, 5]), want: "malformed" },
  {
    name: "a hundred VLAN tags",
    bytes: ethernet(
      0x8100,
      join(...Array.from({ length: 99 }, () => vlan(5, 0x8100, [])), vlan(5, 0x0800, v4)),
    ),
    want: "unsupported",
    differs: "more tags than any network has",
  },
  { name: "SNAP", bytes: framed802(snap("000000", 0x0800, v4)), want: {} },
  { name: "SNAP, 802.1H", bytes: framed802(snap("0000f8", 0x86dd, v6)), want: OVER_IPV6 },
  { name: "SNAP of Cisco", bytes: framed802(snap("00000c", 0x0800, v4)), want: "unsupported" },
  { name: "SNAP, padded", bytes: framed802(join(snap("000000", 0x0800, v4), u32(0)), 53), want: {} },
  { name: "LLC for IP", bytes: framed802(join(hex("060603"), v4)), want: {} },
  { name: "LLC for spanning tree", bytes: framed802(join(hex("424203"), v4)), want: "unsupported" },
  {
    name: "neither type nor length",
    bytes: framed802(snap("000000", 0x0800, v4), 1501),
    want: "unsupported",
  },
  { name: "MPLS", bytes: ethernet(0x8847, join(label(16, false), label(17, true), v4)), want: {} },
  { name: "MPLS multicast", bytes: ethernet(0x8848, join(label(17, true), v6)), want: OVER_IPV6 },
  { name: "MPLS without end", bytes: ethernet(0x8847, join(label(17, false))), want: "malformed" },
  { name: "MPLS, cut", ...cut(ethernet(0x8847, join(label(17, true), v4)), 18), want: "truncated" },
  {
    name: "MPLS management",
    bytes: ethernet(0x8847, join(label(17, true), hex("10000007"), v4)),
    want: "unsupported",
  },
  {
    name: "pseudowire with control word",
    bytes: ethernet(0x8847, join(label(17, true), hex("00001234"), KNOWN_MACS, u16(0x0800), v4)),
    want: {},
  },
  {
    name: "pseudowire without control word",
    bytes: ethernet(0x8847, join(label(17, true), KNOWN_MACS, u16(0x0800), v4)),
    want: {},
  },
  {
    name: "pseudowire with control word and a VLAN",
    bytes: ethernet(
      0x8847,
      join(label(17, true), hex("00001234"), KNOWN_MACS, u16(0x8100), vlan(5, 0x0800, v4)),
    ),
    want: {},
  },
  { name: "PPPoE", bytes: ethernet(0x8864, pppoe(join(u16(0x21), v4))), want: {} },
  { name: "PPPoE, IPv6", bytes: ethernet(0x8864, pppoe(join(u16(0x57), v6))), want: OVER_IPV6 },
  { name: "PPPoE, compressed", bytes: ethernet(0x8864, pppoe(join([0x21], v4))), want: {} },
  { name: "PPPoE, padded", bytes: ethernet(0x8864, join(pppoe(join(u16(0x21), v4)), u32(0))), want: {} },
  {
    name: "PPPoE that ends before its packet",
    bytes: ethernet(0x8864, pppoe(join(u16(0x21), v4), 44)),
    want: { length: 2, payload: "he" },
  },
  { name: "PPPoE, too long", bytes: ethernet(0x8864, pppoe(join(u16(0x21), v4), 999)), want: {} },
  { name: "PPPoE, control", bytes: ethernet(0x8864, pppoe(join(u16(0xc021), v4))), want: "unsupported" },
  { name: "PPPoE discovery", bytes: ethernet(0x8863, pppoe(v4)), want: "unsupported" },
].map((row) => ({ linkType: 1, ...row }));

const sll = (protocol: number, payload: Bytes, hardware = 1) =>
  join(u16(0), u16(hardware), u16(6), hex("0200000000010000"), u16(protocol), payload);
const sll2 = (protocol: number, payload: Bytes, hardware = 1) =>
  join(u16(protocol), u16(0), u32(1), u16(hardware), [0, 6], hex("0200000000010000"), payload);

const family = (value: number, payload: Bytes, little: boolean) =>
  join(little ? [value & 0xff, value >> 8, 0, 0] : u32(value), payload);
const families: Case[] = [24, 28, 30].flatMap((value) => [
  { name: `NULL, IPv6 as ${value}`, linkType: 0, bytes: family(value, v6, true), want: OVER_IPV6 },
  {
    name: `NULL, IPv6 as ${value}, big-endian`,
    linkType: 0,
    bytes: family(value, v6, false),
    want: OVER_IPV6,
  },
  { name: `LOOP, IPv6 as ${value}`, linkType: 108, bytes: family(value, v6, false), want: OVER_IPV6 },
]);

const attribute = (type: number, value: Bytes, little = true) => {
  const lengthBytes = value.length + 4;
  const numbers = little
    ? [lengthBytes & 0xff, lengthBytes >> 8, type, 0]
    : [...u16(lengthBytes), ...u16(type)];
  return join(numbers, value, new Uint8Array(-lengthBytes & 3));
};
const nflog = (addressFamily: number, ...attributes: Uint8Array[]) =>
  join([addressFamily, 0, 0, 5], ...attributes);

export const LINK_CASES: readonly Case[] = [
  // Written out by hand once, so that the builders are not judged by themselves.
  {
    name: "Ethernet, a SYN in hex",
    linkType: 1,
    bytes: hex(`
      001122334455 66778899aabb 0800
      4500 0030 abcd 4000 40 06 0000 0a000001 0a000002
      c001 0019 fffffffe 00000000 70 02 faf0 0000 0000 020405b4 01010402`),
    want: {
      source: "10.0.0.1",
      destination: "10.0.0.2",
      sourcePort: 49153,
      sequence: 0xfffffffe,
      acknowledgement: 0,
      flags: 2,
      window: 64240,
      options: "020405b401010402",
      payload: "",
      length: 0,
    },
  },
  {
    name: "Ethernet, too short",
    linkType: 1,
    bytes: ethernet(0x0800, []).subarray(0, 13),
    want: "malformed",
  },
  { name: "no bytes at all", linkType: 1, bytes: [], want: "malformed" },
  { name: "unknown link layer", linkType: 147, bytes: v4, want: "unknownLinkType" },
  { name: "no link layer given", linkType: -1, bytes: v4, want: "unknownLinkType", differs: "not in a file" },
  ...[12, 14, 101, 228].flatMap((linkType) => [
    { name: `raw IP as ${linkType}`, linkType, bytes: v4, want: {} },
    { name: `raw IP as ${linkType}, IPv6`, linkType, bytes: v6, want: OVER_IPV6 },
  ]),
  { name: "raw IPv6", linkType: 229, bytes: v6, want: OVER_IPV6 },
  { name: "raw IPv6 that is not", linkType: 229, bytes: v4, want: "malformed" },
  { name: "raw IP with PPP framing", linkType: 101, bytes: join(hex("ff030021"), v4), want: {} },
  ...families,
  { name: "NULL, IPv4", linkType: 0, bytes: family(2, v4, true), want: {} },
  { name: "NULL, IPv4, big-endian", linkType: 0, bytes: family(2, v4, false), want: {} },
  {
    name: "NULL, IPv6 as 10",
    linkType: 0,
    bytes: family(10, v6, true),
    want: OVER_IPV6,
    differs: "Linux's number, which tshark leaves out",
  },
  { name: "NULL, EtherType", linkType: 0, bytes: family(0x86dd, v6, true), want: OVER_IPV6 },
  { name: "NULL, PPP", linkType: 0, bytes: join(hex("ff030021"), v4), want: {} },
  { name: "NULL, AppleTalk", linkType: 0, bytes: family(16, v4, true), want: "unsupported" },
  {
    name: "NULL, no family",
    linkType: 0,
    bytes: join(hex("02000001"), v4),
    want: "malformed",
    differs: "read as 2",
  },
  { name: "LOOP, IPv4", linkType: 108, bytes: family(2, v4, false), want: {} },
  { name: "LOOP, little-endian", linkType: 108, bytes: family(2, v4, true), want: "unsupported" },
  ...[9, 50].flatMap((linkType) => [
    { name: `PPP as ${linkType}`, linkType, bytes: join(u16(0x21), v4), want: {} },
    {
      name: `PPP as ${linkType}, framed`,
      linkType,
      bytes: join(hex("ff03"), u16(0x57), v6),
      want: OVER_IPV6,
    },
    { name: `PPP as ${linkType}, compressed`, linkType, bytes: join(hex("ff0321"), v4), want: {} },
    { name: `PPP as ${linkType}, bare and compressed`, linkType, bytes: join([0x21], v4), want: {} },
    { name: `PPP as ${linkType}, MPLS`, linkType, bytes: join(u16(0x281), label(3, true), v4), want: {} },
    { name: `PPP as ${linkType}, Cisco`, linkType, bytes: join(hex("0f000800"), v4), want: {} },
  ]),
  ...(
    [
      [113, sll],
      [276, sll2],
    ] as const
  ).flatMap(([linkType, header]) => [
    { name: `cooked ${linkType}`, linkType, bytes: header(0x0800, v4), want: {} },
    { name: `cooked ${linkType}, IPv6`, linkType, bytes: header(0x86dd, v6), want: OVER_IPV6 },
    { name: `cooked ${linkType}, VLAN`, linkType, bytes: header(0x8100, vlan(1, 0x0800, v4)), want: {} },
    { name: `cooked ${linkType}, LLC`, linkType, bytes: header(4, snap("000000", 0x0800, v4)), want: {} },
    { name: `cooked ${linkType}, IPX`, linkType, bytes: header(1, v4), want: "unsupported" },
    { name: `cooked ${linkType}, GRE`, linkType, bytes: header(0x6558, ethernet(0x0800, v4), 778), want: {} },
    { name: `cooked ${linkType}, netlink`, linkType, bytes: header(0x0800, v4, 824), want: "unsupported" },
    { name: `cooked ${linkType}, cut`, linkType, ...cut(header(0x0800, v4), 15), want: "truncated" },
  ]),
  { name: "NFLOG", linkType: 239, bytes: nflog(2, attribute(10, hex("414200")), attribute(9, v4)), want: {} },
  {
    name: "NFLOG, IPv6",
    linkType: 239,
    bytes: nflog(10, attribute(1, u32(1)), attribute(9, v6)),
    want: OVER_IPV6,
  },
  {
    name: "NFLOG, big-endian",
    linkType: 239,
    bytes: nflog(2, attribute(1, u32(1), false), attribute(9, v4, false)),
    want: {},
    differs: "tshark takes the byte order of the machine it runs on",
  },
  { name: "NFLOG of a bridge", linkType: 239, bytes: nflog(7, attribute(9, v4)), want: "unsupported" },
  {
    name: "NFLOG without payload",
    linkType: 239,
    bytes: nflog(2, attribute(1, u32(1))),
    want: "unsupported",
  },
  {
    name: "NFLOG, attribute of no length",
    linkType: 239,
    bytes: nflog(2, new Uint8Array(4)),
    want: "unsupported",
  },
  {
    name: "UDP",
    linkType: 1,
    bytes: ethernet(0x0800, ipv4(17, udp(53, text("query")))),
    want: "unsupported",
  },
];
