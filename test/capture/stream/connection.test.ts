/** One connection: packets as captured, and what the dialogue is told of them. */
import { describe, expect, test } from "vitest";
import { ip6, type Packet, pcapOf, Talk } from "./packets.ts";
import { copiesOf, linesOf, record } from "./recording.ts";

const talk = new Talk();
const { client, server } = talk;
const c = client.bind(talk);
const s = server.bind(talk);
const open = talk.handshake();

interface Case {
  name: string;
  in: readonly Packet[];
  want: readonly string[];
}

const check = (cases: readonly Case[]) =>
  test.each(cases)("$name", ({ in: packets, want }) => {
    expect(linesOf(packets)).toEqual(want);
  });

describe("in order", () => {
  check([
    { name: "a handshake alone", in: open, want: ["close"] },
    {
      name: "what each side says",
      in: [...open, s(0, "220 a|"), c(0, "QUIT|", { ack: 6 }), s(6, "221 b|", { ack: 5 })],
      want: ["S0 #4 220 a|", "C0 #5 QUIT|", "S6 #6 221 b|", "close"],
    },
    {
      name: "one empty segment and one of one byte",
      in: [...open, c(0, ""), c(0, "Q"), c(1, "UIT|")],
      want: ["C0 #5 Q", "C1 #6 UIT|", "close"],
    },
    {
      name: "the end of both sides, and their acknowledgements",
      in: [
        ...open,
        c(0, "QUIT|"),
        s(0, "221 b|", { ack: 5 }),
        s(6, "", { ack: 5, flags: "F" }),
        c(5, "", { ack: 7, flags: "F" }),
        s(7, "", { ack: 6 }),
      ],
      want: ["C0 #4 QUIT|", "S0 #5 221 b|", "S end fin", "C end fin", "close"],
    },
  ]);
});

describe("out of order", () => {
  check([
    {
      name: "two segments swapped",
      in: [...open, c(4, " a|"), c(0, "EHLO")],
      want: ["C0 #5 EHLO", "C4 #4  a|", "close"],
    },
    {
      name: "five segments reversed",
      in: [...open, c(8, "EE"), c(6, "DD"), c(4, "CC"), c(2, "BB"), c(0, "AA")],
      want: ["C0 #8 AA", "C2 #7 BB", "C4 #6 CC", "C6 #5 DD", "C8 #4 EE", "close"],
    },
    {
      name: "two holes filled in the wrong order",
      in: [...open, c(2, "bb"), c(6, "dd"), c(4, "cc"), c(0, "aa")],
      want: ["C0 #7 aa", "C2 #4 bb", "C4 #6 cc", "C6 #5 dd", "close"],
    },
    {
      name: "a hole on each side at once",
      in: [...open, c(2, "bb"), s(2, "22"), c(0, "aa"), s(0, "11")],
      want: ["C0 #6 aa", "C2 #4 bb", "S0 #7 11", "S2 #5 22", "close"],
    },
    {
      name: "across the wrap of sequence numbers",
      in: (() => {
        const wrap = new Talk({ clientIsn: 0xffff_fffc, serverIsn: 0xffff_ffff });
        return [
          ...wrap.handshake(),
          wrap.client(6, "ghi"),
          wrap.client(3, "def"),
          wrap.client(0, "abc"),
          wrap.client(2, "cdefg"),
          wrap.server(2, "34", { ack: 9 }),
          wrap.server(0, "12", { ack: 9 }),
        ];
      })(),
      want: ["C0 #6 abc", "C3 #5 def", "C6 #4 ghi", "C2-7 again", "S0 #9 12", "S2 #8 34", "close"],
    },
    {
      name: "across the sign of 32-bit numbers",
      in: (() => {
        const wrap = new Talk({ clientIsn: 0x7fff_fffc });
        return [...wrap.handshake(), wrap.client(5, "fg"), wrap.client(0, "abcde")];
      })(),
      want: ["C0 #5 abcde", "C5 #4 fg", "close"],
    },
  ]);
});

describe("copies and overlaps: the first captured copy of each byte counts", () => {
  check([
    {
      name: "a retransmission",
      in: [...open, c(0, "MAIL|"), c(0, "MAIL|")],
      want: ["C0 #4 MAIL|", "C0-5 again", "close"],
    },
    {
      name: "a retransmission with more behind it",
      in: [...open, c(0, "abc"), c(0, "abcdef")],
      want: ["C0 #4 abc", "C0-3 again", "C3 #5 def", "close"],
    },
    {
      name: "a retransmission of the end of one and the start of another",
      in: [...open, c(0, "abc"), c(3, "def"), c(2, "cd")],
      want: ["C0 #4 abc", "C3 #5 def", "C2-4 again", "close"],
    },
    {
      name: "conflicting bytes in a retransmission",
      in: [...open, c(0, "abc"), c(0, "XYZdef")],
      want: ["C0 #4 abc", "C0-3 again", "C3 #5 def", "close"],
    },
    {
      name: "conflicting bytes in what waits: contained",
      in: [...open, c(2, "cdef"), c(3, "XX"), c(0, "ab")],
      want: ["C0 #6 ab", "C2 #4 cdef", "C3-5 again", "close"],
    },
    {
      name: "conflicting bytes in what waits: over the front",
      in: [...open, c(4, "ef"), c(2, "cdXX"), c(0, "ab")],
      want: ["C0 #6 ab", "C2 #5 cd", "C4 #4 ef", "C4-6 again", "close"],
    },
    {
      name: "conflicting bytes in what waits: over the back",
      in: [...open, c(2, "cd"), c(3, "Xef"), c(0, "ab")],
      want: ["C0 #6 ab", "C2 #4 cd", "C3-4 again", "C4 #5 ef", "close"],
    },
    {
      name: "conflicting bytes in what waits: around it",
      in: [...open, c(4, "ef"), c(2, "cdXXgh"), c(0, "ab")],
      want: ["C0 #6 ab", "C2 #5 cd", "C4 #4 ef", "C4-6 again", "C6 #5 gh", "close"],
    },
    {
      name: "conflicting bytes where a hole is filled",
      in: [...open, c(2, "cd"), c(0, "abXX")],
      want: ["C0 #5 ab", "C2 #4 cd", "C2-4 again", "close"],
    },
    {
      name: "what waits seen twice",
      in: [...open, c(2, "cd"), c(2, "cd"), c(0, "ab"), c(0, "ab")],
      want: ["C0 #6 ab", "C2 #4 cd", "C2-4 again", "C0-2 again", "close"],
    },
    {
      name: "every packet captured twice",
      in: [...open, s(0, "220 a|"), c(0, "QUIT|", { ack: 6 }), s(6, "221 b|", { ack: 5 })].flatMap((p) => [
        p,
        p,
      ]),
      want: [
        "S0 #7 220 a|",
        "S0-6 again",
        "C0 #9 QUIT|",
        "C0-5 again",
        "S6 #11 221 b|",
        "S6-12 again",
        "close",
      ],
    },
  ]);

  test("one segment again that covers three that wait, and what was delivered, is one copy", () => {
    const pieces = [c(0, "aa"), c(4, "cc"), c(6, "dd"), c(10, "ff"), c(12, "gg")];
    const [recording] = record([...open, ...pieces, c(0, "aabbccddeeffgghh")]);
    expect(recording!.text("client")).toBe("aabbccddeeffgghh");
    expect(copiesOf(recording!, "client", 0, 16)).toBe(1);
    expect(copiesOf(recording!, "client", 2, 4)).toBe(0);
    expect(copiesOf(recording!, "client", 5, 12)).toBe(1);
  });

  test("every packet captured twice, ends included, is one connection", () => {
    const packets = [
      ...open,
      c(0, "QUIT|", { flags: "F" }),
      s(0, "221 b|", { ack: 6, flags: "F" }),
      c(6, "", { ack: 7 }),
    ].flatMap((p) => [p, p]);
    expect(linesOf(packets)).toEqual([
      "C0 #7 QUIT|",
      "C end fin",
      "C0-5 again",
      "S0 #9 221 b|",
      "S end fin",
      "S0-6 again",
      "close",
    ]);
  });
});

describe("keep-alives and probes are no data", () => {
  const said = [...open, c(0, "NOOP|"), s(0, "250 a|", { ack: 5 }), c(5, "", { ack: 6 })];
  const lines = ["C0 #4 NOOP|", "S0 #5 250 a|"];
  check([
    {
      name: "a keep-alive of no byte",
      in: [...said, c(4, "", { ack: 6 }), s(6, "", { ack: 5 })],
      want: [...lines, "close"],
    },
    {
      name: "a keep-alive of the last byte",
      in: [...said, c(4, "|", { ack: 6 }), s(6, "", { ack: 5 })],
      want: [...lines, "close"],
    },
    {
      name: "a keep-alive of a byte of garbage",
      in: [...said, c(4, "\0", { ack: 6 }), s(6, "", { ack: 5 })],
      want: [...lines, "close"],
    },
    {
      name: "a server's keep-alives",
      in: [...said, s(5, "|", { ack: 5 }), s(5, "", { ack: 5 })],
      want: [...lines, "close"],
    },
    {
      name: "a keep-alive before anything was said",
      in: [...open, c(-1, "\0"), s(-1, ""), c(-1, ""), s(0, "220 a|")],
      want: ["S0 #7 220 a|", "close"],
    },
    {
      name: "data after keep-alives",
      in: [...said, c(4, "", { ack: 6 }), c(4, "\0", { ack: 6 }), c(5, "QUIT|", { ack: 6 })],
      want: [...lines, "C5 #9 QUIT|", "close"],
    },
    {
      name: "a last byte again that was not acknowledged is a copy",
      in: [...open, c(0, "a"), c(0, "a")],
      want: ["C0 #4 a", "C0-1 again", "close"],
    },
    {
      name: "a probe of a closed window: its byte belongs to it",
      in: [
        ...open,
        c(0, "aaa"),
        s(0, "", { ack: 3, windowBytes: 0 }),
        c(3, "b"),
        s(0, "", { ack: 3, windowBytes: 0 }),
        c(3, "b"),
        s(0, "", { ack: 3, windowBytes: 9 }),
        c(3, "bcd"),
      ],
      want: ["C0 #4 aaa", "C3 #6 b", "C3-4 again", "C3-4 again", "C4 #10 cd", "close"],
    },
    {
      name: "a probe of a closed window without a byte",
      in: [...open, c(0, "aaa"), s(0, "", { ack: 3, windowBytes: 0 }), c(2, ""), c(3, "bcd")],
      want: ["C0 #4 aaa", "C3 #7 bcd", "close"],
    },
  ]);
});

describe("not from the start", () => {
  check([
    {
      name: "no handshake, the server first",
      in: [s(700, "250 a|", { ack: 50 }), c(50, "QUIT|", { ack: 706 })],
      want: ["S0 #1 250 a|", "C0 #2 QUIT|", "close"],
    },
    {
      name: "no handshake, the client first",
      in: [c(50, "QUIT|", { ack: 700 }), s(700, "221 a|", { ack: 55 })],
      want: ["C0 #1 QUIT|", "S0 #2 221 a|", "close"],
    },
    {
      name: "bare acknowledgements first",
      in: [c(50, "", { ack: 700 }), s(700, "", { ack: 50 }), c(50, "QUIT|", { ack: 700 })],
      want: ["C0 #3 QUIT|", "close"],
    },
    {
      name: "only the SYN-ACK of the handshake",
      in: [talk.synAck(), c(0, ""), s(0, "220 a|")],
      want: ["S0 #3 220 a|", "close"],
    },
    {
      name: "an unknown port: who answers with a code is the server",
      in: (() => {
        const odd = new Talk({
          client: { address: [192, 0, 2, 99], port: 2_525_0 },
          server: { address: [192, 0, 2, 3], port: 10_025 },
        });
        return [odd.server(9, "250 ok|", { ack: 4 }), odd.client(4, "QUIT|", { ack: 16 })];
      })(),
      want: ["S0 #1 250 ok|", "C0 #2 QUIT|", "close"],
    },
    {
      name: "the client's side alone",
      in: [talk.syn(), c(0, "", { ack: 0 }), c(0, "EHLO a|", { ack: 30 }), c(7, "QUIT|", { ack: 90 })],
      want: ["C0 #3 EHLO a|", "C7 #4 QUIT|", "close"],
    },
    {
      name: "the server's side alone",
      in: [talk.synAck(), s(0, "220 a|"), s(6, "250 b|", { ack: 7 }), s(12, "221 c|", { ack: 12 })],
      want: ["S0 #2 220 a|", "S6 #3 250 b|", "S12 #4 221 c|", "close"],
    },
    {
      name: "one side alone with a loss: nobody acknowledges, so the end of the input tells",
      in: [talk.syn(), c(0, "EHLO a|"), c(12, "QUIT|")],
      want: ["C0 #2 EHLO a|", "C7 gap 5 lost", "C12 #3 QUIT|", "close"],
    },
    {
      name: "joined between the client's end and the server's last words",
      in: [
        c(50, "", { ack: 700, flags: "F" }),
        s(700, "221 a|", { ack: 51 }),
        s(706, "", { ack: 51, flags: "F" }),
      ],
      want: ["S0 #2 221 a|", "S end fin", "close"],
    },
    {
      name: "IPv6",
      in: (() => {
        const six = new Talk({ client: ip6(1, 40_000), server: ip6(0x25, 25) });
        return [...six.handshake(), six.server(6, "b|"), six.server(0, "220 a|")];
      })(),
      want: ["S0 #5 220 a|", "S6 #4 b|", "close"],
    },
  ]);
});

describe("cut by the snap length", () => {
  check([
    {
      name: "in order",
      in: [...open, c(0, "EHLO abc|", { cutBytes: 4 }), c(9, "QUIT|")],
      want: ["C0 #4 EHLO ", "C5 gap 4 snaplen", "C9 #5 QUIT|", "close"],
    },
    {
      name: "cut to nothing",
      in: [...open, c(0, "EHLO abc|", { cutBytes: 9 }), c(9, "QUIT|")],
      want: ["C0 gap 9 snaplen", "C9 #5 QUIT|", "close"],
    },
    {
      name: "cut inside the TCP header, where ports and numbers are still there",
      in: [...open, c(0, "EHLO abc|", { cutBytes: 11 }), c(9, "QUIT|")],
      want: ["C0 gap 9 snaplen", "C9 #5 QUIT|", "close"],
    },
    {
      name: "out of order",
      in: [...open, c(4, "efgh", { cutBytes: 2 }), c(0, "abcd", { cutBytes: 1 })],
      want: ["C0 #5 abc", "C3 gap 1 snaplen", "C4 #4 ef", "C6 gap 2 snaplen", "close"],
    },
    {
      name: "a retransmission with more behind it, cut inside the copy",
      in: [...open, c(0, "abcd"), c(0, "abcdefgh", { cutBytes: 6 })],
      want: ["C0 #4 abcd", "C0-4 again", "C4 gap 4 snaplen", "close"],
    },
    {
      name: "a retransmission with more behind it, cut behind the copy",
      in: [...open, c(0, "abcd"), c(0, "abcdefgh", { cutBytes: 3 })],
      want: ["C0 #4 abcd", "C0-4 again", "C4 #5 e", "C5 gap 3 snaplen", "close"],
    },
    {
      name: "what waits, around a piece that was cut",
      in: [...open, c(2, "cd", { cutBytes: 1 }), c(1, "bcdefg", { cutBytes: 2 }), c(0, "a")],
      want: [
        "C0 #6 a",
        "C1 #5 b",
        "C2 #4 c",
        "C3 gap 1 snaplen",
        "C2-4 again",
        "C4 #5 e",
        "C5 gap 2 snaplen",
        "close",
      ],
    },
  ]);
});

describe("lost by the capture", () => {
  const many = (count: number, from: number, atUs?: number): Packet[] =>
    Array.from({ length: count }, (_, i) =>
      s(0, "", { ack: from, ...(atUs === undefined ? {} : { atUs: atUs + i }) }),
    );
  check([
    {
      name: "a command, shown by the reply's acknowledgement: the reply waits, then goes on",
      in: [...open, s(0, "250 b|", { ack: 7 }), c(7, "QUIT|", { ack: 6, atUs: 300_000 })],
      want: ["C0 gap 7 lost", "S0 #4 250 b|", "C7 #5 QUIT|", "close"],
    },
    {
      name: "the middle of a command",
      in: [
        ...open,
        c(0, "MAIL"),
        c(9, "CD|"),
        s(0, "250 b|", { ack: 12, atUs: 8_000 }),
        c(12, "QUIT|", { ack: 6, atUs: 300_000 }),
      ],
      want: ["C0 #4 MAIL", "C4 gap 5 lost", "C9 #5 CD|", "S0 #6 250 b|", "C12 #7 QUIT|", "close"],
    },
    {
      name: "two places of one command",
      in: [
        ...open,
        c(2, "cc"),
        c(6, "gg"),
        s(0, "250 b|", { ack: 8 }),
        ...many(1, 8, 300_000),
        ...many(1, 8, 600_000),
      ],
      want: ["C0 gap 2 lost", "C2 #4 cc", "C4 gap 2 lost", "C6 #5 gg", "S0 #6 250 b|", "close"],
    },
    {
      name: "a reply, shown by the acknowledgement of the next command",
      in: [...open, c(0, "NOOP|"), c(5, "QUIT|", { ack: 6 }), s(6, "221 b|", { ack: 10 })],
      want: ["C0 #4 NOOP|", "S0 gap 6 lost", "C5 #5 QUIT|", "S6 #6 221 b|", "close"],
    },
    {
      name: "given up after many packets, however little time passes",
      in: [...open, s(0, "250 b|", { ack: 7 }), ...many(70, 7, 5_000), c(7, "QUIT|", { ack: 6 })],
      want: ["C0 gap 7 lost", "S0 #4 250 b|", "C7 #75 QUIT|", "close"],
    },
    {
      name: "only a part of a hole is acknowledged: the rest may still come",
      in: [...open, c(6, "gh"), s(0, "", { ack: 4 }), ...many(1, 4, 400_000), c(4, "ef", { atUs: 500_000 })],
      want: ["C0 gap 4 lost", "C4 #7 ef", "C6 #4 gh", "close"],
    },
    {
      name: "a hole that nobody acknowledged is no loss while a copy may come",
      in: [...open, c(4, "ef"), ...many(70, 0, 5_000), c(0, "abcd", { atUs: 3_000_000 })],
      want: ["C0 #75 abcd", "C4 #4 ef", "close"],
    },
    {
      name: "the end of the input: nobody acknowledged",
      in: [...open, c(4, "ef")],
      want: ["C0 gap 4 lost", "C4 #4 ef", "close"],
    },
    {
      name: "the end of the input: the acknowledgement is all there is",
      in: [...open, s(0, "", { ack: 4 })],
      want: ["C0 gap 4 lost", "close"],
    },
    {
      name: "the last bytes before the end of a side",
      in: [
        ...open,
        c(0, "abcd"),
        c(9, "", { flags: "F" }),
        s(0, "", { ack: 10, atUs: 10_000 }),
        s(0, "221 b|", { ack: 10, atUs: 300_000 }),
      ],
      want: ["C0 #4 abcd", "C4 gap 5 lost", "S0 #7 221 b|", "C end fin", "close"],
    },
    {
      name: "on both sides at once, in the order of what acknowledges what",
      in: [
        ...open,
        c(5, "QUIT|", { ack: 6 }),
        s(6, "221 b|", { ack: 10 }),
        c(10, "", { ack: 12, atUs: 500_000 }),
        c(10, "", { ack: 12, atUs: 900_000 }),
        c(10, "", { ack: 12, atUs: 1_900_000 }),
      ],
      want: ["C0 gap 5 lost", "S0 gap 6 lost", "C5 #4 QUIT|", "S6 #5 221 b|", "close"],
    },
    {
      name: "a copy that comes after its hole was given up",
      in: [
        ...open,
        s(0, "250 b|", { ack: 5 }),
        c(5, "QUIT|", { ack: 6, atUs: 300_000 }),
        c(0, "NOOP|", { ack: 6 }),
      ],
      want: ["C0 gap 5 lost", "S0 #4 250 b|", "C5 #5 QUIT|", "C0-5 again", "close"],
    },
  ]);

  test("a hole is given up when time passes, though the connection itself is silent", () => {
    const other = new Talk({ client: { address: [192, 0, 2, 7], port: 1_234 } });
    const recordings = record([
      ...open,
      s(0, "250 b|", { ack: 7 }),
      ...other.handshake(),
      other.server(0, "220 c|", { atUs: 2_000_000 }),
      other.client(0, "QUIT|", { atUs: 4_000_000, ack: 6 }),
      s(6, "250 c|", { ack: 7, atUs: 4_000_001 }),
    ]);
    expect(recordings[0]!.lines).toEqual(["C0 gap 7 lost", "S0 #4 250 b|", "S6 #10 250 c|", "close"]);
    expect(recordings[0]!.faults).toEqual([]);
  });

  test("no gap is said to be in a packet of somebody else, or of nobody", () => {
    const other = new Talk({ client: { address: [192, 0, 2, 7], port: 1_234 } });
    const ownFrames = [1, 2, 3, 4];
    for (const packets of [
      [...open, s(0, "", { ack: 7 }), other.syn({ atUs: 2_000_000 }), other.syn({ atUs: 4_000_000 })],
      [...open, s(0, "", { ack: 7 })],
      [...open, s(0, "", { ack: 7, flags: "R" })],
    ]) {
      const gaps = record(packets)[0]!.delivered.client.filter(({ bytes }) => bytes === null);
      expect(gaps.map(({ frame }) => ownFrames.includes(frame))).toEqual([true]);
    }
  });
});

describe("order between the sides", () => {
  check([
    {
      name: "a reply captured before its command",
      in: [...open, s(0, "250 b|", { ack: 5 }), c(0, "NOOP|")],
      want: ["C0 #5 NOOP|", "S0 #4 250 b|", "close"],
    },
    {
      name: "an acknowledgement captured before the bytes it acknowledges",
      in: [...open, s(0, "", { ack: 5 }), c(0, "NOOP|"), s(0, "250 b|", { ack: 5 })],
      want: ["C0 #5 NOOP|", "S0 #6 250 b|", "close"],
    },
    {
      name: "a reply captured before the second half of its command",
      in: [...open, c(0, "NO"), s(0, "250 b|", { ack: 5 }), c(2, "OP|")],
      want: ["C0 #4 NO", "C2 #6 OP|", "S0 #5 250 b|", "close"],
    },
    {
      name: "a dialogue captured backwards, command by command",
      in: [...open, s(6, "250 b|", { ack: 5 }), c(0, "NOOP|", { ack: 6 }), s(0, "220 a|")],
      want: ["S0 #6 220 a|", "C0 #5 NOOP|", "S6 #4 250 b|", "close"],
    },
    {
      name: "what acknowledges nothing missing does not wait",
      in: [...open, c(5, "QUIT|"), s(0, "220 a|"), c(0, "NOOP|")],
      want: ["S0 #5 220 a|", "C0 #6 NOOP|", "C5 #4 QUIT|", "close"],
    },
    {
      name: "a reply with an end, captured before its command",
      in: [...open, s(0, "221 b|", { ack: 5, flags: "F" }), c(0, "QUIT|"), c(5, "", { ack: 7, flags: "F" })],
      want: ["C0 #5 QUIT|", "S0 #4 221 b|", "S end fin", "C end fin", "close"],
    },
  ]);
});

describe("ends", () => {
  const said = [...open, c(0, "NOOP|"), s(0, "250 a|", { ack: 5 })];
  const lines = ["C0 #4 NOOP|", "S0 #5 250 a|"];
  check([
    {
      name: "FIN before the bytes it follows",
      in: [...said, c(10, "", { ack: 6, flags: "F" }), c(5, "QUIT|", { ack: 6 })],
      want: [...lines, "C5 #7 QUIT|", "C end fin", "close"],
    },
    {
      name: "FIN with data, before what it follows",
      in: [...said, c(7, "IT|", { ack: 6, flags: "F" }), c(5, "QU", { ack: 6 })],
      want: [...lines, "C5 #7 QU", "C7 #6 IT|", "C end fin", "close"],
    },
    {
      name: "FIN retransmitted, with its data, and alone",
      in: [
        ...said,
        c(5, "QUIT|", { ack: 6, flags: "F" }),
        c(5, "QUIT|", { ack: 6, flags: "F" }),
        c(10, "", { ack: 6, flags: "F" }),
      ],
      want: [...lines, "C5 #6 QUIT|", "C end fin", "C5-10 again", "close"],
    },
    {
      name: "a half-closed connection",
      in: [
        ...said,
        c(5, "", { ack: 6, flags: "F" }),
        s(6, "250 b|", { ack: 6 }),
        s(12, "", { ack: 6, flags: "F" }),
      ],
      want: [...lines, "C end fin", "S6 #7 250 b|", "S end fin", "close"],
    },
    {
      name: "nothing is taken behind a FIN",
      in: [...said, c(5, "", { ack: 6, flags: "F" }), c(6, "late|", { ack: 6 }), c(5, "late|", { ack: 6 })],
      want: [...lines, "C end fin", "close"],
    },
    {
      name: "nothing is missing behind an end, whatever is acknowledged",
      in: [
        ...said,
        c(5, "", { ack: 6, flags: "F" }),
        s(6, "", { ack: 6, flags: "F" }),
        s(7, "", { ack: 4_000, atUs: 10_000 }),
        s(7, "", { ack: 4_000, atUs: 400_000 }),
      ],
      want: [...lines, "C end fin", "S end fin", "close"],
    },
    {
      name: "a copy after both ends",
      in: [
        ...said,
        c(5, "", { ack: 6, flags: "F" }),
        s(6, "", { ack: 6, flags: "F" }),
        s(0, "250 a|", { ack: 5 }),
      ],
      want: [...lines, "C end fin", "S end fin", "S0-6 again", "close"],
    },
    {
      name: "RST in sequence",
      in: [...said, c(5, "", { ack: null, flags: "R" }), c(5, "late|", { ack: 6 })],
      want: [...lines, "C end rst", "close"],
    },
    {
      name: "RST twice",
      in: [...said, s(6, "", { ack: 5, flags: "R" }), s(6, "", { ack: 5, flags: "R" })],
      want: [...lines, "S end rst", "close"],
    },
    {
      name: "RST by both sides",
      in: [...said, s(6, "", { ack: 5, flags: "R" }), c(5, "", { ack: null, flags: "R" })],
      want: [...lines, "S end rst", "close"],
    },
    {
      name: "RST by the side that had ended its own",
      in: [
        ...said,
        c(5, "", { ack: 6, flags: "F" }),
        c(6, "", { ack: null, flags: "R" }),
        s(6, "late|", { ack: 6 }),
      ],
      want: [...lines, "C end fin", "C end rst", "close"],
    },
    {
      name: "RST far out of the window ends nothing",
      in: [...said, c(0x2000_0000, "", { ack: null, flags: "R" }), c(5, "QUIT|", { ack: 6 })],
      want: [...lines, "C5 #7 QUIT|", "close"],
    },
    {
      name: "RST far out of the window acknowledges nothing",
      in: [
        ...said,
        s(0x2000_0000, "", { ack: 4_000, flags: "R" }),
        c(5, "QUIT|", { ack: 6, atUs: 900_000 }),
        c(10, "", { ack: 6, atUs: 1_900_000 }),
      ],
      want: [...lines, "C5 #7 QUIT|", "close"],
    },
    {
      name: "RST while bytes wait: the hole is a gap",
      in: [...said, c(8, "XX", { ack: 6 }), s(6, "", { ack: 5, flags: "R" })],
      want: [...lines, "C5 gap 3 lost", "C8 #6 XX", "S end rst", "close"],
    },
    {
      name: "RST after the ends",
      in: [
        ...said,
        c(5, "", { ack: 6, flags: "F" }),
        s(6, "", { ack: 6, flags: "F" }),
        c(6, "", { ack: null, flags: "R" }),
      ],
      want: [...lines, "C end fin", "S end fin", "close"],
    },
  ]);
});

describe("numbers that make no sense", () => {
  check([
    {
      name: "an acknowledgement of what was never sent does not swallow what is",
      in: [
        ...open,
        s(0, "220 a|", { ack: 0x5000_0000 }),
        c(0, "NOOP|", { ack: 6 }),
        s(6, "250 b|", { ack: 5 }),
        c(5, "QUIT|", { ack: 12, atUs: 900_000 }),
        s(12, "221 c|", { ack: 10, atUs: 900_001 }),
      ],
      want: ["S0 #4 220 a|", "C0 #5 NOOP|", "S6 #6 250 b|", "C5 #7 QUIT|", "S12 #8 221 c|", "close"],
    },
    {
      name: "an acknowledgement of half the number space away",
      in: [...open, s(0, "220 a|", { ack: 0x7fff_ffff }), c(0, "NOOP|", { ack: 6, atUs: 900_000 })],
      want: ["S0 #4 220 a|", "C0 #5 NOOP|", "close"],
    },
    {
      name: "data exactly half the number space away",
      in: [...open, c(-0x8000_0000, "XXXX"), s(0, "220 a|"), c(0, "NOOP|", { ack: 6 })],
      want: ["S0 #5 220 a|", "C0 #6 NOOP|", "close"],
    },
    {
      name: "data further ahead than any window",
      in: [...open, c(0x6000_0000, "XXXX"), s(0, "220 a|"), c(0, "NOOP|", { ack: 6 })],
      want: ["S0 #5 220 a|", "C0 #6 NOOP|", "close"],
    },
    {
      name: "data far behind",
      in: [...open, c(-500_000, "XXXX"), s(0, "220 a|"), c(0, "NOOP|", { ack: 6 })],
      want: ["S0 #5 220 a|", "C0 #6 NOOP|", "close"],
    },
  ]);
});

describe("openings", () => {
  const [synOnly] = open;
  const transportOf = (packets: readonly Packet[]) => record(packets).map(({ transport }) => transport);
  const frames = (packets: readonly Packet[]) =>
    transportOf(packets).map(({ synFrame, synCount, synAckFrame, handshakeFrame, refused }) => ({
      synFrame,
      synCount,
      synAckFrame,
      handshakeFrame,
      refused,
    }));
  const whole = { synFrame: 1, synCount: 1, synAckFrame: 2, handshakeFrame: 3, refused: false };

  test.each<{ name: string; in: readonly Packet[]; want: Partial<typeof whole>[] }>([
    { name: "a handshake", in: open, want: [whole] },
    { name: "an unanswered SYN", in: [synOnly!], want: [{ synFrame: 1, synAckFrame: 0, refused: false }] },
    {
      name: "a SYN sent three times: the first counts, and the first answer",
      in: [synOnly!, synOnly!, synOnly!, talk.synAck(), talk.synAck(), c(0, "")],
      want: [{ ...whole, synCount: 3, synAckFrame: 4, handshakeFrame: 6 }],
    },
    {
      name: "a SYN again after the answer",
      in: [synOnly!, talk.synAck(), synOnly!, talk.synAck(), c(0, "")],
      want: [{ ...whole, synCount: 2, handshakeFrame: 5 }],
    },
    {
      name: "a refusal",
      in: [synOnly!, s(-1, "", { ack: 0, flags: "R" })],
      want: [{ synFrame: 1, synAckFrame: 0, refused: true }],
    },
    {
      name: "an RST from the client before any answer is no refusal",
      in: [synOnly!, c(0, "", { ack: null, flags: "R" })],
      want: [{ synFrame: 1, synAckFrame: 0, refused: false }],
    },
    {
      name: "an RST that acknowledges another SYN is no refusal, and ends nothing",
      in: [synOnly!, s(-1, "", { ack: 7_000, flags: "R" }), talk.synAck(), c(0, ""), s(0, "220 a|")],
      want: [{ ...whole, synAckFrame: 3, handshakeFrame: 4 }],
    },
    {
      name: "an ICMP error about the SYN",
      in: [synOnly!, talk.syn({ icmp: [3, 13] })],
      want: [{ synFrame: 1, synCount: 1, synAckFrame: 0, refused: true }],
    },
    {
      name: "an ICMP error, and an answer after all",
      in: [synOnly!, talk.syn({ icmp: [3, 1] }), synOnly!, talk.synAck(), c(0, "")],
      want: [{ ...whole, synCount: 2, synAckFrame: 4, handshakeFrame: 5, refused: false }],
    },
    {
      name: "an ICMP error about data",
      in: [...open, c(0, "QUIT|", { icmp: [3, 4] })],
      want: [whole],
    },
    {
      name: "the acknowledgement captured before what it acknowledges",
      in: [synOnly!, c(0, ""), talk.synAck(), s(0, "220 a|")],
      want: [{ ...whole, synAckFrame: 3, handshakeFrame: 2 }],
    },
    {
      name: "simultaneous open: who sent the first SYN is the client",
      in: [synOnly!, s(-1, "", { ack: null, flags: "S" }), c(-1, "", { flags: "S" }), talk.synAck()],
      want: [{ synFrame: 1, synCount: 1, refused: false }],
    },
  ])("$name", ({ in: packets, want }) => {
    expect(frames(packets)).toMatchObject(want);
  });

  check([
    {
      name: "simultaneous open: bytes flow",
      in: [
        synOnly!,
        s(-1, "", { ack: null, flags: "S" }),
        c(-1, "", { flags: "S" }),
        talk.synAck(),
        s(0, "220 a|"),
        c(0, "QUIT|", { ack: 6 }),
      ],
      want: ["S0 #5 220 a|", "C0 #6 QUIT|", "close"],
    },
    {
      name: "data on the SYN, acknowledged by the SYN-ACK",
      in: [
        talk.client(-1, "EHLO|", { flags: "S", ack: null }),
        talk.synAck({ ack: 5 }),
        c(5, ""),
        s(0, "220 a|", { ack: 5 }),
      ].map((p, i) => (i === 0 ? { ...p, data: p.data } : p)),
      want: ["C0 #1 EHLO|", "S0 #4 220 a|", "close"],
    },
    {
      name: "data on the SYN, not taken, sent again",
      in: [
        talk.client(-1, "EHLO|", { flags: "S", ack: null }),
        talk.synAck(),
        c(0, "EHLO|"),
        s(0, "220 a|", { ack: 5 }),
      ],
      want: ["C0 #1 EHLO|", "C0-5 again", "S0 #4 220 a|", "close"],
    },
    {
      name: "data on the SYN, refused",
      in: [talk.client(-1, "EHLO|", { flags: "S", ack: null }), s(-1, "", { ack: 5, flags: "R" })],
      want: ["C0 #1 EHLO|", "S end rst", "close"],
    },
    {
      name: "data captured before the SYN-ACK",
      in: [synOnly!, s(0, "220 a|"), talk.synAck(), c(0, "QUIT|", { ack: 6 })],
      want: ["S0 #2 220 a|", "C0 #4 QUIT|", "close"],
    },
    {
      name: "another SYN-ACK with other numbers, and it is the one that counts",
      in: [
        synOnly!,
        s(700, "", { flags: "S" }),
        talk.synAck(),
        c(0, ""),
        s(0, "220 a|"),
        c(0, "QUIT|", { ack: 6 }),
      ],
      want: ["S0 #5 220 a|", "C0 #6 QUIT|", "close"],
    },
  ]);

  test("a refusal of data on a SYN is a refusal", () => {
    for (const ack of [0, 5]) {
      const packets = [talk.client(-1, "EHLO|", { flags: "S", ack: null }), s(-1, "", { ack, flags: "R" })];
      expect(transportOf(packets)[0]!.refused).toBe(true);
    }
  });
});

test("the writer's files are what they claim", () => {
  const file = pcapOf([c(0, "abc", { cutBytes: 1 })]);
  expect(file.length).toBe(24 + 16 + 14 + 20 + 20 + 2);
  expect(file.readUInt32LE(24 + 8)).toBe(56);
  expect(file.readUInt32LE(24 + 12)).toBe(57);
});
