/** From packets to exchanges: the shipped captures against tshark's fields, and captures cut into pieces. */
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import { Capture } from "../../src/capture/capture.ts";
import type { ReadOutcome } from "../../src/capture/file/open.ts";
import { Dialogues } from "../../src/dialogue/dialogues.ts";
import type { Conversation } from "../../src/spine/conversation.ts";
import type { Exchange } from "../../src/spine/exchange.ts";
import { type Collected, Collector, collect, PORTS } from "../support/collect.ts";
import { describeWith, run } from "./file/tools.ts";
import { copiesIn, type NaiveStream, naiveExchanges, naiveStreams, spanLine } from "./pipeline.naive.ts";
import { encodePcap, recordsOf } from "./stream/packets.ts";
import { randomMix } from "./stream/random-mix.ts";
import { fields, inFolder, placed } from "./stream/tshark.ts";

const CAPTURES = new URL("../../captures/", import.meta.url);
const pathOf = (name: string): string => new URL(name, CAPTURES).pathname;
const SHIPPED = readdirSync(CAPTURES).filter((name) => name.endsWith(".pcap"));

function theirLines(stream: NaiveStream): string[] {
  return (naiveExchanges(stream) ?? []).map(({ verb, code, asked, answered }) => {
    const copies = copiesIn(stream.client, asked) + copiesIn(stream.server, answered);
    return `${verb} ${spanLine(stream.client, asked)} -> ${code} ${spanLine(stream.server, answered)} copies ${copies}`;
  });
}

function ourLines(exchanges: readonly Collected[]): string[] {
  const span = (
    [first, last]: readonly [number, number],
    firstAtUs: number | null,
    lastAtUs: number | null,
  ) => (first === 0 ? "-" : `${first}-${last} ${firstAtUs}-${lastAtUs}`);
  return exchanges.map((e) => {
    const asked = e.verb === "(connect)" ? "-" : span(e.askedFrames, e.askedFirstAtUs, e.askedLastAtUs);
    const answered = span(e.answeredFrames, e.answeredFirstAtUs, e.answeredLastAtUs);
    return `${e.verb} ${asked} -> ${e.code} ${answered} copies ${e.retransmits}`;
  });
}

describeWith(["tshark"], "the shipped captures, by a script around tshark's fields", () => {
  test.each(SHIPPED)("%s: pairing, packets, times and copies", async (name) => {
    const { collector } = await collect(pathOf(name));
    let compared = 0;
    for (const stream of await naiveStreams(pathOf(name))) {
      if (naiveExchanges(stream) === null) continue;
      const ours = collector.exchanges
        .filter(
          ({ tcpStream, verb }) => tcpStream === stream.number && verb !== "(tls)" && verb !== "(encrypted)",
        )
        .sort((a, b) => a.ordinal - b.ordinal);
      expect(ourLines(ours)).toEqual(theirLines(stream));
      compared += ours.length;
    }
    expect(compared).toBeGreaterThan(1);
  });

  test("lossy.pcap: some spans have copies, and some exchanges none", async () => {
    const { collector } = await collect(pathOf("lossy.pcap"));
    expect(collector.exchanges.filter(({ retransmits }) => retransmits > 0).length).toBeGreaterThan(3);
    expect(collector.exchanges.filter(({ retransmits }) => retransmits === 0).length).toBeGreaterThan(20);
  });

  test.each(SHIPPED)("%s: frames and connections are counted as tshark counts", async (name) => {
    const { capture } = await collect(pathOf(name));
    const rows = await fields(pathOf(name), ["frame.number", "tcp.stream"]);
    expect(capture.counts.frames).toBe(rows.length);
    const streams = rows.map(([, stream]) => stream ?? "").filter((stream) => stream !== "");
    expect(capture.counts.connections).toBe(Math.max(...streams.map(Number)) + 1);
  });
});

interface Piecewise {
  /** What an exchange says, without where in the files it is. */
  said: string;
  /** Places as (file, frame, stream), as they are known when it settles. */
  askedAt: [string, number, number] | null;
  answeredAt: [string, number, number] | null;
  taint: string | null;
  client: string;
}

const sayingOf = (e: Exchange, conversation: Conversation): string =>
  [
    conversation.transport.client,
    e.ordinal,
    e.phase,
    e.verb,
    e.command(),
    e.code,
    e.lines().join("\n"),
    e.askedFirstAtUs,
    e.askedLastAtUs,
    e.answeredFirstAtUs,
    e.answeredLastAtUs,
    e.thinkUs,
    e.serviceUs,
    e.waitedUs,
    e.pipelinedBehind,
    e.retransmits,
    e.taint,
  ].join(" ");

async function readPieces(
  paths: readonly string[],
): Promise<{ exchanges: Piecewise[]; outcomes: ReadOutcome[]; collector: Collector }> {
  const exchanges: Piecewise[] = [];
  class Placing extends Collector {
    override exchange(e: Exchange, conversation: Conversation): void {
      super.exchange(e, conversation);
      const placeOf = (frame: number): [string, number, number] | null => {
        if (frame === 0) return null;
        const place = capture.frames.locate(frame);
        return [basename(place.file), place.frame!, conversation.transport.tcpStreamAt(frame)];
      };
      exchanges.push({
        said: sayingOf(e, conversation),
        askedAt: placeOf(e.askedLastFrame),
        answeredAt: placeOf(e.answeredFirstFrame),
        taint: e.taint,
        client: conversation.transport.client,
      });
    }
  }
  const collector = new Placing();
  const capture = new Capture(new Dialogues(collector, { ports: PORTS, copiesPossible: true }), PORTS);
  const outcomes: ReadOutcome[] = [];
  for (const path of paths) outcomes.push(await capture.readFile(path, {}));
  capture.end();
  return { exchanges, outcomes, collector };
}

describe("a capture cut by hand", () => {
  const packets = randomMix(3, { conversations: 3, losses: false, disorder: true, mischief: false });
  const records = recordsOf(packets);
  const streamIn = (from: number, to: number, frame: number): number => {
    const order = [...new Set(packets.slice(from, to).map(({ link }) => link))];
    return order.indexOf(packets[from + frame - 1]!.link);
  };

  test("at every packet: the same exchanges, and each place as it is counted in its piece", () =>
    inFolder(async (folder) => {
      const whole = await readPieces([placed(folder, "whole.pcap", encodePcap(records))]);
      expect(whole.exchanges.length).toBeGreaterThan(5);
      for (let cut = 0; cut <= records.length; cut++) {
        const a = placed(folder, `a${cut}.pcap`, encodePcap(records.slice(0, cut)));
        const b = placed(folder, `b${cut}.pcap`, encodePcap(records.slice(cut)));
        const cutUp = await readPieces([a, b]);
        expect(cutUp.exchanges.map(({ said }) => said)).toEqual(whole.exchanges.map(({ said }) => said));
        cutUp.exchanges.forEach(({ askedAt, answeredAt }, i) => {
          for (const [got, want] of [
            [askedAt, whole.exchanges[i]!.askedAt],
            [answeredAt, whole.exchanges[i]!.answeredAt],
          ] as const) {
            if (want === null) expect(got).toBeNull();
            else {
              const inFirst = want[1] <= cut;
              const frame = inFirst ? want[1] : want[1] - cut;
              const stream = inFirst ? streamIn(0, cut, frame) : streamIn(cut, records.length, frame);
              expect([cut, ...got!]).toEqual([cut, `${inFirst ? "a" : "b"}${cut}.pcap`, frame, stream]);
            }
          }
        });
      }
    }));

  test("into one file a packet", () =>
    inFolder(async (folder) => {
      const whole = await readPieces([placed(folder, "whole.pcap", encodePcap(records))]);
      const pieces = records.map((record, i) => placed(folder, `piece${i}.pcap`, encodePcap([record])));
      const cutUp = await readPieces(pieces);
      expect(cutUp.exchanges.map(({ said }) => said)).toEqual(whole.exchanges.map(({ said }) => said));
      for (const { askedAt, answeredAt } of cutUp.exchanges) {
        for (const place of [askedAt, answeredAt]) if (place !== null) expect(place.slice(1)).toEqual([1, 0]);
      }
    }));
});

describeWith(["editcap", "tshark"], "a capture cut by editcap", () => {
  async function ring(folder: string, name: string, packetsEach: number): Promise<string[]> {
    const into = `${folder}/${packetsEach}`;
    mkdirSync(into);
    await run("editcap", "-F", "nsecpcap", "-c", String(packetsEach), pathOf(name), `${into}/piece.pcap`);
    return readdirSync(into)
      .sort()
      .map((piece) => `${into}/${piece}`);
  }

  test.each([
    ["healthy.pcap", 40],
    ["healthy.pcap", 17],
    ["pipelining.pcap", 23],
    ["bdat-exim.pcap", 50],
    ["lossy.pcap", 90],
    ["starttls.pcap", 31],
    ["slow-ptr.pcap", 200],
  ] as const)("%s, %i packets a piece", (name, packetsEach) =>
    inFolder(async (folder) => {
      const pieces = await ring(folder, name, packetsEach);
      expect(pieces.length).toBeGreaterThan(2);
      const whole = await readPieces([pathOf(name)]);
      const cutUp = await readPieces(pieces);
      expect(cutUp.exchanges.map(({ said }) => said)).toEqual(whole.exchanges.map(({ said }) => said));
      expect(cutUp.collector.conversations).toEqual(whole.collector.conversations);
      const streams = new Map<string, string>();
      for (const piece of pieces) {
        for (const [frame, stream] of await fields(piece, ["frame.number", "tcp.stream"]))
          streams.set(`${basename(piece)} ${frame}`, stream ?? "");
      }
      for (const { askedAt, answeredAt } of cutUp.exchanges) {
        for (const place of [askedAt, answeredAt]) {
          if (place === null) continue;
          const [file, frame, stream] = place;
          expect([file, frame, String(stream)]).toEqual([file, frame, streams.get(`${file} ${frame}`)]);
        }
      }
    }),
  );

  test("a piece in the middle is damaged: what it does not touch is as it was, what it touches is tainted", () =>
    inFolder(async (folder) => {
      const pieces = await ring(folder, "healthy.pcap", 40);
      const whole = await readPieces([pathOf("healthy.pcap")]);
      const known = new Set(whole.exchanges.map(({ said }) => said));
      const middle = readFileSync(pieces[2]!);
      for (const damaged of [
        middle.subarray(0, 24),
        middle.subarray(0, 900),
        middle.subarray(0, middle.length - 3),
        Buffer.concat([middle.subarray(0, 24), Buffer.alloc(64, 0xff)]),
      ]) {
        const bad = placed(folder, "piece-damaged.pcap", damaged);
        const { exchanges, outcomes } = await readPieces([...pieces.slice(0, 2), bad, ...pieces.slice(3)]);
        expect(outcomes.filter(({ damage }) => damage !== null).length).toBe(damaged.length === 24 ? 0 : 1);
        const settledBefore = exchanges.filter(({ said }) => known.has(said)).length;
        expect(settledBefore).toBeGreaterThan(30);
        const invented = exchanges.filter(({ said, taint }) => taint === null && !known.has(said));
        expect(invented.map(({ said }) => said)).toEqual([]);
      }
    }));
});
