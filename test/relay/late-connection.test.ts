/** Connections to the server that took their time: why, as far as the relay can know, and what comes of it. */
import { createServer, type Server } from "node:net";
import { Duplex } from "node:stream";
import { afterEach, describe, expect, test } from "vitest";
import { Observer } from "../../src/cli/observer.ts";
import type { Failed } from "../../src/relay/facts.ts";
import { Link, type Observed } from "../../src/relay/link.ts";
import type { RelaySocket } from "../../src/relay/socket.ts";
import { type Address, Connecting, Upstream } from "../../src/relay/upstream.ts";
import type { Report } from "../../src/spine/report.ts";

interface Connection {
  readonly connectUs: number;
  readonly othersTriedUs?: number;
  readonly synRetransmits?: number;
  readonly minRttUs?: number;
  /** The server takes so long for each reply. */
  readonly replyUs?: number;
}

/** Three dialogues over such connections: the report, and a line of what was said as they ended. */
function observed(how: Connection): { report: Report; line: string } {
  const lines: string[] = [];
  const observer = new Observer(
    {
      ports: [],
      percentiles: [50],
      top: 1,
      by: null,
      redact: false,
      thresholds: [],
      failOn: { slo: false, severity: null },
      asItGoes: "lines",
      references: [],
      filter: null,
      since: null,
      until: null,
    } as unknown as ConstructorParameters<typeof Observer>[0],
    { say: (line) => lines.push(line), order: () => {} },
  );
  const stream = new Duplex({
    read() {},
    write(batch: Buffer, _encoding, done) {
      observer.source.push(batch);
      done();
    },
  });
  const link = new Link(0, stream, { bytes: 0, connections: 0 });
  for (let id = 1; id <= 3; id++) relay(link, id, how);
  link.flush();
  observer.source.end();
  return { report: observer.report(), line: lines.at(-1) ?? "" };
}

function relay(
  link: Link,
  id: number,
  { connectUs, othersTriedUs = 0, synRetransmits = 0, minRttUs, replyUs = 300 }: Connection,
): void {
  const acceptedAtUs = 1_790_000_000_000_000 + id * 60_000_000;
  const synAtUs = acceptedAtUs + 100;
  let atUs = synAtUs + connectUs;
  const server = "192.0.2.25:25";
  const connection: Observed & { clientBytes: number; serverBytes: number } = {
    id,
    opened: { client: `198.51.100.7:${4000 + id}`, server, acceptedAtUs, synAtUs },
    connected: { atUs, facts: { server, via: "192.0.2.2:5000", othersTriedUs, synRetransmits } },
    clientBytes: 0,
    serverBytes: 0,
    views: [],
  };
  link.opened(connection);
  const say = (side: "client" | "server", text: string) => {
    const bytes = Buffer.from(text);
    connection[`${side}Bytes`] += bytes.length;
    link.bytes(connection, side, atUs, bytes, 0, 0, false);
  };
  atUs += replyUs;
  say("server", "220 mx.example.net ESMTP\r\n");
  for (const [command, reply] of [
    ["EHLO c.example.org\r\n", "250 mx.example.net\r\n"],
    ["NOOP\r\n", "250 fine\r\n"],
    ["QUIT\r\n", "221 bye\r\n"],
  ] as const) {
    atUs += 50;
    say("client", command);
    atUs += replyUs;
    say("server", reply);
  }
  link.ended(connection, "server", atUs, 0);
  link.ended(connection, "client", atUs, 0);
  link.closed(connection, atUs, {
    rttUs: minRttUs ?? null,
    minRttUs: minRttUs ?? null,
    retransmits: synRetransmits,
  });
}

function causes({ findings }: Report): unknown {
  return findings.map((finding) => [finding.id, "explainedUs" in finding ? finding.explainedUs : 0]);
}

describe("a late connection", () => {
  test("by SYNs that were sent again", () => {
    const { report, line } = observed({ connectUs: 1_000_400, synRetransmits: 1, minRttUs: 400 });
    expect(causes(report)).toEqual([["cause/syn-loss", 3_000_000 + 3 * 100]]);
    expect(line).toContain("connect 1.00 s");
    expect(line).toContain("syn-retransmitted");
  });

  test("by SYNs that Linux sends again sooner, on a long path", () => {
    const { report } = observed({ connectUs: 340_000, synRetransmits: 1, minRttUs: 40_000, replyUs: 40_000 });
    expect(causes(report)).toContainEqual(["cause/syn-loss", 900_000]);
  });

  test("by the path alone", () => {
    const { report } = observed({ connectUs: 300_000, minRttUs: 300_000, replyUs: 300_000 });
    expect(JSON.stringify(causes(report))).not.toMatch(/syn-loss|unreachable/);
  });

  test("by other addresses of the server, which is no round trip", () => {
    const { report } = observed({ connectUs: 5_000_300, othersTriedUs: 5_000_000, minRttUs: 300 });
    expect(causes(report)).toEqual([["cause/unreachable", 15_000_000]]);
    expect(JSON.stringify(report.findings)).toContain("another address of the server was tried first");
    // What the server took for its replies stays the server's.
    expect(report.account.pathUs).toBeLessThan(1_000);
  });
});

describe("addresses of a server", () => {
  const [dead, alive] = ["192.0.2.1", "192.0.2.2"];
  const hosts = (upstream: Upstream) => upstream.addresses.map(({ host }) => host);

  test("one that could not be reached is tried last, also when they are looked up again", async () => {
    const upstream = new Upstream("mx.example.net", 25, async () =>
      [dead, alive].map((address) => ({ address })),
    );
    await upstream.resolve();
    expect(hosts(upstream)).toEqual([dead, alive]);
    upstream.avoid({ host: dead, port: 25 });
    expect(hosts(upstream)).toEqual([alive, dead]);
    await upstream.resolve();
    expect(hosts(upstream)).toEqual([alive, dead]);
    // All of them: as the resolver says.
    upstream.avoid({ host: alive, port: 25 });
    await upstream.resolve();
    expect(hosts(upstream)).toEqual([dead, alive]);
  });

  test("a single one stays", async () => {
    const upstream = new Upstream(dead, 25);
    await upstream.resolve();
    upstream.avoid({ host: dead, port: 25 });
    expect(hosts(upstream)).toEqual([dead]);
  });

  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  test("the next is tried when one refuses; it is told who did, and for how long others were tried", async () => {
    const server = createServer((socket) => socket.end()).listen(0, "127.0.0.1");
    servers.push(server);
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    const unreachable: Address[] = [];
    const outcome = await new Promise<{ text: string; othersTriedUs: number } | Failed>((resolve) => {
      new Connecting(
        {
          addresses: [
            { host: "127.0.0.2", port },
            { host: "127.0.0.1", port },
          ],
          timeoutMs: 1_000,
          socketOptions: () => ({}),
          onUnreachable: (address) => unreachable.push(address),
          onConnecting: null,
        },
        {
          established(socket: RelaySocket, text: string, othersTriedUs: number) {
            socket.destroy();
            resolve({ text, othersTriedUs });
          },
          unreachable: resolve,
        },
      ).begin();
    });
    expect(unreachable).toEqual([{ host: "127.0.0.2", port }]);
    expect(outcome).toMatchObject({ text: `127.0.0.1:${port}` });
    expect((outcome as { othersTriedUs: number }).othersTriedUs).toBeGreaterThan(0);
  });
});
