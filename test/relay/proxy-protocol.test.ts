/**
 * PROXY headers through a running proxy, on loopback: taken off in front of the client's bytes however they
 * are cut, put in front of them for the server, and nothing else touched.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodeProxyHeader } from "../../src/relay/proxy-header.ts";
import { type RunningProxy, startProxy, until } from "./support/proxy.ts";

const TOLD = {
  source: { host: "198.51.100.2", port: 41_234 },
  destination: { host: "192.0.2.25", port: 25 },
};
const PAYLOAD = Buffer.from("EHLO client.example\r\nQUIT\r\n\r\n\0\r\nQUIT\n", "latin1");

/** Answers every connection with a banner and keeps what each said. */
class Listener {
  readonly heard: Buffer[] = [];
  readonly server: Server;

  constructor() {
    this.server = createServer((socket) => {
      const index = this.heard.push(Buffer.alloc(0)) - 1;
      socket.on("data", (chunk) => {
        this.heard[index] = Buffer.concat([this.heard[index]!, chunk]);
      });
      socket.on("error", () => {}).on("end", () => socket.end());
      socket.write("220 mail.example.net ESMTP\r\n");
    });
  }
}

let listener: Listener;
let proxy: RunningProxy | null = null;

beforeEach(async () => {
  listener = new Listener();
  listener.server.listen(0, "127.0.0.1");
  await once(listener.server, "listening");
});

afterEach(async () => {
  await proxy?.stop();
  proxy = null;
  listener.server.close();
});

async function start(...args: string[]): Promise<RunningProxy> {
  const { port } = listener.server.address() as AddressInfo;
  proxy = await startProxy({ upstream: `127.0.0.1:${port}`, args: ["-q", "-o", "json", ...args] });
  return proxy;
}

/** Also after a reset, where `once` would complain. */
function closed(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => (socket.closed ? resolve(null) : socket.once("close", resolve)));
}

interface Ended {
  readonly received: string;
  readonly ending: "end" | "reset";
  readonly from: string;
}

/** Writes the pieces, one after the other, ends, and waits for the end of what comes back. */
async function send(port: number, pieces: readonly Buffer[], pauseMs = 1): Promise<Ended> {
  const socket: Socket = connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  let received = "";
  let ending: Ended["ending"] = "end";
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
  });
  socket.on("error", () => {
    ending = "reset";
  });
  await once(socket, "connect");
  const from = `${socket.localAddress}:${socket.localPort}`;
  for (const piece of pieces) {
    socket.write(piece);
    await sleep(pauseMs);
  }
  socket.end();
  await closed(socket);
  return { received, ending, from };
}

async function relayed(): Promise<{ relay: Record<string, unknown>; slowest: { client: string }[] }> {
  await proxy!.stop();
  const report = JSON.parse(proxy!.stdout());
  proxy = null;
  return report;
}

describe.each(["v1", "v2"] as const)("%s", (version) => {
  test("taken off, however it is cut", async () => {
    const { port } = await start("--accept-proxy", "127.0.0.0/8");
    const whole = Buffer.concat([encodeProxyHeader(version, TOLD), PAYLOAD]);
    const cuts = Array.from({ length: whole.length - PAYLOAD.length + 2 }, (_, index) => index);
    const ends = await Promise.all(
      cuts.map((cut) => send(port, [whole.subarray(0, cut), whole.subarray(cut)])),
    );
    ends.push(
      await send(
        port,
        [...whole].map((byte) => Buffer.from([byte])),
      ),
    );
    expect(new Set(ends.map(({ received }) => received))).toEqual(
      new Set(["220 mail.example.net ESMTP\r\n"]),
    );
    expect(listener.heard).toHaveLength(ends.length);
    for (const heard of listener.heard) expect(heard).toEqual(PAYLOAD);
    const { relay, slowest } = await relayed();
    expect(relay).toMatchObject({ accepted: ends.length, connected: ends.length, refused: {} });
    expect(new Set(slowest.map(({ client }) => client))).toEqual(new Set(["198.51.100.2:41234"]));
  });

  test("put in front, and it says who connected to what", async () => {
    const { port } = await start("--send-proxy", version);
    const { from } = await send(port, [PAYLOAD]);
    const source = { host: "127.0.0.1", port: Number(from.split(":")[1]) };
    const header = encodeProxyHeader(version, { source, destination: { host: "127.0.0.1", port } });
    expect(listener.heard).toEqual([Buffer.concat([header, PAYLOAD])]);
    expect((await relayed()).relay).toMatchObject({ sourcePreserved: true });
  });

  test("one who speaks for itself is whom it is", async () => {
    const { port } = await start("--accept-proxy", "127.0.0.1", "--send-proxy", version);
    const { from } = await send(port, [encodeProxyHeader(version, null), PAYLOAD]);
    const source = { host: "127.0.0.1", port: Number(from.split(":")[1]) };
    const header = encodeProxyHeader(version, { source, destination: { host: "127.0.0.1", port } });
    expect(listener.heard).toEqual([Buffer.concat([header, PAYLOAD])]);
    expect((await relayed()).slowest[0]?.client).toBe(from);
  });
});

test("what is none, ends before it is whole, or does not come is refused, and counted", async () => {
  const { port } = await start("--accept-proxy", "127.0.0.1");
  const header = encodeProxyHeader("v2", TOLD);
  const silent = connect(port, "127.0.0.1");
  silent.on("error", () => {});
  const began = performance.now();
  const refused = await Promise.all([
    send(port, [PAYLOAD]),
    send(port, [header.subarray(0, 20)], 50),
    send(port, [], 50),
    send(port, [Buffer.from("PROXY TCP4 198.51.100.2 192.0.2.25 41234 99999\r\n")]),
  ]);
  for (const { received } of refused) expect(received).toBe("");
  await closed(silent);
  expect(performance.now() - began).toBeGreaterThan(4_000);
  expect(listener.heard).toEqual([]);
  expect((await relayed()).relay).toMatchObject({
    accepted: 5,
    connected: 0,
    refused: { "proxy-header": 5 },
  });
});

test("from others it is bytes like others", async () => {
  const { port } = await start("--accept-proxy", "192.0.2.0/24");
  const bytes = Buffer.concat([encodeProxyHeader("v1", TOLD), PAYLOAD]);
  await send(port, [bytes]);
  expect(listener.heard).toEqual([bytes]);
});

test("the limit for a client is for whom the header names", async () => {
  const { port } = await start("--accept-proxy", "127.0.0.1", "--max-conn-per-client", "1");
  const of = (host: string) => encodeProxyHeader("v2", { ...TOLD, source: { host, port: 1 } });
  const open = (host: string) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {}).write(of(host));
    return socket;
  };
  const first = open("198.51.100.1");
  await once(first, "data");
  const other = open("198.51.100.2");
  await once(other, "data");
  const again = open("198.51.100.1");
  await closed(again);
  first.destroy();
  other.destroy();
  await until(() => listener.heard.length === 2, "both");
  expect((await relayed()).relay).toMatchObject({ refused: { "per-client": 1 } });
});

test("that the server sees the proxy is said at the start and in the summary; of headers it is not", async () => {
  const { port: upstream } = listener.server.address() as AddressInfo;
  for (const [args, isSaid] of [
    [[], true],
    [["--send-proxy", "v1"], false],
  ] as const) {
    const running = await startProxy({ upstream: `127.0.0.1:${upstream}`, args: ["-q", ...args] });
    await send(running.port, [PAYLOAD]);
    await running.stop();
    expect(running.stderr().includes("its lookups are about the proxy, not the client")).toBe(isSaid);
    const summary = running.stdout().replaceAll(/\s+/g, " ");
    expect(summary).toContain("1 connection");
    expect(summary.includes("its lookups were about the proxy, not the client")).toBe(isSaid);
  }
});
