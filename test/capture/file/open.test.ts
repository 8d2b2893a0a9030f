import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import {
  type ReadOptions,
  type ReadOutcome,
  readCaptureFile,
  readCaptureStream,
} from "../../../src/capture/file/open.ts";
import { decodeAll } from "./decoding.ts";
import { enhanced, interfaceBlock, pcapHeader, pcapRecord, Seen, section } from "./made-captures.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "smtpscope-open-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function inFile(bytes: Buffer | string, name = "capture"): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

interface Result {
  seen: Seen;
  outcome: ReadOutcome;
}

async function readFile(bytes: Buffer | string, options?: ReadOptions): Promise<Result> {
  const seen = new Seen();
  return { seen, outcome: await readCaptureFile(inFile(bytes), seen, options) };
}

async function readStream(chunks: Iterable<Buffer>, options?: ReadOptions): Promise<Result> {
  const seen = new Seen();
  return { seen, outcome: await readCaptureStream(Readable.from(chunks), seen, options) };
}

function* pieces(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const record = (index: number, data = `packet ${index}`): Buffer =>
  pcapRecord("LE", { seconds: 1_700_000_000 + index, fraction: index, data });
const pcap = Buffer.concat([pcapHeader("LE"), ...Array.from({ length: 500 }, (_, index) => record(index))]);
const pcapng = Buffer.concat([section("BE"), interfaceBlock("BE"), enhanced("BE"), enhanced("BE")]);
const frames = decodeAll(pcap).seen.frames;

/** A zstd frame of stored blocks, so that no tool is needed: RFC 8878 §3.1.1. */
function zstdStored(bytes: Buffer, { blockBytes = 1000, window = 0x58 } = {}): Buffer {
  const parts: Buffer[] = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, window])];
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const data = bytes.subarray(at, at + blockBytes);
    const header = Buffer.alloc(3);
    header.writeUIntLE((data.length << 3) | (at + blockBytes >= bytes.length ? 1 : 0), 0, 3);
    parts.push(header, data);
  }
  return Buffer.concat(parts);
}
const skippable = Buffer.concat([Buffer.from([0x53, 0x2a, 0x4d, 0x18, 5, 0, 0, 0]), Buffer.from("abcde")]);

describe("recognises by content", () => {
  const table: [string, Buffer, Partial<ReadOutcome>][] = [
    ["pcap", pcap, { format: "pcap", compression: null }],
    ["pcapng", pcapng, { format: "pcapng", compression: null }],
    ["gzip", gzipSync(pcap), { format: "pcap", compression: "gzip" }],
    ["gzip of pcapng", gzipSync(pcapng), { format: "pcapng", compression: "gzip" }],
    [
      "gzip members",
      Buffer.concat([...pieces(pcap, 700)].map((part) => gzipSync(new Uint8Array(part)))),
      { compression: "gzip" },
    ],
    ["gzip and padding", Buffer.concat([gzipSync(pcap), Buffer.alloc(512)]), { compression: "gzip" }],
    ["zstd", zstdStored(pcap), { format: "pcap", compression: "zstd" }],
    [
      "zstd frames",
      Buffer.concat([...pieces(pcap, 700)].flatMap((part) => [skippable, zstdStored(part)])),
      { compression: "zstd" },
    ],
  ];
  test.each(table)("%s, as a file, as a stream, byte by byte", async (_name, bytes, want) => {
    const fromFile = await readFile(bytes);
    expect(fromFile.outcome).toMatchObject({ damage: null, ...want });
    expect(await readStream([bytes])).toEqual(fromFile);
    expect(await readStream(pieces(bytes, 1))).toEqual(fromFile);
    if (want.format !== "pcapng") expect(fromFile.seen.frames).toEqual(frames);
  });

  test("gzip headers with everything in them", async () => {
    const [plain] = [gzipSync(pcap)];
    const header = Buffer.from(plain.subarray(0, 10));
    header[3] = 0x1e;
    const extra = Buffer.concat([Buffer.from([3, 0]), Buffer.from("abc")]);
    const text = Buffer.from(`${"n".repeat(3000)}\0comment\0`);
    const bytes = Buffer.concat([header, extra, text, Buffer.from([0, 0]), plain.subarray(10)]);
    expect(gunzipSync(plain)).toEqual(pcap);
    expect((await readFile(bytes)).seen.frames).toEqual(frames);
  });

  test("what the zstd program writes", async (context) => {
    const path = inFile(Buffer.concat(Array.from({ length: 400 }, () => pcap.subarray(24))), "records");
    const whole = Buffer.concat([pcapHeader("LE"), ...Array.from({ length: 400 }, () => pcap.subarray(24))]);
    writeFileSync(path, whole);
    try {
      execFileSync("zstd", ["-q", "-f", "-10", "--check", path]);
    } catch (error) {
      if (process.env.CI !== undefined) throw error;
      return context.skip("no zstd program");
    }
    const seen = new Seen();
    const outcome = await readCaptureFile(`${path}.zst`, seen);
    expect(outcome).toMatchObject({ damage: null, bytes: whole.length });
    expect(seen.frames).toHaveLength(200_000);
  });
});

describe("packed data that is not whole", () => {
  test.each([
    ["gzip", gzipSync(pcap)],
    ["zstd", zstdStored(pcap, { blockBytes: 50 })],
  ])("%s cut anywhere gives what is before the cut", async (_name, bytes) => {
    let most = 0;
    for (let length = bytes.length - 1; length > 200; length -= 37) {
      const { seen, outcome } = await readFile(bytes.subarray(0, length));
      expect(seen.frames).toEqual(frames.slice(0, seen.frames.length));
      expect(outcome.damage).toMatchObject({ kind: "cut", what: expect.stringMatching(/gzip|zstd/) });
      expect(outcome.damage?.offsetBytes).toBeLessThanOrEqual(outcome.bytes);
      most = Math.max(most, seen.frames.length);
    }
    expect(most).toBeGreaterThan(frames.length - 5);
  });

  test("a cut between two records is a cut all the same", async () => {
    const { seen, outcome } = await readFile(gzipSync(pcap).subarray(0, -8));
    expect(seen.frames).toEqual(frames);
    expect(outcome.damage).toEqual({
      offsetBytes: pcap.length,
      kind: "cut",
      what: expect.stringMatching(/gzip data ends/),
    });
  });

  const wrong: [string, Buffer, RegExp][] = [
    [
      "garbage behind gzip",
      Buffer.concat([gzipSync(pcap), Buffer.from("garbage")]),
      /follow the end of the gzip/,
    ],
    [
      "garbage behind zstd",
      Buffer.concat([zstdStored(pcap), Buffer.from("garbage")]),
      /follow the end of the zstd/,
    ],
    ["gzip checksum", Buffer.concat([gzipSync(pcap).subarray(0, -8), Buffer.alloc(8)]), /checksum is wrong/],
  ];
  test.each(wrong)("%s: all packets, and damage", async (_name, bytes, what) => {
    const { seen, outcome } = await readFile(bytes);
    expect(seen.frames).toEqual(frames);
    expect(outcome.damage).toEqual({
      offsetBytes: pcap.length,
      kind: "damaged",
      what: expect.stringMatching(what),
    });
  });

  test("a damaged byte in gzip keeps most of what is before it", async () => {
    const noise = Array.from({ length: 2000 }, (_, index) =>
      record(index, `${Math.sin(index)}${Math.cos(index)}`),
    );
    const bytes = gzipSync(Buffer.concat([pcapHeader("LE"), ...noise]));
    bytes.fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 64);
    const { seen, outcome } = await readFile(bytes);
    expect(outcome.damage?.kind).toBe("damaged");
    expect(seen.frames.length).toBeGreaterThan(900);
  });

  test("a window beyond the bound is refused, not allocated", async () => {
    await expect(readFile(zstdStored(pcap, { window: 0xa8 }))).rejects.toMatchObject({
      code: "not-a-capture",
      message: expect.stringMatching(/more than 32 MiB/),
    });
  });
});

describe("what is no capture", () => {
  const table: [string, Buffer | string, string, RegExp][] = [
    ["nothing", "", "empty-capture", /is empty/],
    ["gzip of nothing", gzipSync(Buffer.alloc(0)), "empty-capture", /gzip data of 0 bytes/],
    ["text", "220 mail.example ESMTP\r\n250 ok\r\n", "not-a-capture", /is text/],
    ["short text", "x", "not-a-capture", /is text/],
    ["snoop", Buffer.from("snoop\0\0\0\0\0\0\x02\0\0\0\x04"), "not-a-capture", /Solaris snoop.*editcap/],
    ["ELF", Buffer.from("\x7fELF\x02\x01\x01\0\0\0\0\0\0\0"), "not-a-capture", /ELF/],
    ["gzip of text", gzipSync("hello, this is text"), "not-a-capture", /gzip data with text/],
    ["gzip in gzip", gzipSync(gzipSync(pcap)), "not-a-capture", /gzip data with gzip data: unpack it first/],
    ["zeros", Buffer.alloc(4096), "not-a-capture", /no capture in a known format/],
    ["gzip magic only", Buffer.from([0x1f, 0x8b, 8]), "not-a-capture", /ends inside its header/],
    ["xz", Buffer.from("\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46", "latin1"), "not-a-capture", /xz data/],
    ["an undocumented pcap", pcapHeader("LE", { magic: 0xa1b234cd }), "not-a-capture", /modified pcap/],
    ["pcapng without byte order", section("LE", { magic: 1 }), "not-a-capture", /pcapng capture damaged/],
  ];
  test.each(table)("%s", async (_name, bytes, code, message) => {
    const want = { name: "SmtpscopeError", code, message: expect.stringMatching(message) };
    await expect(readFile(bytes)).rejects.toMatchObject(want);
    await expect(readStream([Buffer.from(bytes)])).rejects.toMatchObject(want);
  });

  test("no file, a directory", async () => {
    const missing = readCaptureFile(join(folder, "missing"), new Seen());
    await expect(missing).rejects.toMatchObject({
      code: "unreadable",
      message: /missing cannot be read: no such file/,
    });
    await expect(readCaptureFile(folder, new Seen())).rejects.toMatchObject({
      code: "unreadable",
      message: /directory/,
    });
  });

  test("a stream that breaks", async () => {
    const stream = new PassThrough();
    stream.destroy(new Error("gone"));
    const reading = readCaptureStream(stream, new Seen(), { name: "pipe" });
    await expect(reading).rejects.toMatchObject({ code: "unreadable", message: "pipe cannot be read: gone" });
  });
});

describe("reading as it goes", () => {
  test("a live stream: each packet as soon as it is whole", async () => {
    const stream = new PassThrough();
    const seen = new Seen();
    const reading = readCaptureStream(stream, seen);
    stream.write(pcapHeader("LE"));
    for (let index = 0; index < 5; index += 1) {
      const whole = record(index);
      stream.write(whole.subarray(0, 20));
      await setTimeout(2);
      expect(seen.frames).toHaveLength(index);
      stream.write(whole.subarray(20));
      await setTimeout(2);
      expect(seen.frames).toHaveLength(index + 1);
    }
    stream.end();
    expect((await reading).damage).toBeNull();
  });

  test("a stopped stream ends normally, even before the first byte", async () => {
    for (const start of [pcap.subarray(0, 100), Buffer.alloc(0)]) {
      const stream = new PassThrough();
      const stop = new AbortController();
      const reading = readCaptureStream(stream, new Seen(), { signal: stop.signal });
      stream.write(start);
      await setTimeout(2);
      stop.abort();
      expect(await reading).toMatchObject({ damage: null, format: start.length > 0 ? "pcap" : null });
      expect(stream.destroyed).toBe(true);
    }
  });

  test("a stopped file ends after the batch", async () => {
    const many = Buffer.concat([pcap, ...Array.from({ length: 300 }, () => pcap.subarray(24))]);
    for (const bytes of [many, gzipSync(many)]) {
      const stop = new AbortController();
      const { seen, outcome } = await readFile(bytes, {
        signal: stop.signal,
        betweenBatches: () => stop.abort(),
      });
      expect(outcome.damage).toBeNull();
      expect(seen.frames.length).toBeGreaterThan(0);
      expect(seen.frames.length).toBeLessThan(100_000);
    }
  });

  test("progress, and a pause between batches that is waited for", async () => {
    const many = Buffer.concat([pcap, ...Array.from({ length: 300 }, () => pcap.subarray(24))]);
    const progress: [number, number][] = [];
    let paused = 0;
    await readFile(many, {
      onProgress: (readBytes, totalBytes) => progress.push([readBytes, totalBytes]),
      betweenBatches: async () => {
        const before = progress.length;
        await setTimeout(1);
        expect(progress.length).toBe(before);
        paused += 1;
      },
    });
    expect(progress.at(-1)).toEqual([many.length, many.length]);
    expect(paused).toBe(progress.length);
  });

  test("back-pressure: nothing is read ahead of a slow consumer", async () => {
    let given = 0;
    function* source(): Generator<Buffer> {
      for (const piece of pieces(pcap, 500)) {
        given += 1;
        yield piece;
      }
    }
    const stream = Readable.from(source(), { highWaterMark: 1 });
    let batches = 0;
    await readCaptureStream(stream, new Seen(), {
      betweenBatches: async () => {
        batches += 1;
        await setTimeout(1);
        expect(given).toBeLessThanOrEqual(batches + 4);
      },
    });
    expect(given).toBeGreaterThan(20);
  });

  it("reads a named pipe as a stream", async (context) => {
    const path = join(folder, "fifo");
    try {
      execFileSync("mkfifo", [path]);
    } catch {
      return context.skip("no named pipes here");
    }
    const writer = spawn("sh", ["-c", `sleep 0.1; cat "${inFile(pcap)}" > "${path}"`]);
    const seen = new Seen();
    const outcome = await readCaptureFile(path, seen);
    expect(outcome).toMatchObject({ damage: null, format: "pcap" });
    expect(seen.frames).toEqual(frames);
    writer.kill();
  });

  it("stops waiting for a named pipe that has no writer", async (context) => {
    const path = join(folder, "silent");
    try {
      execFileSync("mkfifo", [path]);
    } catch {
      return context.skip("no named pipes here");
    }
    const outcome = await readCaptureFile(path, new Seen(), { signal: AbortSignal.timeout(30) });
    expect(outcome).toMatchObject({ damage: null, format: null, bytes: 0 });
  });
});
