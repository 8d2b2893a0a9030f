/**
 * Far into a message observers are told how much came, not what. Whatever a client sends, in whatever
 * pieces: what the dialogues make of it is the same as if they had been told all, or a gap stands there.
 */
import { Duplex } from "node:stream";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Dialogues } from "../../src/dialogue/dialogues.ts";
import { Link } from "../../src/relay/link.ts";
import { LiveSource } from "../../src/relay/live-source.ts";
import { LongMessage } from "../../src/relay/long-message.ts";
import type { DialogueListener } from "../../src/spine/conversation.ts";
import type { Exchange } from "../../src/spine/exchange.ts";
import type { Side } from "../../src/spine/wire.ts";

interface Said {
  readonly side: Side;
  readonly bytes: Buffer;
}

interface Heard {
  readonly exchanges: string[];
  readonly told: number;
  readonly gaps: boolean;
}

const COMPARED = [
  "verb",
  "command",
  "code",
  "askedFirstAtUs",
  "askedLastAtUs",
  "askedFrom",
  "askedTo",
  "answeredFirstAtUs",
  "taint",
] as const satisfies readonly (keyof Exchange)[];

/** What dialogues make of a connection, told by a link of it. */
function heard(said: readonly Said[], isToldAll: boolean): Heard {
  const exchanges: string[] = [];
  let gaps = false;
  const listener: DialogueListener = {
    // Lent for the call.
    exchange: (exchange) => exchanges.push(JSON.stringify(COMPARED.map((field) => exchange[field]))),
    body: (durationUs, lengthBytes, atUs) => {
      exchanges.push(JSON.stringify(["body", durationUs, lengthBytes, atUs]));
    },
    conversation: ({ flags, messages }) => {
      gaps = flags.has("gap");
      exchanges.push(JSON.stringify([[...flags], messages]));
    },
    other: () => exchanges.push("other"),
    undecided: () => exchanges.push("undecided"),
  };
  const source = new LiveSource(new Dialogues(listener, { ports: new Set([25]), copiesPossible: false }), {
    state: () => {},
    order: () => {},
    restore: () => {},
    chunk: () => {},
  });
  let told = 0;
  const batches: Buffer[] = [];
  const stream = new Duplex({
    read() {},
    write(batch: Buffer, _encoding, done) {
      batches.push(Buffer.from(batch));
      done();
    },
  });
  const link = new Link(0, stream, { bytes: 0, connections: 0 });
  const connection = {
    id: 1,
    opened: { client: "192.0.2.1:4000", server: "192.0.2.25:25", acceptedAtUs: 1, synAtUs: 2 },
    connected: {
      atUs: 3,
      facts: { server: "192.0.2.25:25", via: "192.0.2.2:5000", othersTriedUs: 0, synRetransmits: 0 },
    },
    clientBytes: 0,
    serverBytes: 0,
    views: [],
  };
  const message = new LongMessage();
  link.opened(connection);
  let atUs = 10;
  for (const { side, bytes } of said) {
    atUs += 100;
    if (side === "client") connection.clientBytes += bytes.length;
    else connection.serverBytes += bytes.length;
    const isUnread = message.passes(side, bytes) && !isToldAll;
    if (!isUnread) told += bytes.length;
    link.bytes(connection, side, atUs, bytes, 0, 0, isUnread);
  }
  link.closed(connection, atUs + 1, { rttUs: null, minRttUs: null, retransmits: null });
  link.flush();
  for (const batch of batches) source.push(batch);
  expect(source.faults).toBe(0);
  return { exchanges, told, gaps };
}

const server = (text: string): Said => ({ side: "server", bytes: Buffer.from(text) });
const client = (text: string): Said => ({ side: "client", bytes: Buffer.from(text) });

const BEGINNING = [
  server("220 mx.example.net ESMTP\r\n"),
  client("EHLO c.example.org\r\n"),
  server("250-mx.example.net\r\n250 PIPELINING\r\n"),
  client("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n"),
];
const ANSWERED = "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 End data with <CR><LF>.<CR><LF>\r\n";

/** Cuts a client's bytes into pieces of these lengths, over and over. */
function pieces(bytes: Buffer, lengths: readonly number[]): Said[] {
  const said: Said[] = [];
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const length = lengths[i % lengths.length]!;
    said.push({ side: "client", bytes: bytes.subarray(at, at + length) });
    at += length;
  }
  return said;
}

/** Lines, and what is nearly the end of a message, here and there. */
const body = fc
  .record({
    lineBytes: fc.integer({ min: 1, max: 5_000 }),
    totalBytes: fc.integer({ min: 1, max: 900_000 }),
    nearly: fc.array(
      fc.record({
        at: fc.double({ min: 0, max: 1, noNaN: true }),
        text: fc.constantFrom(
          "\r\n..\r\n",
          "\n.\n",
          "\r\n.\n",
          "\n.\r\n",
          "\r.\r\n",
          ".\r\n",
          "\r\n.\rx",
          "\r\n.x",
        ),
      }),
      { maxLength: 6 },
    ),
  })
  .map(({ lineBytes, totalBytes, nearly }) => {
    const bytes = Buffer.alloc(totalBytes, `${"y".repeat(lineBytes)}\r\n`);
    for (const { at, text } of nearly)
      bytes.write(text, Math.min(totalBytes, 1 + Math.floor(at * totalBytes)), "latin1");
    return bytes;
  });

const lengths = fc.array(
  fc.oneof(fc.integer({ min: 4_000, max: 65_536 }), fc.integer({ min: 150, max: 9_000 })),
  {
    minLength: 1,
    maxLength: 6,
  },
);

test("a message that is told in part is what one told whole is", () => {
  let untold = 0;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(body, lengths), { minLength: 1, maxLength: 2 }),
      fc.boolean(),
      (messages, early) => {
        const said: Said[] = [...BEGINNING];
        for (const [i, [bytes, cuts]] of messages.entries()) {
          const whole = Buffer.concat([bytes, Buffer.from("\r\n.\r\n")]);
          const end = whole.indexOf("\r\n.\r\n") + 5;
          const [first, ...rest] = pieces(whole.subarray(0, end), cuts);
          if (early) said.push(first!, server(i === 0 ? ANSWERED : "354 go on\r\n"), ...rest);
          else said.push(server(i === 0 ? ANSWERED : "354 go on\r\n"), first!, ...rest);
          said.push(server("250 2.0.0 Ok: queued\r\n"));
          if (i + 1 < messages.length)
            said.push(client("MAIL FROM:<c@example.org>\r\n"), server("250 Ok\r\n"), client("DATA\r\n"));
        }
        said.push(client("QUIT\r\n"), server("221 2.0.0 Bye\r\n"));
        const whole = heard(said, true);
        const part = heard(said, false);
        expect(part.exchanges).toEqual(whole.exchanges);
        untold += whole.told - part.told;
      },
    ),
    { numRuns: 300, endOnFailure: true },
  );
  expect(untold).toBeGreaterThan(1_000_000);
});

test("of ten megabytes three hundred kilobytes are told", () => {
  const message = Buffer.alloc(10_000_000, `${"z".repeat(70)}\r\n`);
  const said = [
    ...BEGINNING,
    server(ANSWERED),
    ...pieces(message, [65_536]),
    client("\r\n.\r\n"),
    server("250 Ok\r\n"),
  ];
  const { exchanges, told } = heard(said, false);
  expect(told).toBeLessThan(340_000);
  expect(exchanges).toEqual(heard(said, true).exchanges);
  expect(exchanges.some((line) => line.startsWith('["body",') && line.includes(",10000005,"))).toBe(true);
});

const LONG = Buffer.alloc(400_000, `${"q".repeat(70)}\r\n`);

test("an end, the next message's beginning and its DATA in one piece", () => {
  const said = [
    ...BEGINNING,
    // Before the 354: what stands before the second one is not what stood before the first.
    client("early"),
    server(ANSWERED),
    ...pieces(LONG, [60_000]),
    client("more\r\n.\r\nMAIL FROM:<c@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n"),
    server(`250 queued\r\n${ANSWERED}`),
    // Empty: its end is the line behind DATA. What follows is none of it.
    client(".\r\n"),
    ...pieces(Buffer.from("NOOP\r\n".repeat(60_000)), [60_000]),
  ];
  const message = new LongMessage();
  const untold = said.map(({ side, bytes }) => message.passes(side, bytes));
  expect(untold.slice(0, -6)).toContain(true);
  expect(untold.slice(-6)).not.toContain(true);
});

test.each<[string, readonly Said[]]>([
  [
    "the message was over before the 354 came, and much follows it",
    [...BEGINNING, client("hello\r\n.\r\n"), server(ANSWERED), ...pieces(LONG, [60_000])],
  ],
])("where the relay is mistaken it is a gap: %s", (_name, said) => {
  const whole = heard(said, true);
  const part = heard(said, false);
  expect(part.told).toBeLessThan(whole.told);
  expect(whole.gaps).toBe(false);
  expect(part.gaps).toBe(true);
});

test.each<[string, readonly Said[]]>([
  [
    "a server that has answered already",
    [
      ...BEGINNING,
      server(ANSWERED),
      ...pieces(LONG, [50_000]).slice(0, 2),
      server("452 4.3.1 full\r\n"),
      ...pieces(LONG, [50_000]),
    ],
  ],
  [
    "an encrypted stream",
    [...BEGINNING, server("\x17\x03\x03\x00\x10354 1234567890\r\n"), ...pieces(LONG, [50_000])],
  ],
  [
    "a 354 in several pieces",
    [...BEGINNING, server("250 Ok\r\n250 Ok\r\n35"), server("4 go\r\n"), ...pieces(LONG, [50_000])],
  ],
  ["354 amid a reply", [...BEGINNING, server("354-go\r\n250 Ok\r\n"), ...pieces(LONG, [50_000])]],
  ["small pieces", [...BEGINNING, server(ANSWERED), ...pieces(LONG, [4_000])]],
])("all is told: %s", (_name, said) => {
  const message = new LongMessage();
  expect(said.map(({ side, bytes }) => message.passes(side, bytes)).includes(true)).toBe(false);
});
