/** The handles that the relay's sockets are made of are not documented: held against the Node that runs. */
import { createServer, type Server, type Socket } from "node:net";
import { expect, test } from "vitest";
import { openHandles, RawSocket } from "../../../src/relay/native/raw-socket.ts";

const handles = openHandles()!;

test("this Node offers them", () => {
  expect(handles).not.toBeNull();
});

test("they can be refused", () => {
  process.env.SMTPSCOPE_PLAIN_SOCKETS = "1";
  try {
    expect(openHandles()).toBeNull();
  } finally {
    delete process.env.SMTPSCOPE_PLAIN_SOCKETS;
  }
});

function listening(server: Server): Promise<number> {
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port)),
  );
}

/** A raw socket connected to a server's end, and what happens on it. */
async function connected(): Promise<{
  raw: RawSocket;
  peer: Socket;
  events: string[];
  text: () => string;
  over: Promise<void>;
}> {
  const server = createServer({ allowHalfOpen: true });
  const port = await listening(server);
  const peer = new Promise<Socket>((resolve) => server.once("connection", resolve));
  const events: string[] = [];
  let text = "";
  const raw = RawSocket.unconnected(handles, null, (length, buffer) => {
    text += buffer.toString("latin1", 0, length);
  });
  for (const event of ["end", "drain", "close"]) raw.on(event, () => events.push(event));
  raw.on("error", (error: NodeJS.ErrnoException) => events.push(error.code ?? "?"));
  const over = new Promise<void>((resolve) => raw.once("close", () => resolve()));
  await new Promise<void>((resolve) => raw.connect({ host: "127.0.0.1", port }, resolve));
  raw.resume();
  server.close();
  const socket = await peer;
  socket.on("error", () => {});
  return { raw, peer: socket, events, text: () => text, over };
}

test("bytes go both ways, each side ends by itself, and it closes when both have", async () => {
  const { raw, peer, events, text, over } = await connected();
  expect(raw.remotePort).toBe(peer.localPort);
  expect(raw.localPort).toBe(peer.remotePort);
  const heard: string[] = [];
  peer.on("data", (chunk) => heard.push(chunk.toString()));
  peer.end("220 hello\r\n");
  await new Promise((resolve) => raw.once("end", resolve));
  expect(text()).toBe("220 hello\r\n");
  // Its own half is still open.
  expect(raw.write(Buffer.from("QUIT\r\n"))).toBe(true);
  raw.end();
  await over;
  await new Promise((resolve) => peer.once("close", resolve));
  expect(heard.join("")).toBe("QUIT\r\n");
  expect(events).toEqual(["end", "close"]);
});

test("a peer that does not read holds it back, in order, until it reads", async () => {
  const { raw, peer, events, over } = await connected();
  peer.pause();
  const chunk = Buffer.alloc(65_536, "x");
  let given = 0;
  let taken = 0;
  let room = true;
  while (room && given < 10_000) {
    given++;
    room = raw.write(chunk, () => taken++);
  }
  expect(room).toBe(false);
  expect(raw.writableLength).toBeGreaterThan(0);
  expect(taken).toBe(given - 1);
  let received = 0;
  peer.resume();
  peer.on("data", (part) => {
    received += part.length;
  });
  await new Promise((resolve) => raw.once("drain", resolve));
  expect([taken, raw.writableLength]).toEqual([given, 0]);
  raw.end();
  peer.end();
  await over;
  expect(received).toBe(given * chunk.length);
  expect(events).toEqual(["drain", "end", "close"]);
});

test("a reset by the peer is an error, and one of its own reaches the peer", async () => {
  const one = await connected();
  one.peer.resetAndDestroy();
  await one.over;
  expect(one.events).toEqual(["ECONNRESET", "close"]);
  const other = await connected();
  const code = new Promise((resolve) =>
    other.peer.on("error", (error: NodeJS.ErrnoException) => resolve(error.code)),
  );
  other.peer.resume();
  other.raw.resetAndDestroy();
  expect(await code).toBe("ECONNRESET");
  await other.over;
  expect(other.events).toEqual(["close"]);
  // Nothing more comes of it.
  expect(other.raw.write(Buffer.from("x"))).toBe(false);
});

test("while it is paused nothing is read; a refusal is told", async () => {
  const { raw, peer, text, over } = await connected();
  raw.pause();
  peer.write("220 later\r\n");
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(text()).toBe("");
  raw.resume();
  peer.end();
  await new Promise((resolve) => raw.once("end", resolve));
  expect(text()).toBe("220 later\r\n");
  raw.end();
  await over;

  const server = createServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  const refused = RawSocket.unconnected(handles, null, () => {});
  const code = new Promise((resolve) =>
    refused.on("error", (error: NodeJS.ErrnoException) => resolve(error.code)),
  );
  refused.connect({ host: "127.0.0.1", port }, () => {});
  expect(await code).toBe("ECONNREFUSED");
  expect(refused.destroyed).toBe(true);
});
