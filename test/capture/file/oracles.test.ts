/**
 * Every real capture through readers that others wrote: pcap-parser (independent of us and of libpcap)
 * and tshark. And the same packets through each file format that editcap can write.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import fc from "fast-check";
import { parse } from "pcap-parser";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { type ReadOutcome, readCaptureFile } from "../../../src/capture/file/open.ts";
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
  pcapHeader,
  pcapRecord,
  Seen,
  section,
  simple,
} from "./made-captures.ts";
import { SAMPLES } from "./samples.ts";
import { describeWith, run } from "./tools.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "smtpscope-file-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Parsed {
  header: {
    timestampSeconds: number;
    timestampMicroseconds: number;
    originalLength: number;
  };
  data: Buffer;
}

/** What pcap-parser makes of a file, in our terms. */
function parsed(file: Buffer): Promise<{ atUs: number; bytes: string; wireLength: number }[]> {
  return new Promise((resolve, reject) => {
    const packets: { atUs: number; bytes: string; wireLength: number }[] = [];
    parse(Readable.from([file]))
      .on("packet", ({ header, data }: Parsed) => {
        const { timestampSeconds, timestampMicroseconds, originalLength: wireLength } = header;
        const atUs = timestampSeconds * 1e6 + timestampMicroseconds;
        packets.push({ atUs, bytes: data.toString("latin1"), wireLength });
      })
      .on("error", reject)
      .on("end", () => resolve(packets));
  });
}

async function agreesWithParser(file: Buffer): Promise<void> {
  const ours = decodeAll(file).seen.frames.map((frame) => {
    const { atUs, bytes, wireLength } = frame!;
    return { atUs, bytes, wireLength };
  });
  expect(ours).toEqual(await parsed(file));
}

describe("pcap-parser", () => {
  const classic = SAMPLES.filter((path) => {
    const magic = readFileSync(path).subarray(0, 4).toString("hex");
    return magic === "d4c3b2a1" || magic === "a1b2c3d4";
  });
  for (const path of classic) {
    test(`the same packets of ${basename(path)}`, () => agreesWithParser(readFileSync(path)));
  }

  it("the same packets of made files, both byte orders, cut anywhere", async () => {
    const record = fc.record({
      seconds: fc.nat(0xffff_ffff),
      fraction: fc.nat(999_999),
      data: fc.string({ maxLength: 60, unit: "binary-ascii" }),
      wire: fc.nat(70_000),
    });
    const property = fc.asyncProperty(
      fc.array(record),
      fc.constantFrom<Endian>("LE", "BE"),
      fc.nat(60),
      async (records, endian, cut) => {
        const file = Buffer.concat([pcapHeader(endian), ...records.map((each) => pcapRecord(endian, each))]);
        await agreesWithParser(file.subarray(0, Math.max(24, file.length - cut)));
      },
    );
    await fc.assert(property);
  });
});

async function read(path: string): Promise<{ seen: Seen; outcome: ReadOutcome }> {
  const seen = new Seen();
  return { seen, outcome: await readCaptureFile(path, seen) };
}

/** Frames as tshark numbers them: µs floored, captured and wire length; null times for frames without. */
async function tsharkFrames(
  path: string,
): Promise<{ frames: [number, number, number][]; complaint: string }> {
  const fields = ["frame.number", "frame.time_epoch", "frame.cap_len", "frame.len"];
  const { out, err } = await run(
    "tshark",
    "-n",
    "-r",
    path,
    "-T",
    "fields",
    ...fields.flatMap((field) => ["-e", field]),
  );
  const lines = out.split("\n").filter((line) => line !== "");
  const frames = lines.map((line): [number, number, number] => {
    const [, epoch = "", captured, wire] = line.split("\t");
    return [flooredUs(epoch), Number(captured), Number(wire)];
  });
  return {
    frames,
    complaint: err
      .split("\n")
      .filter((line) => line.startsWith("tshark:"))
      .join("\n"),
  };
}

/** Digit by digit: the number would not hold nanoseconds. */
function flooredUs(epoch: string): number {
  if (epoch === "") return NO_TIME;
  const [seconds = "", fraction = ""] = epoch.split(".");
  return Number(seconds) * 1e6 + Number(fraction.padEnd(9, "0").slice(0, 6));
}

/** A packet, what may come between packets, a packet. */
function between(endian: Endian, ...blocks: Buffer[]): Buffer {
  const packet = enhanced(endian, { data: "x".repeat(60) });
  return Buffer.concat([section(endian), interfaceBlock(endian), packet, ...blocks, packet]);
}
const number = integers("BE", [32_473, 4], [0, 4]);
const text = Buffer.from("__REALTIME_TIMESTAMP=1600000000000000\nMESSAGE=x\n");
const odd: [string, Buffer][] = [
  ...[0xbad, 0x4000_0bad, 0x204, 0x208, 0x216, 0x217, 0x221, 0x201, 0x77].map((type): [string, Buffer] => [
    `a block of type 0x${type.toString(16)}`,
    between("BE", block("BE", type, Buffer.concat([number, Buffer.alloc(40)]))),
  ]),
  ["a journal entry", between("LE", block("LE", 9, text))],
  ["a section of the other byte order", Buffer.concat([between("LE"), between("BE")])],
  ["a simple packet", between("LE", simple("LE"))],
  ["an obsolete packet", between("BE", obsolete("BE", { drops: 3 }))],
  ["an interface that is not there", between("LE", enhanced("LE", { on: 1 }))],
  ["two lengths that differ", between("LE", block("LE", 0x77, Buffer.alloc(8), { behind: 8 }))],
  ["an option too long", between("LE", enhanced("LE", { options: option("LE", 1, Buffer.alloc(0), 99) }))],
  ["a cut block", between("BE").subarray(0, -3)],
  ["pcap 2.2", Buffer.concat([pcapHeader("BE", { minor: 2 }), pcapRecord("BE", { captured: 900 })])],
  ["pcap of AIX", Buffer.concat([pcapHeader("BE", { minor: 2, linkField: 6 }), pcapRecord("BE")])],
  ["pcap with more captured than sent", Buffer.concat([pcapHeader("LE"), pcapRecord("LE", { wire: 2 })])],
];

describeWith(["tshark"], "tshark", () => {
  test.concurrent.for(odd)("numbers and stops at %s as we do", async ([name, file], { expect }) => {
    const path = join(folder, name);
    writeFileSync(path, file);
    const { seen, outcome } = await read(path);
    const { frames, complaint } = await tsharkFrames(path);
    expect(seen.frames).toHaveLength(frames.length);
    for (const [index, frame] of seen.frames.entries()) {
      if (frame !== null) expect([frame.atUs, frame.bytes.length, frame.wireLength]).toEqual(frames[index]);
    }
    expect(outcome.damage !== null, complaint).toBe(complaint !== "");
  });

  for (const path of SAMPLES) {
    test.concurrent(`the same frames of ${basename(path)}`, async ({ expect }) => {
      if (path.endsWith(".snoop")) return expect(read(path)).rejects.toMatchObject({ code: "not-a-capture" });
      const { seen, outcome } = await read(path);
      const { frames, complaint } = await tsharkFrames(path);
      expect(seen.frames).toHaveLength(frames.length);
      for (const [index, frame] of seen.frames.entries()) {
        if (frame === null) continue;
        const [atUs, captured, wire] = frames[index]!;
        // tshark takes the pseudo-headers of some link types out of the packet.
        if (![187, 215, 253, 276].includes(frame.linkType)) {
          expect([frame.bytes.length, frame.wireLength]).toEqual([captured, wire]);
        }
        expect(frame.atUs).toBe(atUs);
      }
      expect(outcome.damage !== null, complaint).toBe(/cut short|damaged|corrupt/.test(complaint));
    });
  }
});

describeWith(["editcap"], "editcap", () => {
  const records = Array.from({ length: 40 }, (_, index) =>
    pcapRecord("BE", {
      seconds: 1_700_000_000 + index,
      fraction: index * 24_999,
      data: "x".repeat(14 + index * 7),
    }),
  );
  const original = Buffer.concat([pcapHeader("BE"), ...records]);

  test.each(["pcap", "nsecpcap", "modpcap", "pcapng"])("the same packets as %s", async (format) => {
    const from = join(folder, "original.pcap");
    const to = join(folder, `as-${format}`);
    writeFileSync(from, original);
    expect((await run("editcap", "-F", format, from, to)).status).toBe(0);
    const { seen, outcome } = await read(to);
    expect(outcome.damage).toBeNull();
    expect(seen.frames).toEqual(decodeAll(original).seen.frames);
  });

  test.each(["suse6_3pcap", "rh6_1pcap", "nokiapcap"])(
    "%s, which only guessing reads, ends in damage",
    async (format) => {
      const from = join(folder, "original.pcap");
      const to = join(folder, `as-${format}`);
      writeFileSync(from, original);
      expect((await run("editcap", "-F", format, from, to)).status).toBe(0);
      const { outcome } = await read(to);
      expect(outcome.damage).not.toBeNull();
    },
  );
});
