/** Made-up captures against tshark: which packet is of which connection, and what each side said. */
import { describe, expect, test } from "vitest";
import type { Side } from "../../../src/spine/wire.ts";
import { describeWith } from "../file/tools.ts";
import { encodePcap, type Packet, recordsOf } from "./packets.ts";
import { type MixOptions, randomMix } from "./random-mix.ts";
import { Feeder, type Recording } from "./recording.ts";
import { REUSES } from "./reuses.ts";
import { fields, follow, inFolder, placed } from "./tshark.ts";

const SEEDS = 12;

/** Our number for each packet that has one, asked of the numbering as packets come. */
function ourNumbers(packets: readonly Packet[]): { count: number[]; recordings: Recording[] } {
  const feeder = new Feeder();
  const count: number[] = [];
  for (const record of recordsOf(packets)) {
    feeder.record(record);
    count.push(feeder.streams.tcpStreams);
  }
  return { count, recordings: feeder.end() };
}

/** How many connections there were after each frame: rises where a frame starts one. */
async function tsharkCounts(file: string): Promise<number[]> {
  let highest = -1;
  return (await fields(file, ["frame.number", "tcp.stream"])).map(([, stream]) => {
    if (stream !== undefined && stream !== "") highest = Math.max(highest, Number(stream));
    return highest + 1;
  });
}

/** Where each byte was first captured, by tshark's stream numbers and raw sequence numbers. */
async function tsharkFirstFrames(file: string): Promise<Map<string, number>> {
  const rows = await fields(file, ["frame.number", "tcp.stream", "tcp.srcport", "tcp.seq_raw", "tcp.len", "tcp.flags.syn"], "tcp && !icmp && !icmpv6");
  const firstFrame = new Map<string, number>();
  for (const [frame, stream, port, seq, length, syn] of rows) {
    for (let i = 0; i < Number(length); i++) {
      const key = `${stream} ${port} ${(Number(seq) + i + (syn === "1" ? 1 : 0)) >>> 0}`;
      if (!firstFrame.has(key)) firstFrame.set(key, Number(frame));
    }
  }
  return firstFrame;
}

const mixes: { name: string; options: MixOptions }[] = [
  { name: "orderly", options: { conversations: 12, losses: false, disorder: false, mischief: false } },
  { name: "copies, overlaps, reordering", options: { conversations: 12, losses: false, disorder: true, mischief: false } },
  { name: "losses", options: { conversations: 12, losses: true, disorder: false, mischief: false } },
  { name: "everything at once", options: { conversations: 20, losses: true, disorder: true, mischief: true } },
];

describeWith(["tshark"], "tshark", () => {
  test("a SYN on known addresses and ports", () =>
    inFolder(async (folder) => {
      const theirs = await Promise.all(
        REUSES.map(async ({ name, in: packets }, index) => {
          const file = placed(folder, `${index}.pcap`, encodePcap(recordsOf(packets)));
          return { name, streams: (await tsharkCounts(file)).at(-1) };
        }),
      );
      expect(theirs).toEqual(REUSES.map(({ name, streams }) => ({ name, streams })));
    }));

  describe.each(mixes)("$name", ({ options }) => {
    test("connections are counted alike, frame by frame", () =>
      inFolder(async (folder) => {
        for (let seed = 1; seed <= SEEDS; seed++) {
          const packets = randomMix(seed, options);
          const file = placed(folder, `${seed}.pcap`, encodePcap(recordsOf(packets)));
          const ours = ourNumbers(packets).count;
          const theirs = await tsharkCounts(file);
          const index = ours.findIndex((count, i) => count !== theirs[i]);
          expect([seed, index + 1, ours[index], theirs[index]]).toEqual([seed, 0, undefined, undefined]);
          expect(ours.length).toBe(theirs.length);
        }
      }));

    test("each byte is in the frame that held it first", () =>
      inFolder(async (folder) => {
        for (let seed = 1; seed <= SEEDS; seed++) {
          const packets = randomMix(seed, options);
          const file = placed(folder, `${seed}.pcap`, encodePcap(recordsOf(packets)));
          const theirs = await tsharkFirstFrames(file);
          const different: string[] = [];
          for (const { delivered, tcpStream, faults } of ourNumbers(packets).recordings) {
            expect([seed, faults]).toEqual([seed, []]);
            for (const side of ["client", "server"] as const) {
              for (const { bytes, frame } of delivered[side]) {
                if (bytes === null) continue;
                const { from, link, seq, data, flags } = packets[frame - 1]!;
                const at = Buffer.from(data).indexOf(bytes);
                const isn = from === "client" ? link.clientIsn : link.serverIsn;
                for (let i = 0; i < bytes.length; i++) {
                  const number = (isn + 1 + seq + at + i + (flags.includes("S") ? 1 : 0)) >>> 0;
                  const key = `${tcpStream} ${link[from].port} ${number}`;
                  if (theirs.get(key) !== frame) different.push(`${key}: ours ${frame}, tshark ${theirs.get(key)}`);
                }
              }
            }
          }
          expect([seed, different.slice(0, 3)]).toEqual([seed, []]);
        }
      }));
  });

  test.each(mixes.filter(({ options }) => !options.losses))("$name: what each side said, as tshark follows it", ({ options }) =>
    inFolder(async (folder) => {
      for (let seed = 100; seed < 100 + SEEDS; seed++) {
        const packets = randomMix(seed, options);
        const file = placed(folder, `${seed}.pcap`, encodePcap(recordsOf(packets)));
        const { recordings } = ourNumbers(packets);
        const theirs = await follow(file, recordings.map(({ tcpStream }) => tcpStream));
        for (const recording of recordings) {
          const { transport, tcpStream } = recording;
          const { ends, bytes } = theirs.get(tcpStream)!;
          const text = (name: string): string => {
            const side: Side = name === transport.client ? "client" : "server";
            return recording.text(side);
          };
          expect([seed, tcpStream, text(ends[0]), text(ends[1])]).toEqual([
            seed,
            tcpStream,
            bytes[0].toString("latin1"),
            bytes[1].toString("latin1"),
          ]);
        }
      }
    }),
  );
});
