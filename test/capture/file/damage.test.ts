/** Whatever a file's bytes are: no exception but the operator's, no hang, and nothing wrong before the fault. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { formatOf } from "../../../src/capture/file/formats.ts";
import { readCaptureStream } from "../../../src/capture/file/open.ts";
import { peekCapture } from "../../../src/capture/file/peek.ts";
import { SmtpscopeError } from "../../../src/spine/errors.ts";
import { decodeAll } from "./decoding.ts";
import {
  block,
  enhanced,
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

const folder = mkdtempSync(join(tmpdir(), "smtpscope-damage-"));
afterAll(() => rmSync(folder, { recursive: true }));

const made: Buffer[] = (["LE", "BE"] as const).flatMap((endian) => [
  Buffer.concat([pcapHeader(endian), ...[0, 1, 2, 3].map((fraction) => pcapRecord(endian, { fraction }))]),
  Buffer.concat([
    section(endian),
    interfaceBlock(endian, 1, 0, option(endian, 9, Buffer.from([9]))),
    enhanced(endian),
    simple(endian),
    block(endian, 0xbad, Buffer.alloc(12)),
    enhanced(endian, { options: option(endian, 4, Buffer.alloc(8, 1)) }),
    section(endian),
    interfaceBlock(endian, 101),
    obsolete(endian, { drops: 3 }),
    block(endian, 5, Buffer.concat([Buffer.alloc(12), option(endian, 5, Buffer.alloc(8, 1))])),
  ]),
]);
const files = [...made, ...SAMPLES.map((path) => readFileSync(path)).filter((file) => file.length < 60_000)];
const captures = files.filter((file) => formatOf(file) !== null);
const anyCapture = fc.constantFrom(...captures);

it("gives, of a file cut anywhere, the frames before the cut", () => {
  fc.assert(
    fc.property(anyCapture, fc.double({ min: 0, max: 1, noNaN: true }), (file, where) => {
      const whole = decodeAll(file);
      const length = Math.max(12, Math.floor(file.length * where));
      const { seen, damage } = decodeAll(file.subarray(0, length));
      expect(seen.frames).toEqual(whole.seen.frames.slice(0, seen.frames.length));
      if (damage !== null) expect(damage.offsetBytes).toBeLessThanOrEqual(length);
    }),
    { numRuns: 500 },
  );
});

it("gives, of a file with changed bytes, the frames before the first change, in whatever pieces it comes", () => {
  const change = fc.record({ where: fc.double({ min: 0, max: 1, noNaN: true }), to: fc.nat(255) });
  fc.assert(
    fc.property(
      anyCapture,
      fc.array(change, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 5000 }),
      (file, changes, piece) => {
        const changed = Buffer.from(file);
        let first = file.length;
        for (const { where, to } of changes) {
          // The magic number is what makes it this format.
          const at = Math.min(file.length - 1, 12 + Math.floor((file.length - 12) * where));
          changed[at] = to;
          first = Math.min(first, at);
        }
        const before = decodeAll(file.subarray(0, first)).seen.frames;
        const whole = decodeAll(changed);
        expect(whole.seen.frames.slice(0, before.length)).toEqual(before);
        const pieces = decodeAll(changed, piece);
        expect(pieces.seen).toEqual(whole.seen);
        expect(pieces.damage).toEqual(whole.damage);
        if (whole.damage !== null) expect(whole.damage.offsetBytes).toBeLessThanOrEqual(changed.length);
      },
    ),
    { numRuns: 500 },
  );
});

describe("any bytes", () => {
  const anyBytes = fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    fc
      .tuple(
        fc.constantFrom(...captures.map((file) => file.subarray(0, 12))),
        fc.uint8Array({ maxLength: 400 }),
      )
      .map(([head, tail]) => Buffer.concat([head, tail])),
    fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.concat([Buffer.from([0x1f, 0x8b, 8]), bytes])),
    fc
      .uint8Array({ maxLength: 400 })
      .map((bytes) => Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), bytes])),
    fc.tuple(anyCapture, fc.nat(), fc.nat(255)).map(([file, at, to]) => {
      const packed = gzipSync(file);
      packed[at % packed.length] = to;
      return packed;
    }),
  );

  it("end in an outcome or an operator's error", async () => {
    const property = fc.asyncProperty(anyBytes, fc.integer({ min: 1, max: 300 }), async (bytes, size) => {
      const chunks = [Buffer.from(bytes.subarray(0, size)), Buffer.from(bytes.subarray(size))];
      try {
        const { damage, bytes: read } = await readCaptureStream(Readable.from(chunks), new Seen());
        if (damage !== null) expect(damage.offsetBytes).toBeLessThanOrEqual(read);
      } catch (error) {
        expect(error).toBeInstanceOf(SmtpscopeError);
      }
    });
    await fc.assert(property, { numRuns: 500 });
  });

  it("can be peeked at", () => {
    const path = join(folder, "peeked");
    const property = fc.property(anyBytes, (bytes) => {
      writeFileSync(path, bytes);
      const peek = peekCapture(path);
      if (peek !== null && peek.lastUs !== null) expect(peek.lastUs).toBeGreaterThanOrEqual(peek.firstUs);
    });
    fc.assert(property, { numRuns: 200 });
  });
});
