import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { firstPacketTime, peekCapture } from "../../../src/capture/file/peek.ts";
import { groupRings } from "../../../src/capture/file/ring.ts";
import { decodeAll } from "./decoding.ts";
import { enhanced, interfaceBlock, pcapHeader, pcapRecord, section, simple } from "./made-captures.ts";
import { SAMPLES } from "./samples.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "smtpscope-peek-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function inFile(bytes: Buffer, name = "capture"): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const T = 1_700_000_000;
const US = T * 1_000_000;
/** About 4 MB, one packet a second, of lengths that leave no pattern. */
const SECONDS = 5000;
const lengths = Array.from({ length: SECONDS }, (_, index) => (index * 7919) % 1500);

describe.each(["LE", "BE"] as const)("the last packet without what is between, %s", (endian) => {
  const pcap = Buffer.concat([
    pcapHeader(endian),
    ...lengths.map((length, index) =>
      pcapRecord(endian, { seconds: T + index, data: "x".repeat(length + 1) }),
    ),
  ]);
  const pcapng = Buffer.concat([
    section(endian),
    interfaceBlock(endian, 113),
    simple(endian),
    ...lengths.map((length, index) => {
      const ticks = BigInt(US + index * 1_000_000);
      return enhanced(endian, { ticks, data: "x".repeat(length) });
    }),
  ]);
  const last = US + (SECONDS - 1) * 1_000_000;

  test("pcap", () => {
    const want = { firstUs: US + 123_456, lastUs: last + 123_456, linkType: 1 };
    expect(peekCapture(inFile(pcap))).toEqual(want);
    expect(peekCapture(inFile(pcap.subarray(0, -1)))).toEqual({ ...want, lastUs: want.lastUs - 1_000_000 });
  });

  test("pcapng; not when it is cut", () => {
    expect(peekCapture(inFile(pcapng))).toEqual({ firstUs: US, lastUs: last, linkType: 113 });
    expect(peekCapture(inFile(pcapng.subarray(0, -4)))?.lastUs ?? null).toBeNull();
  });

  test("packed: only the first", () => {
    expect(peekCapture(inFile(gzipSync(pcap)))).toEqual({ firstUs: US + 123_456, lastUs: null, linkType: 1 });
    expect(firstPacketTime(inFile(gzipSync(pcapng)))).toEqual({ atUs: US, linkType: 113 });
  });
});

test("real captures: first and last as decoding says", () => {
  for (const path of SAMPLES) {
    if (/\.(gz|zst|snoop)$/.test(path)) continue;
    const times = decodeAll(readFileSync(path)).seen.frames.flatMap((frame) =>
      frame === null || frame.atUs < 0 ? [] : [frame.atUs],
    );
    const peek = peekCapture(path);
    if (times.length === 0) expect(peek).toBeNull();
    else expect([peek?.firstUs, peek?.lastUs ?? null]).toContain(times[0]);
    if (peek !== null && peek.lastUs !== null) expect(peek.lastUs).toBe(Math.max(...times));
  }
});

test("what cannot be looked at", () => {
  expect(peekCapture(join(folder, "missing"))).toBeNull();
  expect(peekCapture(folder)).toBeNull();
  expect(peekCapture(inFile(Buffer.from("text")))).toBeNull();
  expect(peekCapture(inFile(pcapHeader("LE")))).toBeNull();
  expect(firstPacketTime(inFile(Buffer.alloc(0)))).toBeNull();
  try {
    execFileSync("mkfifo", [join(folder, "fifo")]);
  } catch {
    return;
  }
  expect(peekCapture(join(folder, "fifo"))).toBeNull();
});

test("rings of real files", () => {
  const piece = (from: number, to: number): Buffer =>
    Buffer.concat([
      pcapHeader("LE"),
      ...Array.from({ length: (to - from) * 10 }, (_, index) =>
        pcapRecord("LE", { seconds: T + from + Math.floor(index / 10), fraction: (index % 10) * 100_000 }),
      ),
    ]);
  const ring = [
    inFile(piece(20, 30), "ring.pcap0"),
    inFile(piece(0, 10), "ring.pcap1"),
    inFile(gzipSync(piece(10, 20)), "ring.pcap2.gz"),
  ];
  const hosts = [inFile(piece(0, 10), "host1.pcap"), inFile(piece(1, 11), "host2.pcap")];
  expect(groupRings([...hosts, ...ring])).toEqual([[hosts[0]], [hosts[1]], [ring[1], ring[2], ring[0]]]);
});
