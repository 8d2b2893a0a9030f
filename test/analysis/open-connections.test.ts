/** What clients wait for while connections are open: said where it is sure, and nowhere else. */
import { expect, test } from "vitest";
import { DialogueKeeper } from "../../src/analysis/dialogue-keeper.ts";
import { OpenConnections } from "../../src/analysis/open-connections.ts";
import { FileFrames } from "../../src/spine/files.ts";
import type { Side, SourceSink, StreamSink, Transport } from "../../src/spine/wire.ts";

const SILENT: StreamSink = {
  wanted: true,
  bytes: () => {},
  gap: () => {},
  copy: () => {},
  end: () => {},
  close: () => {},
};

type Facts = Partial<{ -readonly [K in keyof Transport]: Transport[K] }>;

function connection(facts: Facts = {}): { -readonly [K in keyof Transport]: Transport[K] } {
  return {
    client: "192.0.2.1:4000",
    server: "192.0.2.2:25",
    serverPort: 25,
    sawHandshake: true,
    tcpStreamAt: () => 7,
    firstFrame: 1,
    firstAtUs: 100,
    synAtUs: 100,
    synFrame: 1,
    synCount: 1,
    synAckAtUs: 200,
    synAckFrame: 2,
    handshakeAtUs: 300,
    handshakeFrame: 3,
    refused: false,
    lastAtUs: 300,
    clockSteps: 0,
    oneWay: false,
    acknowledged: () => 0,
    ...facts,
  };
}

function watching(transport: Transport) {
  const open = new OpenConnections();
  const seen: string[] = [];
  const dialogues: SourceSink = {
    open: () => ({ ...SILENT, bytes: (from, atUs) => seen.push(`${from} ${atUs}`) }),
    tick: (atUs) => seen.push(`tick ${atUs}`),
  };
  const frames = new FileFrames();
  frames.begin("a.pcap", 0);
  const source = open.around(
    dialogues,
    (port) => port === 25,
    () => frames,
  );
  const sink = source.open(transport);
  let atUs = 1_000;
  const say = (from: Side, text: string) => {
    const bytes = Buffer.from(text, "latin1");
    atUs += 1_000;
    sink.bytes(from, atUs, 4, bytes, 0, bytes.length);
  };
  return { open, source, sink, say, seen, pending: () => open.pendingOf(transport) };
}

test("a server that accepts and says nothing is waited for, longer and longer, until it speaks", () => {
  const transport = connection({ synAckAtUs: null, handshakeAtUs: null });
  const { open, source, say, pending, seen } = watching(transport);
  source.tick(5_000_100);
  expect(pending()).toEqual({ what: "connect", sinceUs: 100, waitedUs: 5_000_000 });
  transport.synAckAtUs = 5_000_200;
  transport.handshakeAtUs = 5_000_300;
  const before = open.version;
  source.tick(8_000_300);
  expect(open.version).toBeGreaterThan(before);
  expect(pending()).toEqual({ what: "banner", sinceUs: 5_000_300, waitedUs: 3_000_000 });
  // A client that cannot wait changes nothing.
  say("client", "EHLO a\r\n");
  expect(pending()?.what).toBe("banner");
  say("server", "220 mx\r\n");
  expect(pending()).toBeNull();
  // Everything went on to the dialogues.
  expect(seen).toEqual(["tick 5000100", "tick 8000300", "client 2000", "server 3000"]);
});

test.each<readonly [name: string, said: readonly (readonly [Side, string])[], sinceUs: number | null]>([
  [
    "a command",
    [
      ["server", "220 mx\r\n"],
      ["client", "EHLO a\r\n"],
    ],
    3_000,
  ],
  [
    "a command that has not ended",
    [
      ["server", "220 mx\r\n"],
      ["client", "EHLO"],
    ],
    null,
  ],
  [
    "the oldest of several commands",
    [
      ["server", "220 mx\r\n"],
      ["client", "RSET\r\n"],
      ["client", "NOOP\r\n"],
    ],
    3_000,
  ],
  [
    "a message on its way",
    [
      ["server", "354 go\r\n"],
      ["client", "hello\r\n"],
    ],
    null,
  ],
  [
    "a message whose end came in pieces",
    [
      ["server", "354 go\r\n"],
      ["client", "hello\r\n."],
      ["client", "\r"],
      ["client", "\n"],
    ],
    5_000,
  ],
  [
    "a message without a text",
    [
      ["server", "220 mx\r\n"],
      ["client", "DATA\r\n"],
      ["server", "354 go\r\n"],
      ["client", ".\r\n"],
    ],
    5_000,
  ],
  [
    "a chunk: since its latest byte",
    [
      ["server", "250 ok\r\n"],
      ["client", "bdat 9 LAST\r\nabc"],
      ["client", "defghi"],
    ],
    4_000,
  ],
  ["a ClientHello, where TLS comes first", [["client", "\x16\x03\x01"]], 2_000],
  [
    "nothing, after the reply",
    [
      ["server", "220 mx\r\n"],
      ["client", "QUIT\r\n"],
      ["server", "221 bye\r\n"],
    ],
    null,
  ],
])("waited for: %s", (_name, said, sinceUs) => {
  const { say, pending } = watching(connection());
  for (const [side, text] of said) say(side, text);
  expect(pending()?.sinceUs ?? null).toBe(sinceUs);
  if (sinceUs !== null) expect(pending()?.what).toBe("reply");
});

test.each<readonly [name: string, facts: Facts, happens: (sink: StreamSink) => void]>([
  ["joined midway", { sawHandshake: false }, () => {}],
  ["bytes missing", {}, (sink) => sink.gap("server", 5_000, 4, 10, "overrun")],
  ["ended by a side", {}, (sink) => sink.end("client", 5_000, "fin")],
  ["refused", { refused: true, synAckAtUs: null, handshakeAtUs: null }, () => {}],
  ["closed", {}, (sink) => sink.close(5_000)],
  [
    "one direction only",
    { synAckAtUs: null, handshakeAtUs: null },
    (sink) => sink.bytes("client", 5_000, 4, Buffer.from("EHLO a\r\n"), 0, 8),
  ],
])("nobody can tell, or nobody waits: %s", (_name, facts, happens) => {
  const { source, sink, pending } = watching(connection(facts));
  happens(sink);
  source.tick(60_000_000);
  expect(pending()).toBeNull();
});

test("what is open is listed before anything was said, if it is mail", () => {
  const mail = connection();
  const { open, source, sink } = watching(mail);
  source.open(connection({ serverPort: 80 }));
  source.tick(4_000_300);
  const keeper = new DialogueKeeper({ redact: null, open });
  const { dialogues, open: count, waiting } = keeper.snapshot();
  expect(count).toBe(1);
  expect(dialogues).toEqual(waiting);
  expect(dialogues[0]).toMatchObject({
    file: "a.pcap",
    tcpStream: 7,
    client: mail.client,
    startAtUs: 100,
    ended: null,
    exchanges: [],
    pending: { what: "banner", waitedUs: 4_000_000 },
  });
  // The same connection keeps its number.
  expect(keeper.snapshot().dialogues[0]!.id).toBe(dialogues[0]!.id);
  sink.close(4_000_400);
  expect(keeper.snapshot()).toMatchObject({ dialogues: [], open: 0, waiting: [] });
});
