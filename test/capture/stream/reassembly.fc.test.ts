/**
 * However a conversation's segments are cut, repeated and reordered, each byte comes once, in its place,
 * as its first captured copy. Held against a reference that keeps an array of bytes and nothing else.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Side } from "../../../src/spine/wire.ts";
import { type Packet, Talk } from "./packets.ts";
import { at, copiesOf, type Recording, record } from "./recording.ts";

interface Turn {
  from: Side;
  length: number;
}

/** Segments of a turn: how long each is, and how many bytes of the one before it repeats. */
interface Cut {
  length: number;
  back: number;
}

const SIDES = ["client", "server"] as const;

/** A byte that tells its place, so that one out of place is seen. */
const byteAt = (from: Side, offset: number): number => (offset * 7 + (from === "client" ? 1 : 128)) % 251;

const payload = (from: Side, offset: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => byteAt(from, offset + i));

/** What a sender and its peer put on the wire, nothing lost, in order. At least two bytes a segment: one may be a keep-alive. */
function conversation(
  talk: Talk,
  turns: readonly Turn[],
  cuts: readonly Cut[],
  acknowledge: boolean,
): Packet[] {
  const sent = { client: 0, server: 0 };
  const packets: Packet[] = [];
  let cutAt = 0;
  for (const { from, length } of turns) {
    const peer = from === "client" ? "server" : "client";
    const end = sent[from] + length;
    while (sent[from] < end) {
      const cut = cuts[cutAt++ % cuts.length]!;
      const start = Math.max(0, sent[from] - cut.back);
      const stop = Math.max(start + 2, Math.min(end, sent[from] + cut.length));
      packets.push({
        link: talk.link,
        from,
        seq: start,
        ack: acknowledge ? sent[peer] : 0,
        flags: "P",
        data: payload(from, start, stop - start),
      });
      sent[from] = Math.max(sent[from], stop);
    }
  }
  return packets;
}

const isn = fc.oneof(
  fc.nat(0xffff_ffff),
  fc.integer({ min: 0xffff_ff00, max: 0xffff_ffff }),
  fc.integer({ min: 0x7fff_ff00, max: 0x7fff_ffff }),
);
const talks = fc.record({ clientIsn: isn, serverIsn: isn }).map((isns) => new Talk(isns));
const turnList = fc.array(
  fc.record({ from: fc.constantFrom(...SIDES), length: fc.integer({ min: 2, max: 60 }) }),
  { minLength: 1, maxLength: 8 },
);
const cutList = fc.boolean().chain((overlapping) =>
  fc.array(fc.record({ length: fc.integer({ min: 2, max: 30 }), back: fc.nat(overlapping ? 12 : 0) }), {
    minLength: 1,
    maxLength: 6,
  }),
);
/** Fisher-Yates by given numbers, each element moved by less than `reach`. */
function shuffled<T>(items: readonly T[], draws: readonly number[], reach: number): T[] {
  return items
    .map((item, index) => ({ item, key: index + (draws[index % draws.length]! % reach) }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
const draws = fc.array(fc.nat(1_000), { minLength: 5, maxLength: 40 });
/** Which packets are captured again, and how much later. */
const repeats = fc.array(fc.tuple(fc.nat(100), fc.nat(20)), { maxLength: 12 });

function repeated(
  packets: readonly Packet[],
  again: readonly (readonly [number, number])[],
  reach: number,
): Packet[] {
  const all = packets.map((packet, index) => ({ packet, key: index }));
  for (const [which, later] of again) {
    if (packets.length === 0) break;
    const index = which % packets.length;
    all.push({ packet: packets[index]!, key: index + 0.5 + (later % reach) });
  }
  return all.sort((a, b) => a.key - b.key).map(({ packet }) => packet);
}

interface Reference {
  /** Packet number of the first captured copy of each byte; 0 where none was. */
  firstFrame: { [side in Side]: number[] };
  packets: readonly Packet[];
}

function reference(packets: readonly Packet[]): Reference {
  const firstFrame: { [side in Side]: number[] } = { client: [], server: [] };
  packets.forEach(({ from, seq, data }, index) => {
    for (let i = 0; i < data.length; i++) firstFrame[from][seq + i] ||= index + 1;
  });
  return { firstFrame, packets };
}

/** Packets that hold a byte of the span when an earlier one held it already. */
function laterCopies({ firstFrame, packets }: Reference, side: Side, from: number, to: number): number {
  return packets.filter(({ from: sender, seq, data }, index) => {
    if (sender !== side) return false;
    for (let byte = Math.max(seq, from); byte < Math.min(seq + data.length, to); byte++) {
      if (firstFrame[side][byte]! < index + 1) return true;
    }
    return false;
  }).length;
}

function expectSame(recording: Recording | undefined, packets: readonly Packet[]): Reference {
  const want = reference(packets);
  expect(recording?.faults ?? []).toEqual([]);
  for (const side of SIDES) {
    const pieces = recording?.delivered[side] ?? [];
    const length = want.firstFrame[side].length;
    expect(pieces.reduce((sum, piece) => sum + piece.length, 0)).toBe(length);
    for (const { offset, bytes, frame, atUs } of pieces) {
      expect(bytes).not.toBeNull();
      expect(Buffer.from(bytes!).equals(payload(side, offset, bytes!.length))).toBe(true);
      for (let i = 0; i < bytes!.length; i++) expect(want.firstFrame[side][offset + i]).toBe(frame);
      expect(atUs).toBe(at(frame * 1_000));
    }
  }
  return want;
}

/** No copy may be told of before its bytes, nor an acknowledgement's bytes after what acknowledges them. */
function expectCausal(recording: Recording, packets: readonly Packet[]): void {
  const had = { client: 0, server: 0 };
  const pieces = { client: [...recording.delivered.client], server: [...recording.delivered.server] };
  for (const line of recording.lines) {
    const match = /^([CS])\d+ (?:#(\d+)|gap)/.exec(line);
    if (match === null) continue;
    const side: Side = match[1] === "C" ? "client" : "server";
    const peer = side === "client" ? "server" : "client";
    if (match[2] !== undefined)
      expect(had[peer]).toBeGreaterThanOrEqual(packets[Number(match[2]) - 1]!.ack ?? 0);
    had[side] += pieces[side].shift()!.length;
  }
}

const RUNS = { numRuns: 400 };

describe("reassembly", () => {
  test("in any order within a window, cut and repeated anyhow, with true acknowledgements", () => {
    fc.assert(
      fc.property(
        talks,
        turnList,
        cutList,
        draws,
        repeats,
        fc.integer({ min: 1, max: 20 }),
        (talk, turns, cuts, d, again, reach) => {
          const sent = repeated(conversation(talk, turns, cuts, true), again, reach);
          const packets = [...talk.handshake(), ...shuffled(sent, d, reach)];
          const [recording] = record(packets);
          expectSame(recording, packets);
          // A packet that repeats old bytes with a newer acknowledgement asks for what cannot be.
          if (cuts.every(({ back }) => back === 0)) expectCausal(recording!, packets);
        },
      ),
      RUNS,
    );
  });

  test("in any order at all, when nobody acknowledges what is not there", () => {
    fc.assert(
      fc.property(talks, turnList, cutList, draws, repeats, (talk, turns, cuts, d, again) => {
        const sent = repeated(conversation(talk, turns, cuts, false), again, 1_000);
        const packets = [...talk.handshake(), ...shuffled(sent, d, 1_000)];
        expectSame(record(packets)[0], packets);
      }),
      RUNS,
    );
  });

  test("one side alone, with its ends", () => {
    fc.assert(
      fc.property(
        talks,
        turnList,
        cutList,
        draws,
        repeats,
        fc.constantFrom(...SIDES),
        (talk, turns, cuts, d, again, side) => {
          const spoken = conversation(talk, turns, cuts, true).filter(({ from }) => from === side);
          const total = spoken.reduce((sum, { seq, data }) => Math.max(sum, seq + data.length), 0);
          const fin: Packet = {
            link: talk.link,
            from: side,
            seq: total,
            ack: 0,
            flags: "F",
            data: payload(side, 0, 0),
          };
          const opening = side === "client" ? [talk.syn()] : [talk.synAck()];
          const packets = [...opening, ...shuffled(repeated([...spoken, fin], again, 1_000), d, 1_000)];
          const [recording] = record(packets);
          expectSame(recording, packets);
          expect(recording!.lines).toContain(side === "client" ? "C end fin" : "S end fin");
        },
      ),
      RUNS,
    );
  });

  test("with lost segments: everything else is delivered, the gaps are exactly what is missing", () => {
    fc.assert(
      fc.property(
        talks,
        turnList,
        cutList,
        fc.array(fc.boolean(), { minLength: 4, maxLength: 30 }),
        (talk, turns, cuts, lost) => {
          const sent = conversation(talk, turns, cuts, true);
          const packets = [...talk.handshake(), ...sent.filter((_, i) => !lost[i % lost.length])];
          const { firstFrame } = reference(packets);
          const [recording] = record(packets);
          expect(recording!.faults).toEqual([]);
          for (const side of SIDES) {
            const acknowledged = Math.max(
              0,
              ...packets.filter(({ from }) => from !== side).map(({ ack }) => ack ?? 0),
            );
            const length = Math.max(firstFrame[side].length, acknowledged);
            const holes = Array.from({ length }, (_, byte) => firstFrame[side][byte] === undefined);
            const told = recording!.delivered[side].flatMap(({ bytes, length: n }) =>
              Array.from({ length: n }, () => bytes === null),
            );
            expect(told).toEqual(holes);
          }
          if (cuts.every(({ back }) => back === 0)) expectCausal(recording!, packets);
        },
      ),
      RUNS,
    );
  });

  test("copies: each span sees as many as there are later packets with bytes of it", () => {
    fc.assert(
      fc.property(
        talks,
        turnList,
        cutList,
        draws,
        repeats,
        fc.integer({ min: 1, max: 6 }),
        fc.array(fc.tuple(fc.nat(400), fc.nat(60)), { minLength: 3, maxLength: 10 }),
        (talk, turns, cuts, d, again, reach, spans) => {
          const sent = shuffled(repeated(conversation(talk, turns, cuts, true), again, reach), d, reach);
          const packets = [...talk.handshake(), ...sent];
          const [recording] = record(packets);
          const want = expectSame(recording, packets);
          for (const side of SIDES) {
            const total = want.firstFrame[side].length;
            for (const [start, length] of spans) {
              const from = total === 0 ? 0 : start % total;
              const to = Math.min(total, from + length + 1);
              const told = copiesOf(recording!, side, from, to);
              expect([side, from, to, told]).toEqual([side, from, to, laterCopies(want, side, from, to)]);
            }
          }
        },
      ),
      RUNS,
    );
  });
});
