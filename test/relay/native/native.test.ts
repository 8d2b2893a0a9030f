/**
 * What Linux tells of sockets, against connections made for it: plain ones on loopback, and in network
 * namespaces redirected, spoofed and transparent ones, as root and as a user with a namespace of their own.
 */

import { once } from "node:events";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fdOf } from "../../../src/relay/native/handles.ts";
import { ECONNRESET, errorName, type Native, openNative } from "../../../src/relay/native/native.ts";
import { bundle, run, whyNotAsRoot } from "../support/program.ts";

const opened = await openNative();
const isHere = typeof opened !== "string" || Boolean(process.env.CI);
const EINVAL = 22;
const EPERM = 1;

describe.skipIf(!isHere)(`on loopback${isHere ? "" : ` (skipped: ${opened})`}`, () => {
  const native = opened as Native;
  let server: Server;
  let client: Socket;
  let accepted: Socket;

  beforeAll(async () => {
    expect(typeof opened, "under CI koffi has to load").toBe("object");
    server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, "127.0.0.1");
    await once(server, "listening");
    client = connect((server.address() as { port: number }).port, "127.0.0.1");
    client.on("error", () => {});
    [accepted] = (await once(server, "connection")) as [Socket];
    accepted.on("error", () => {});
  });

  afterAll(() => {
    accepted.destroy();
    server.close();
  });

  test("sockets and servers have a descriptor until they are closed", async () => {
    expect(fdOf(server)).toBeGreaterThan(2);
    expect(fdOf(accepted)).toBeGreaterThan(2);
    const other = connect((server.address() as { port: number }).port, "127.0.0.1");
    await once(other, "connect");
    other.destroy();
    await once(other, "close");
    expect(fdOf(other)).toBeNull();
  });

  test("TCP_INFO: a round trip, and how long ago data came", async () => {
    accepted.write("220 hello\r\n");
    await once(client, "data");
    await sleep(60);
    const info = { ...native.tcpInfo(fdOf(client)!)! };
    // Of the client, whose SYN was timed; on loopback far below 100 ms.
    expect(info.rttUs).toBeGreaterThan(0);
    expect(info.rttUs).toBeLessThan(100_000);
    expect(info.minRttUs).toBeGreaterThanOrEqual(0);
    expect(info.minRttUs).toBeLessThanOrEqual(info.rttUs);
    expect(info.totalRetransmits).toBe(0);
    expect(info.lastDataReceivedMs).toBeGreaterThanOrEqual(48);
    expect(info.lastDataReceivedMs).toBeLessThan(5_000);
  });

  test("what the peer has not acknowledged is what it left no room for", async () => {
    expect(native.unacknowledgedBytes(fdOf(client)!)).toBe(0);
    // The accepted side does not read: some is acknowledged, the rest waits.
    const chunk = Buffer.alloc(1 << 20);
    for (let i = 0; i < 16; i++) client.write(chunk);
    await sleep(50);
    const waiting = native.unacknowledgedBytes(fdOf(client)!)!;
    expect(waiting).toBeGreaterThan(0);
    expect(waiting).toBeLessThan(16 << 20);
  });

  test("data and a reset that come together: the socket's error says reset", async () => {
    expect(native.socketError(fdOf(accepted)!)).toBe(0);
    client.resetAndDestroy();
    await sleep(50);
    expect(native.socketError(fdOf(accepted)!)).toBe(ECONNRESET);
    expect(native.socketError(fdOf(accepted)!)).toBe(0);
    expect(errorName(ECONNRESET)).toBe("ECONNRESET");
  });

  test("what is no TCP socket has no answers, and breaks nothing", () => {
    for (const fd of [-1, 1_000_000]) {
      expect(native.socketError(fd)).toBe(0);
      expect(native.tcpInfo(fd)).toBeNull();
      expect(native.unacknowledgedBytes(fd)).toBeNull();
      expect(native.originalDestination(fd, 4)).toBeNull();
      expect(native.isTransparent(fd, 6)).toBe(false);
    }
  });

  test.each(["mx.example.net", "fe80::1%eth0", ""])("%o is no address to connect from", (address) => {
    expect(native.spoofedSocket(address)).toBe(-EINVAL);
  });
});

test("without koffi there is no access, and one clause says why", () => {
  const directory = mkdtempSync(join(tmpdir(), "smtpscope-native-"));
  try {
    const alone = join(directory, "probe.mjs");
    copyFileSync(bundle(new URL("probe.ts", import.meta.url)), alone);
    const { status, complaint } = run([process.execPath, alone, "transparent", "::"]);
    expect([status, complaint]).toEqual([2, "the package koffi is not installed (npm install koffi)"]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

// lo is all there is; what leaves for elsewhere comes back to it.
const NAMESPACE = `
ip link set lo up
ip address add 198.51.100.2/24 dev lo
ip address add 2001:db8:51::2/64 dev lo nodad
ip route add default dev lo
ip -6 route add default dev lo
ip route add local 203.0.113.0/24 dev lo
ip -6 route add local 2001:db8:53::/64 dev lo
nft -f - <<'NFT'
table inet test {
  chain output {
    type nat hook output priority -100
    tcp dport 25 redirect to :2525
  }
}
NFT
exec "$@"
`;

const AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
const reason = whyNotAsRoot("nft", "ip", "unshare", "setpriv");
const mayRun = reason === undefined || Boolean(process.env.CI);

describe.skipIf(!mayRun || !isHere)(`in a namespace${mayRun ? "" : ` (skipped: ${reason})`}`, () => {
  let probe: string;

  beforeAll(() => {
    expect(reason, "under CI this has to run").toBeUndefined();
    probe = bundle(new URL("probe.ts", import.meta.url));
  });

  function told(by: readonly string[], ...args: string[]): unknown {
    const { status, output, complaint } = run([...by, process.execPath, probe, ...args]);
    expect(status, complaint).toBe(0);
    return JSON.parse(output);
  }

  const enter = (flags: string) => ["unshare", flags, "sh", "-c", NAMESPACE, "namespace"];

  describe.each([
    ["root", enter("-n")],
    ["a user who made it", [...AS_NOBODY, ...enter("-Urn")]],
  ])("of %s", (_, inside) => {
    test.each([
      ["192.0.2.25", "0.0.0.0"],
      ["192.0.2.25", "::"],
      ["2001:db8:25::25", "::"],
    ])("a redirected connection to %s, accepted on %s, says where it was going", (address, listen) => {
      expect(told(inside, "redirect", address, listen)).toEqual({ host: address, port: 25 });
    });

    test.each([
      ["203.0.113.9", "198.51.100.2"],
      ["2001:db8:53::9", "2001:db8:51::2"],
    ])("a socket bound to %s connects from there", (address, to) => {
      expect(told(inside, "spoof", address, to)).toEqual({ from: address });
    });

    test.each([
      ["0.0.0.0", [true, false]],
      ["::", [true, true]],
    ])("a server on %s becomes transparent", (listen, after) => {
      expect(told(inside, "transparent", listen)).toEqual({ before: false, errno: 0, after, may: true });
    });
  });

  test("without the capability sockets stay as they are", () => {
    const refused = { before: false, errno: EPERM, after: [false, false], may: false };
    expect(told(AS_NOBODY, "transparent", "::")).toEqual(refused);
    expect(told(AS_NOBODY, "spoof", "203.0.113.9", "::")).toEqual({ errno: EPERM });
  });

  test("giving up root keeps the one capability in the thread that has the sockets, in no other", () => {
    const kept = told([], "drop", "nobody", "keep") as { spoofed: number; threads: Record<string, number> };
    expect(kept).toMatchObject({ ids: [65534, 65534, 65534, 65534], groups: [65534], regained: false });
    expect(kept.spoofed).toBeGreaterThan(2);
    const { threads } = kept;
    const ids = "65534,65534,65534,65534";
    expect(Object.keys(threads).sort()).toEqual([
      `main ${ids} 0000000000002000`,
      `others ${ids} 0000000000000000`,
    ]);
    expect(threads[`others ${ids} 0000000000000000`]).toBeGreaterThan(3);
  });

  test("giving up root keeps nothing where nothing is needed", () => {
    const dropped = told([], "drop", "nobody", "nothing") as { threads: object };
    expect(dropped).toMatchObject({ regained: false, spoofed: -EPERM });
    expect(Object.keys(dropped.threads).every((thread) => thread.endsWith(" 0000000000000000"))).toBe(true);
  });

  test.each([
    ["no-such-user", [], "--user no-such-user: there is no such user on this host"],
    ["424242", [], "--user 424242: there is no such user on this host"],
    ["nobody", AS_NOBODY, "--user nobody: only root can become another user; start as that user"],
  ])("--user %s as %s is refused in one line", (user, by, complaint) => {
    const outcome = run([...by, process.execPath, probe, "drop", user, "keep"]);
    expect(outcome).toMatchObject({ status: 2, complaint });
  });
});
