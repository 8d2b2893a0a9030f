/** Made-up captures against tshark: which packet is of which connection, and what each side said. */
import { expect, test } from "vitest";
import type { Side } from "../../../src/spine/wire.ts";
import { describeWith } from "../file/tools.ts";
import { encodePcap, type Packet, recordsOf } from "./packets.ts";
import { type MixOptions, randomMix } from "./random-mix.ts";
import { Feeder, type Recording } from "./recording.ts";
import { REUSES } from "./reuses.ts";
import { fields, follow, inFolder, placed } from "./tshark.ts";

const SEEDS = [1, 2];

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

interface Theirs {
  /** How many connections there were after each frame: rises where a frame starts one. */
  count: number[];
  /** Where each byte was first captured, by stream, port and raw sequence number. */
  firstFrame: Map<string, number>;
}

const NAMES = [
  "frame.number",
  "tcp.stream",
  "tcp.srcport",
  "tcp.seq_raw",
  "tcp.len",
  "tcp.flags.syn",
  "frame.protocols",
];

async function tsharkReads(file: string): Promise<Theirs> {
  const theirs: Theirs = { count: [], firstFrame: new Map() };
  let highest = -1;
  for (const [frame, stream = "", port, seq, length, syn, protocols] of await fields(file, NAMES)) {
    if (stream !== "") highest = Math.max(highest, Number(stream));
    theirs.count.push(highest + 1);
    if (protocols?.includes("icmp")) continue;
    for (let i = 0; i < Number(length); i++) {
      const key = `${stream} ${port} ${(Number(seq) + i + (syn === "1" ? 1 : 0)) >>> 0}`;
      if (!theirs.firstFrame.has(key)) theirs.firstFrame.set(key, Number(frame));
    }
  }
  return theirs;
}

/** The first bytes of which we say another packet than they do. */
function differences(
  packets: readonly Packet[],
  recordings: readonly Recording[],
  { firstFrame }: Theirs,
): string[] {
  const different: string[] = [];
  for (const { delivered, tcpStream } of recordings) {
    for (const { bytes, frame } of [...delivered.client, ...delivered.server]) {
      if (bytes === null) continue;
      const { from, link, seq, data, flags } = packets[frame - 1]!;
      const at = Buffer.from(data).indexOf(bytes);
      const isn = from === "client" ? link.clientIsn : link.serverIsn;
      for (let i = 0; i < bytes.length; i++) {
        const key = `${tcpStream} ${link[from].port} ${(isn + 1 + seq + at + i + (flags.includes("S") ? 1 : 0)) >>> 0}`;
        if (firstFrame.get(key) !== frame)
          different.push(`${key}: ours ${frame}, tshark ${firstFrame.get(key)}`);
      }
    }
  }
  return different.slice(0, 3);
}

const mixes: { name: string; options: MixOptions }[] = [
  { name: "orderly", options: { conversations: 100, losses: false, disorder: false, mischief: false } },
  {
    name: "copies, overlaps, reordering",
    options: { conversations: 100, losses: false, disorder: true, mischief: false },
  },
  { name: "losses", options: { conversations: 100, losses: true, disorder: false, mischief: false } },
  {
    name: "everything at once",
    options: { conversations: 200, losses: true, disorder: true, mischief: true },
  },
];

describeWith(["tshark"], "tshark", () => {
  test("a SYN on known addresses and ports", () =>
    inFolder(async (folder) => {
      // All cases in one file, each on addresses of its own.
      const packets = REUSES.flatMap(({ in: own }, index) =>
        own.map((packet) => ({
          ...packet,
          link: { ...packet.link, client: { address: [10, 0, 0, index], port: 4_000 } },
        })),
      );
      const file = placed(
        folder,
        "reuses.pcap",
        encodePcap(recordsOf(packets.map((packet, i) => ({ ...packet, atUs: i })))),
      );
      const streams = REUSES.map(() => new Set<string>());
      (await fields(file, ["tcp.stream"])).forEach(([stream], i) => {
        streams[packets[i]!.link.client.address[3]!]!.add(stream!);
      });
      const theirs = REUSES.map(({ name }, index) => ({ name, streams: streams[index]!.size }));
      expect(theirs).toEqual(REUSES.map(({ name, streams }) => ({ name, streams })));
    }));

  test.each(mixes)(
    "$name: connections are counted alike, and each byte is in the packet that held it first",
    ({ options }) =>
      inFolder(async (folder) => {
        for (const seed of SEEDS) {
          const packets = randomMix(seed, options);
          const theirs = await tsharkReads(placed(folder, `${seed}.pcap`, encodePcap(recordsOf(packets))));
          const { count, recordings } = ourNumbers(packets);
          const index = count.findIndex((ours, i) => ours !== theirs.count[i]);
          expect([seed, index + 1, count[index], theirs.count[index]]).toEqual([
            seed,
            0,
            undefined,
            undefined,
          ]);
          expect(count.length).toBe(theirs.count.length);
          expect([seed, recordings.flatMap(({ faults }) => faults)]).toEqual([seed, []]);
          // Where ends and openings are false, what comes before and after them is a matter of belief.
          if (options.mischief) continue;
          expect([seed, differences(packets, recordings, theirs)]).toEqual([seed, []]);
        }
      }),
  );

  // Told to follow out of order, tshark takes bytes as missing at once when they are acknowledged.
  test.each(mixes.filter(({ options }) => !options.losses && !options.disorder))(
    "$name: what each side said, as tshark follows it",
    ({ options }) =>
      inFolder(async (folder) => {
        for (const seed of SEEDS) {
          const packets = randomMix(seed, options);
          const file = placed(folder, `${seed}.pcap`, encodePcap(recordsOf(packets)));
          const { recordings } = ourNumbers(packets);
          const theirs = await follow(
            file,
            recordings.map(({ tcpStream }) => tcpStream),
          );
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
