import { describe, expect, it, test } from "vitest";
import { NO_TIME } from "../../../src/spine/wire.ts";
import { decodeAll } from "./decoding.ts";
import {
  block,
  type Endian,
  enhanced,
  integers,
  interfaceBlock,
  obsolete,
  option,
  section,
  simple,
} from "./made-captures.ts";

const AT_US = 1_700_000_000_123_456;
const packet = { atUs: AT_US, bytes: "packet", wireLength: 6, linkType: 1 };
const NONE = Buffer.alloc(0);
const end = (endian: Endian): Buffer => option(endian, 0, NONE);
const drops = (endian: Endian, code: number, count: bigint): Buffer =>
  option(endian, code, integers(endian, [count, 8]));
const statistics = (endian: Endian, on: number, ...options: Buffer[]): Buffer =>
  block(endian, 5, Buffer.concat([integers(endian, [on, 4], [0, 4], [0, 4]), ...options]));

describe.each(["LE", "BE"] as const)("blocks, %s", (endian) => {
  const start = Buffer.concat([section(endian), interfaceBlock(endian)]);
  const one = enhanced(endian);
  const decode = (...blocks: Buffer[]): ReturnType<typeof decodeAll> => {
    const file = Buffer.concat(blocks);
    const whole = decodeAll(file);
    const bytewise = decodeAll(file, 1);
    expect(bytewise.seen).toEqual(whole.seen);
    expect(bytewise.damage).toEqual(whole.damage);
    return whole;
  };

  test("packets of all three kinds", () => {
    const { seen, damage } = decode(start, one, simple(endian), obsolete(endian));
    expect(damage).toBeNull();
    expect(seen.frames).toEqual([packet, { ...packet, atUs: NO_TIME }, packet]);
  });

  test("the snap length cuts a simple packet, whatever its block holds", () => {
    const snapped = Buffer.concat([section(endian), interfaceBlock(endian, 1, 4)]);
    const want = { ...packet, atUs: NO_TIME, bytes: "pack", wireLength: 90 };
    expect(decode(snapped, simple(endian, "pack", 90)).seen.frames).toEqual([want]);
    expect(decode(snapped, simple(endian, "packet++", 90)).seen.frames).toEqual([want]);
  });

  test("interfaces have link types and clocks of their own", () => {
    const nanoseconds = option(endian, 9, Buffer.from([9]));
    const binary = Buffer.concat([option(endian, 9, Buffer.from([0x8a])), end(endian)]);
    const shifted = option(endian, 14, integers(endian, [-1000, 8]));
    const { seen, damage, decoder } = decode(
      section(endian),
      interfaceBlock(endian, 1),
      interfaceBlock(endian, 101, 0, nanoseconds),
      interfaceBlock(endian, 113, 0, binary),
      interfaceBlock(endian, 1, 0, shifted),
      enhanced(endian, { on: 1, ticks: 1_700_000_000_123_456_789n }),
      enhanced(endian, { on: 2, ticks: 1025n }),
      enhanced(endian, { on: 3 }),
    );
    expect(damage).toBeNull();
    expect(seen.frames.map((frame) => [frame?.atUs, frame?.linkType])).toEqual([
      [AT_US, 101],
      [1_000_976, 113],
      [AT_US - 1_000_000_000, 1],
    ]);
    expect(decoder.linkTypes).toEqual([1, 101, 113]);
    expect(decoder.nanoseconds).toBe(true);
  });

  test("of an option given twice the first counts, of a wrong size none", () => {
    const twice = Buffer.concat([option(endian, 9, Buffer.from([9])), option(endian, 9, Buffer.from([3]))]);
    const odd = option(endian, 9, Buffer.from([9, 0]));
    const ticks = 1_700_000_000_123_456_789n;
    expect(
      decode(section(endian), interfaceBlock(endian, 1, 0, twice), enhanced(endian, { ticks })).seen.frames,
    ).toEqual([packet]);
    expect(decode(section(endian), interfaceBlock(endian, 1, 0, odd), one).seen.frames).toEqual([packet]);
  });

  test("a new section may change the byte order and forgets the interfaces", () => {
    const other: Endian = endian === "LE" ? "BE" : "LE";
    const again = [section(other), interfaceBlock(other, 101), enhanced(other)];
    const { seen, damage } = decode(start, one, ...again, statistics(other, 0, drops(other, 5, 3n)));
    expect(damage).toBeNull();
    expect(seen.frames).toEqual([packet, { ...packet, linkType: 101 }]);
    expect(seen.drops).toEqual([[1, 3]]);
    expect(decode(start, one, section(other), enhanced(other)).damage?.kind).toBe("damaged");
  });

  test("drops: the larger of the totals and of what was lost before packets", () => {
    const { seen, damage } = decode(
      start,
      enhanced(endian, { options: Buffer.concat([drops(endian, 4, 5n), end(endian)]) }),
      obsolete(endian, { drops: 2 }),
      obsolete(endian, { drops: 0xffff }),
      statistics(endian, 0, drops(endian, 5, 4n), drops(endian, 7, 1n)),
      statistics(endian, 0, drops(endian, 5, 40n), drops(endian, 7, 1n)),
      statistics(endian, 7, drops(endian, 5, 40n)),
      statistics(endian, 0),
    );
    expect(damage).toBeNull();
    expect(seen.drops).toEqual([
      [0, 5],
      [0, 7],
      [0, 7],
      [0, 41],
    ]);
  });

  const custom = integers(endian, [32_473, 4], [0, 4]);
  const frames: [string, number, Buffer, boolean][] = [
    ["custom", 0xbad, custom, true],
    ["custom, not to be copied", 0x4000_0bad, custom, true],
    ["systemd journal", 9, Buffer.from("__REALTIME_TIMESTAMP=1600000000000000\n"), true],
    ["system call", 0x204, Buffer.alloc(40), true],
    ["system call, version 2", 0x216, Buffer.alloc(40), true],
    ["system call, version 2 large", 0x221, Buffer.alloc(40), true],
    ["system call with flags", 0x208, Buffer.alloc(40), false],
    ["machine information", 0x201, Buffer.alloc(40), false],
    ["name resolution", 4, integers(endian, [0, 4]), false],
    ["secrets", 10, integers(endian, [0x544c_534b, 4], [0, 4]), false],
    ["unknown", 0x77, Buffer.from("abcd"), false],
    ["unknown and long", 0x77, Buffer.alloc(17 * 1024 * 1024), false],
    ["local", 0x8000_0077, NONE, false],
  ];
  test.each(frames)("without a packet: %s", (_name, type, body, isFrame) => {
    const { seen, damage } = decodeAll(Buffer.concat([start, one, block(endian, type, body), one]));
    expect(damage).toBeNull();
    expect(seen.frames).toEqual(isFrame ? [packet, null, packet] : [packet, packet]);
  });

  const damaged: [string, Buffer, RegExp][] = [
    ["interface out of range", enhanced(endian, { on: 1 }), /interface 1/],
    ["obsolete packet of no interface", obsolete(endian, { on: 9 }), /interface 9/],
    ["more captured than the block holds", enhanced(endian, { captured: 200 }), /200 bytes does not fit/],
    ["simple packet longer than its block", simple(endian, "packet", 90), /90 bytes does not fit/],
    ["packet beyond the bound", enhanced(endian, { data: "x".repeat(262_145) }), /262145/],
    ["lengths differ", block(endian, 6, Buffer.alloc(40), { behind: 99 }), /two lengths differ/],
    ["lengths of a skipped block differ", block(endian, 0x77, NONE, { behind: 99 }), /two lengths differ/],
    ["length 0", block(endian, 0x77, NONE, { front: 0 }), /too short/],
    ["length 8", block(endian, 0x77, NONE, { front: 8 }), /too short/],
    ["packet block too short", block(endian, 6, Buffer.alloc(16)), /too short/],
    ["custom block too short", block(endian, 0xbad, NONE), /too short/],
    [
      "packet block of 2 GB",
      block(endian, 6, Buffer.alloc(24), { front: 0x8000_0000 }),
      /claims 2147483648 bytes/,
    ],
    [
      "option longer than its packet",
      enhanced(endian, { options: option(endian, 1, NONE, 200) }),
      /option of 200/,
    ],
    [
      "option longer than its interface",
      interfaceBlock(endian, 1, 0, option(endian, 1, NONE, 200)),
      /option of 200/,
    ],
    [
      "option longer than its statistics",
      statistics(endian, 0, option(endian, 1, NONE, 200)),
      /option of 200/,
    ],
    [
      "drop count of 4 bytes",
      enhanced(endian, { options: option(endian, 4, Buffer.alloc(4)) }),
      /option 4 of 4/,
    ],
    ["section of another byte order mark", section(endian, { magic: 0x1111_1111 }), /without a byte order/],
    ["section of version 2.0", section(endian, { major: 2 }), /version 2\.0/],
    ["section of version 1.1", section(endian, { minor: 1 }), /version 1\.1/],
  ];
  test.each(damaged)("damage: %s", (_name, bad, what) => {
    const { seen, damage } = decodeAll(Buffer.concat([start, one, bad, one]));
    expect(seen.frames).toEqual([packet]);
    expect(damage).toEqual({
      offsetBytes: start.length + one.length,
      kind: "damaged",
      what: expect.stringMatching(what),
    });
  });

  const tolerated: [string, Buffer, number][] = [
    ["length not a multiple of 4", block(endian, 0x77, Buffer.alloc(6), { front: 18 }), 0],
    ["more captured than on the wire", enhanced(endian, { wire: 2 }), 1],
    [
      "what follows the end of options",
      enhanced(endian, { options: Buffer.concat([end(endian), Buffer.alloc(8, 0xff)]) }),
      1,
    ],
    ["section of version 1.2", Buffer.concat([section(endian, { minor: 2 }), interfaceBlock(endian)]), 0],
  ];
  test.each(tolerated)("no damage: %s", (_name, odd, frames) => {
    const { seen, damage } = decode(start, one, odd, one);
    expect(damage).toBeNull();
    expect(seen.frames).toHaveLength(2 + frames);
  });

  test("cut anywhere: the frames before, and where the cut block starts", () => {
    const blocks = [start, one, block(endian, 0xbad, custom), one];
    const file = Buffer.concat(blocks);
    const edges = [section(endian).length, start.length, start.length + one.length, file.length - one.length];
    for (let length = 12; length < file.length; length += 1) {
      const { damage } = decodeAll(file.subarray(0, length));
      const before = edges.filter((edge) => edge <= length).at(-1) ?? 0;
      if (before === length) expect(damage).toBeNull();
      else expect(damage).toMatchObject({ kind: "cut", offsetBytes: before });
    }
  });
});

it("asks for no more than the longest block", () => {
  const start = Buffer.concat([section("LE"), interfaceBlock("LE")]);
  const { decoder } = decodeAll(
    Buffer.concat([start, block("LE", 6, Buffer.alloc(24), { front: 16_777_216 })]),
  );
  expect(decoder.needed).toBe(16_777_216);
  expect(decoder.damage?.kind).toBe("cut");
});
