/**
 * The PROXY protocol against its specification's own examples, against proxy-protocol-js, and against
 * every way of cutting a header.
 */
import fc from "fast-check";
import oracle from "proxy-protocol-js";
import { describe, expect, test } from "vitest";
import {
  decodeProxyHeader,
  encodeProxyHeader,
  MAX_PROXY_HEADER_BYTES,
  type Parties,
} from "../../src/relay/proxy-header.ts";
import { addressBytes, addressText } from "../../src/spine/address.ts";

const MAIL = "EHLO client.example\r\n";
const V2 = "0d0a0d0a000d0a515549540a";
const MAIL4: Parties = {
  source: { host: "198.51.100.2", port: 41_234 },
  destination: { host: "192.0.2.25", port: 25 },
};
const MAIL6: Parties = {
  source: { host: "2001:db8:51::66", port: 65_535 },
  destination: { host: "2001:db8:25::25", port: 25 },
};

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
const latin1 = (text: string) => Buffer.from(text, "latin1");

describe("read", () => {
  test.each<[string, Buffer, Parties | null]>([
    ["v1, IPv4", latin1("PROXY TCP4 198.51.100.2 192.0.2.25 41234 25\r\n"), MAIL4],
    ["v1, IPv6", latin1("PROXY TCP6 2001:db8:51::66 2001:db8:25::25 65535 25\r\n"), MAIL6],
    [
      "v1, IPv6 written out",
      latin1("PROXY TCP6 2001:0DB8:0051:0000:0000:0000:0000:0066 2001:db8:25:0:0:0:0:25 65535 25\r\n"),
      MAIL6,
    ],
    ["v1, unknown", latin1("PROXY UNKNOWN\r\n"), null],
    [
      // The specification's longest line: 107 characters.
      "v1, unknown with addresses",
      latin1(`PROXY UNKNOWN ${"ffff:".repeat(7)}ffff ${"ffff:".repeat(7)}ffff 65535 65535\r\n`),
      null,
    ],
    ["v2, IPv4", hex(`${V2} 21 11 000c c6336402 c0000219 a112 0019`), MAIL4],
    [
      "v2, IPv6",
      hex(`${V2} 21 21 0024 20010db8005100000000000000000066 20010db8002500000000000000000025 ffff 0019`),
      MAIL6,
    ],
    ["v2, IPv4 and TLVs", hex(`${V2} 21 11 0013 c6336402 c0000219 a112 0019 04 0004 00000000`), MAIL4],
    ["v2, local", hex(`${V2} 20 00 0000`), null],
    // Addresses of a LOCAL header are to be ignored.
    ["v2, local with addresses", hex(`${V2} 20 11 000c c6336402 c0000219 a112 0019`), null],
    ["v2, unspecified", hex(`${V2} 21 00 0003 040000`), null],
    ["v2, UDP", hex(`${V2} 21 12 000c c6336402 c0000219 a112 0019`), null],
    ["v2, a Unix socket", Buffer.concat([hex(`${V2} 21 31 00d8`), Buffer.alloc(216)]), null],
  ])("%s, and nothing of what follows", (_, header, parties) => {
    const read = { kind: "header", parties, lengthBytes: header.length };
    expect(decodeProxyHeader(header)).toEqual(read);
    expect(decodeProxyHeader(Buffer.concat([header, latin1(MAIL)]))).toEqual(read);
    for (let cut = 0; cut < header.length; cut++) {
      expect(decodeProxyHeader(header.subarray(0, cut)), `cut at ${cut}`).toEqual({ kind: "more" });
    }
  });

  test.each<[string, Buffer]>([
    ["mail without a header", latin1(MAIL)],
    ["an empty line", latin1("\r\nEHLO x\r\n")],
    ["TLS", hex("160301")],
    ["lower case", latin1("proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n")],
    ["a family that is none", latin1("PROXY TCP5 198.51.100.2 192.0.2.25 41234 25\r\n")],
    ["UNKNOWNS", latin1("PROXY UNKNOWNS\r\n")],
    ["an IPv6 address as IPv4", latin1("PROXY TCP4 ::1 192.0.2.25 41234 25\r\n")],
    ["an IPv4 address as IPv6", latin1("PROXY TCP6 192.0.2.1 192.0.2.25 41234 25\r\n")],
    ["leading zeros in an address", latin1("PROXY TCP4 198.051.100.2 192.0.2.25 41234 25\r\n")],
    ["a name", latin1("PROXY TCP4 client.example 192.0.2.25 41234 25\r\n")],
    ["a zone", latin1("PROXY TCP6 fe80::1%eth0 fe80::2 41234 25\r\n")],
    ["two spaces", latin1("PROXY TCP4  198.51.100.2 192.0.2.25 41234 25\r\n")],
    ["a port too many", latin1("PROXY TCP4 198.51.100.2 192.0.2.25 41234 25 26\r\n")],
    ["a port too few", latin1("PROXY TCP4 198.51.100.2 192.0.2.25 41234\r\n")],
    ["a port above 65535", latin1("PROXY TCP4 198.51.100.2 192.0.2.25 65536 25\r\n")],
    ["a leading zero in a port", latin1("PROXY TCP4 198.51.100.2 192.0.2.25 041234 25\r\n")],
    ["a bare LF", latin1("PROXY TCP4 198.51.100.2 192.0.2.25 41234 25\nEHLO x\r\n")],
    ["a line too long", latin1(`PROXY UNKNOWN ${"x".repeat(92)}\r\n`)],
    ["another signature", hex("0d0a0d0a000d0a515549540b")],
    ["version 1 in binary", hex(`${V2} 11 11 000c c6336402 c0000219 a112 0019`)],
    ["an unknown command", hex(`${V2} 22 11 000c c6336402 c0000219 a112 0019`)],
    ["an unknown family", hex(`${V2} 21 41 000c c6336402 c0000219 a112 0019`)],
    ["an unknown transport", hex(`${V2} 21 13 000c c6336402 c0000219 a112 0019`)],
    ["too short for IPv4", hex(`${V2} 21 11 000b c6336402 c0000219 a112 00`)],
    ["too short for IPv6", hex(`${V2} 21 21 000c c6336402 c0000219 a112 0019`)],
    ["longer than anybody sends", hex(`${V2} 21 11 ffff`)],
  ])("%s is refused, however it is cut", (_, bytes) => {
    const read = decodeProxyHeader(bytes);
    expect(read.kind).toBe("malformed");
    for (let cut = 0; cut < bytes.length; cut++) {
      expect(decodeProxyHeader(bytes.subarray(0, cut)).kind).not.toBe("header");
    }
  });

  test("any bytes are an answer, and more than the bound is never asked for", () => {
    const signed = (start: Buffer) =>
      fc.uint8Array({ maxLength: 300 }).map((rest) => Buffer.concat([start, rest]));
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      signed(latin1("PROXY ")),
      signed(hex(V2)),
      signed(hex(`${V2} 21 11`)),
    );
    fc.assert(
      fc.property(anything, (bytes) => {
        const read = decodeProxyHeader(bytes);
        if (read.kind === "header") expect(read.lengthBytes).toBeLessThanOrEqual(bytes.length);
        const padded = Buffer.concat([bytes, Buffer.alloc(MAX_PROXY_HEADER_BYTES)]);
        expect(decodeProxyHeader(padded).kind).not.toBe("more");
      }),
    );
  });
});

const port = fc.integer({ min: 0, max: 65_535 });
const address = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => addressText(bytes));
const parties = (length: number) =>
  fc.record({
    source: fc.record({ host: address(length), port }),
    destination: fc.record({ host: address(length), port }),
  });

describe("written", () => {
  test("as the specification has it", () => {
    expect(encodeProxyHeader("v1", MAIL4).toString("latin1")).toBe(
      "PROXY TCP4 198.51.100.2 192.0.2.25 41234 25\r\n",
    );
    expect(encodeProxyHeader("v2", MAIL4)).toEqual(hex(`${V2} 21 11 000c c6336402 c0000219 a112 0019`));
    expect(encodeProxyHeader("v1", null).toString("latin1")).toBe("PROXY UNKNOWN\r\n");
    expect(encodeProxyHeader("v2", null)).toEqual(hex(`${V2} 20 00 0000`));
  });

  test("two families can't be said", () => {
    const mixed = { source: MAIL4.source, destination: MAIL6.destination };
    expect(encodeProxyHeader("v1", mixed)).toEqual(encodeProxyHeader("v1", null));
    expect(encodeProxyHeader("v2", mixed)).toEqual(encodeProxyHeader("v2", null));
  });

  test("what is written is read", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("v1" as const, "v2" as const),
        fc.oneof(parties(4), parties(16)),
        (version, who) => {
          const header = encodeProxyHeader(version, who);
          expect(decodeProxyHeader(header)).toEqual({
            kind: "header",
            parties: who,
            lengthBytes: header.length,
          });
        },
      ),
    );
  });

  test("as proxy-protocol-js writes version 1, and as it reads version 2", () => {
    fc.assert(
      fc.property(fc.oneof(parties(4), parties(16)), ({ source, destination }) => {
        const protocol = source.host.includes(":") ? oracle.INETProtocol.TCP6 : oracle.INETProtocol.TCP4;
        const peer = ({ host, port }: { host: string; port: number }) => new oracle.Peer(host, port);
        const line = new oracle.V1ProxyProtocol(protocol, peer(source), peer(destination)).build();
        expect(encodeProxyHeader("v1", { source, destination }).toString("latin1")).toBe(line);

        const read = oracle.V2ProxyProtocol.parse(encodeProxyHeader("v2", { source, destination }));
        expect(read?.command).toBe(oracle.Command.PROXY);
        expect(read?.transportProtocol).toBe(oracle.TransportProtocol.STREAM);
        const proxied = read!.proxyAddress as oracle.IPv4ProxyAddress | oracle.IPv6ProxyAddress;
        expect([proxied.sourcePort, proxied.destinationPort]).toEqual([source.port, destination.port]);
        const bytes = (host: string) => [...addressBytes(host)!];
        expect([...proxied.sourceAddress.address]).toEqual(bytes(source.host));
        expect([...proxied.destinationAddress.address]).toEqual(bytes(destination.host));
      }),
    );
  });
});
