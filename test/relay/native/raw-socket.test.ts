/** The handles that the relay's sockets are made of are not documented: held against the Node that runs. */
import { createServer, type Server, type Socket } from "node:net";
import { getSystemErrorName } from "node:util";
import { expect, test } from "vitest";
import { openHandles, RawSocket } from "../../../src/relay/native/raw-socket.ts";
import { READ_BYTES, sharedBuffer } from "../../../src/relay/native/read-buffers.ts";
import type { RelaySocket, SocketOwner } from "../../../src/relay/socket.ts";

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

/** Writes down what it is told. */
class Witness implements SocketOwner {
  readonly events: string[] = [];
  text = "";
  readonly #awaited = new Map<string, () => void>();

  next(event: string): Promise<void> {
    return new Promise((resolve) => this.#awaited.set(event, resolve));
  }
  #saw(kind: string, name = kind): void {
    this.events.push(name);
    this.#awaited.get(kind)?.();
  }
  read(_socket: RelaySocket, lengthBytes: number, buffer: Buffer, _mayKeep: boolean): void {
    this.text += buffer.toString("latin1", 0, lengthBytes);
  }
  ended(): void {
    this.#saw("end");
  }
  failed(_socket: RelaySocket, error: number): void {
    this.#saw("error", getSystemErrorName(error));
  }
  drained(): void {
    this.#saw("drain");
  }
  closed(): void {
    this.#saw("close");
  }
}

/** A raw socket connected to a server's end, and what happens on it. */
async function connected(witness = new Witness()) {
  const server = createServer({ allowHalfOpen: true });
  const port = await listening(server);
  const peer = new Promise<Socket>((resolve) => server.once("connection", resolve));
  const raw = RawSocket.unconnected(handles, null, witness);
  const over = new Promise<void>((resolve) => {
    raw.whenClosed = resolve;
  });
  await new Promise<void>((resolve) => raw.connect({ host: "127.0.0.1", port }, resolve));
  raw.resume();
  server.close();
  const socket = await peer;
  socket.on("error", () => {});
  return { raw, peer: socket, witness, events: witness.events, text: () => witness.text, over };
}

test("bytes go both ways, each side ends by itself, and it closes when both have", async () => {
  const { raw, peer, witness, events, text, over } = await connected();
  expect(raw.remotePort).toBe(peer.localPort);
  expect(raw.localPort).toBe(peer.remotePort);
  const heard: string[] = [];
  peer.on("data", (chunk) => heard.push(chunk.toString()));
  peer.end("220 hello\r\n");
  await witness.next("end");
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
  const { raw, peer, witness, events, over } = await connected();
  peer.pause();
  const chunk = Buffer.alloc(65_536, "x");
  let given = 0;
  let room = true;
  while (room && given < 10_000) {
    given++;
    room = raw.write(chunk);
  }
  expect(room).toBe(false);
  expect(raw.writableLength).toBeGreaterThan(0);
  let received = 0;
  peer.resume();
  peer.on("data", (part) => {
    received += part.length;
  });
  await witness.next("drain");
  expect(raw.writableLength).toBe(0);
  raw.end();
  peer.end();
  await over;
  await new Promise((resolve) => peer.once("close", resolve));
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
  const { raw, peer, witness, text, over } = await connected();
  raw.pause();
  peer.write("220 later\r\n");
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(text()).toBe("");
  raw.resume();
  peer.end();
  await witness.next("end");
  expect(text()).toBe("220 later\r\n");
  raw.end();
  await over;

  const server = createServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  const seen = new Witness();
  const refused = RawSocket.unconnected(handles, null, seen);
  refused.connect({ host: "127.0.0.1", port }, () => {});
  await seen.next("close");
  expect(seen.events).toEqual(["ECONNREFUSED", "close"]);
  expect(refused.destroyed).toBe(true);
});

test("who reads much has a buffer of its own, whose bytes stay while it is paused; who reads little shares", async () => {
  /** Keeps what it may, as it stands in the socket's memory, and pauses. */
  class Keeper extends Witness {
    readonly kept: Buffer[] = [];
    onRead: (mayKeep: boolean) => void = () => {};
    override read(socket: RelaySocket, lengthBytes: number, buffer: Buffer, mayKeep: boolean): void {
      expect(mayKeep).toBe(buffer !== sharedBuffer);
      super.read(socket, lengthBytes, buffer, mayKeep);
      this.onRead(mayKeep);
      if (!mayKeep || lengthBytes < 100) return;
      this.kept.push(buffer.subarray(0, lengthBytes));
      socket.pause();
    }
  }
  const keeper = new Keeper();
  const { raw, peer, over } = await connected(keeper);
  const other = await connected();
  const sent = Buffer.from(Array.from({ length: 40_000 }, (_, i) => `line ${i}\r\n`).join(""));
  peer.write(sent);
  while (keeper.text.length < sent.length) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    const last = keeper.kept.at(-1);
    if (last === undefined) continue;
    // Others read meanwhile; it is paused, and what it kept is what it read.
    other.peer.write("220 other\r\n".repeat(3_000));
    await new Promise((resolve) => setTimeout(resolve, 2));
    expect(last.toString("latin1")).toBe(keeper.text.slice(-last.length));
    expect(last.length).toBeLessThanOrEqual(READ_BYTES);
    raw.resume();
  }
  expect(keeper.text).toBe(sent.toString());
  expect(keeper.kept.length).toBeGreaterThan(3);
  // The end of it: small reads, at last into the shared buffer again.
  raw.resume();
  const shared: boolean[] = [];
  keeper.onRead = (mayKeep) => shared.push(!mayKeep);
  for (const line of ["RSET\r\n", "QUIT\r\n"]) {
    peer.write(line);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(keeper.text).toBe(`${sent}RSET\r\nQUIT\r\n`);
  expect(shared).toEqual([false, true]);
  peer.end();
  await keeper.next("end");
  raw.end();
  other.raw.resetAndDestroy();
  await over;
});
