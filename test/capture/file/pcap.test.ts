import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { decodeAll } from "./decoding.ts";
import { type Endian, type PcapHeader, type PcapRecord, pcapHeader, pcapRecord } from "./made-captures.ts";

const BOTH: Endian[] = ["LE", "BE"];

describe("each magic number, in both byte orders", () => {
  const table: [string, number, { nanoseconds: boolean; fileExtra?: number; recordExtra?: number }][] = [
    ["standard", 0xa1b2c3d4, { nanoseconds: false }],
    ["nanoseconds", 0xa1b23c4d, { nanoseconds: true }],
    ["Kuznetzov", 0xa1b2cd34, { nanoseconds: false, recordExtra: 8 }],
    ["Navtel", 0xa12b3c4d, { nanoseconds: true }],
    ["Ixia hardware", 0x1c0001ac, { nanoseconds: true, fileExtra: 4 }],
    ["Ixia software", 0x1c0001ab, { nanoseconds: false, fileExtra: 4 }],
  ];
  for (const [name, magic, { nanoseconds, fileExtra = 0, recordExtra = 0 }] of table) {
    test.each(BOTH)(`${name} %s`, (endian) => {
      const fraction = nanoseconds ? 123_456_999 : 123_456;
      const file = Buffer.concat([
        pcapHeader(endian, { magic, extra: fileExtra, linkField: 113 }),
        pcapRecord(endian, { fraction, data: "one", extra: recordExtra }),
        pcapRecord(endian, { fraction, data: "", extra: recordExtra, wire: 1500 }),
      ]);
      const { seen, damage, decoder } = decodeAll(file);
      expect(damage).toBeNull();
      expect(decoder.nanoseconds).toBe(nanoseconds);
      expect(decoder.linkTypes).toEqual([113]);
      expect(seen.frames).toEqual([
        { atUs: 1_700_000_000_123_456, bytes: "one", wireLength: 3, linkType: 113 },
        { atUs: 1_700_000_000_123_456, bytes: "", wireLength: 1500, linkType: 113 },
      ]);
    });
  }
});

describe("header fields", () => {
  const table: [string, PcapHeader, PcapRecord, { wire: number; linkType: number; atUs?: number }][] = [
    ["2.0 has the lengths swapped", { minor: 0 }, { captured: 900 }, { wire: 900, linkType: 1 }],
    ["2.2 too", { minor: 2 }, { captured: 900 }, { wire: 900, linkType: 1 }],
    ["2.3 perhaps: yes", { minor: 3 }, { captured: 900 }, { wire: 900, linkType: 1 }],
    ["2.3 perhaps: no", { minor: 3 }, { wire: 900 }, { wire: 900, linkType: 1 }],
    ["543.0 (DG/UX)", { major: 543, minor: 0 }, { captured: 900 }, { wire: 900, linkType: 1 }],
    ["3.4 is read as 2.4", { major: 3 }, { wire: 900 }, { wire: 900, linkType: 1 }],
    ["frame check sequence bits", { linkField: 0x4400_0001 }, {}, { wire: 6, linkType: 1 }],
    ["class bits are not masked", { linkField: 0x0224_0001 }, {}, { wire: 6, linkType: 0x0224_0001 }],
    [
      "AIX",
      { minor: 2, linkField: 6 },
      { fraction: 999_999_999 },
      { wire: 6, linkType: 1, atUs: 1_700_000_000_999_999 },
    ],
    ["more captured than on the wire", {}, { wire: 2 }, { wire: 2, linkType: 1 }],
    [
      "fraction beyond a second",
      {},
      { fraction: 1_500_000 },
      { wire: 6, linkType: 1, atUs: 1_700_000_001_500_000 },
    ],
    [
      "last second of the format",
      {},
      { seconds: 0xffff_ffff },
      { wire: 6, linkType: 1, atUs: 4_294_967_295_123_456 },
    ],
  ];
  for (const [name, header, record, want] of table) {
    test.each(BOTH)(`${name}, %s`, (endian) => {
      const file = Buffer.concat([pcapHeader(endian, header), pcapRecord(endian, record)]);
      const { seen, damage } = decodeAll(file);
      expect(damage).toBeNull();
      const { wire: wireLength, linkType, atUs = 1_700_000_000_123_456 } = want;
      expect(seen.frames).toEqual([{ atUs, bytes: "packet", wireLength, linkType }]);
    });
  }
});

describe("damage", () => {
  const good = Buffer.concat([pcapHeader("LE"), pcapRecord("LE")]);
  const table: [string, Buffer, number, { offsetBytes: number; kind: string; what: RegExp }][] = [
    ["header only is no damage", pcapHeader("LE"), 0, { offsetBytes: -1, kind: "", what: /$/ }],
    ["cut header", pcapHeader("LE").subarray(0, 20), 0, { offsetBytes: 0, kind: "cut", what: /header/ }],
    [
      "version 1",
      pcapHeader("BE", { major: 1 }),
      0,
      { offsetBytes: 0, kind: "damaged", what: /version 1\.4/ },
    ],
    [
      "cut record header",
      Buffer.concat([good, good.subarray(24, 34)]),
      1,
      { offsetBytes: 46, kind: "cut", what: /record/ },
    ],
    [
      "cut record",
      Buffer.concat([good, good.subarray(24, 44)]),
      1,
      { offsetBytes: 46, kind: "cut", what: /record/ },
    ],
    [
      "absurd length",
      Buffer.concat([good, pcapRecord("LE", { captured: 262_145 }), good.subarray(24)]),
      1,
      { offsetBytes: 46, kind: "damaged", what: /262145 bytes/ },
    ],
  ];
  test.each(table)("%s", (_name, file, frames, want) => {
    const { seen, damage } = decodeAll(file);
    expect(seen.frames).toHaveLength(frames);
    if (want.offsetBytes < 0) expect(damage).toBeNull();
    else expect(damage).toEqual({ ...want, what: expect.stringMatching(want.what) });
  });

  it("takes the longest packet allowed", () => {
    const data = "x".repeat(262_144);
    const { seen, damage } = decodeAll(Buffer.concat([pcapHeader("LE"), pcapRecord("LE", { data })]), 4096);
    expect(damage).toBeNull();
    expect(seen.frames[0]?.bytes.length).toBe(262_144);
  });
});

it("decodes the same in whatever pieces the bytes come", () => {
  const record = fc.record({
    seconds: fc.nat(0xffff_ffff),
    fraction: fc.nat(999_999),
    data: fc.string({ maxLength: 40, unit: "binary-ascii" }),
  });
  fc.assert(
    fc.property(
      fc.array(record),
      fc.constantFrom(...BOTH),
      fc.integer({ min: 1, max: 50 }),
      (records, endian, piece) => {
        const file = Buffer.concat([pcapHeader(endian), ...records.map((each) => pcapRecord(endian, each))]);
        const whole = decodeAll(file);
        expect(whole.seen.frames.map((frame) => frame?.atUs)).toEqual(
          records.map(({ seconds, fraction }) => Number(BigInt(seconds) * 1_000_000n + BigInt(fraction))),
        );
        const pieces = decodeAll(file, piece);
        expect(pieces.seen).toEqual(whole.seen);
        expect(pieces.damage).toEqual(whole.damage);
        expect(pieces.decoder.consumedBytes).toBe(file.length);
      },
    ),
  );
});

it("floors nanoseconds", () => {
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), fc.nat(999_999_999), (seconds, fraction) => {
      const file = Buffer.concat([
        pcapHeader("LE", { magic: 0xa1b23c4d }),
        pcapRecord("LE", { seconds, fraction }),
      ]);
      const exact = (BigInt(seconds) * 1_000_000_000n + BigInt(fraction)) / 1000n;
      expect(decodeAll(file).seen.frames[0]?.atUs).toBe(Number(exact));
    }),
  );
});
