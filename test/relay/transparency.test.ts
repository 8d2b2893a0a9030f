/**
 * The ways into the proxy and out of it, with the rules it prints, between real servers and clients in
 * network namespaces. Each proves two things: whom the server saw, by the server's own log, and that the
 * connection passed through the proxy, by the proxy's own count.
 */
import { appendFileSync, writeFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Report } from "../../src/spine/report.ts";
import {
  applyRules,
  Laboratory,
  type Role,
  type RunningProxy,
  ServerLog,
  smtpscope,
  startEximServer,
  startPostfix,
  startProxy,
  whatIsMissing,
} from "./support/proxy-lab.ts";

const reason = whatIsMissing();
const mayRun = reason === undefined || Boolean(process.env.CI);

const CLIENT: Hosts = { ipv4: "198.51.100.66", ipv6: "2001:db8:51::66" };
const SERVER: Hosts = { ipv4: "192.0.2.25", ipv6: "2001:db8:25::25" };
/** The proxy's host, seen from the clients and from the server. */
const INSIDE = { ipv4: "198.51.100.254", ipv6: "2001:db8:51::fe" };
const OUTSIDE = { ipv4: "192.0.2.254", ipv6: "2001:db8:25::fe" };
const EXIM = { ipv4: "203.0.113.53", ipv6: "2001:db8:53::53" };
/** Ports of the server that look up who connects; its port 25 does not. */
const HAPROXY_PORT = 2526;
const LOOKUP_PORT = 2527;
const LOOKING_UP = "-o smtpd_peername_lookup=yes";
const SLOW_PTR_MS = 1_500;
const ANY = "[::]:2525";
const FAMILIES = ["ipv4", "ipv6"] as const;
type Family = (typeof FAMILIES)[number];
type Hosts = Readonly<Record<Family, string>>;

const bracketed = (address: string, port: number) =>
  address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;

describe.skipIf(!mayRun)(
  `between namespaces${mayRun ? "" : ` (skipped: ${reason})`}`,
  { timeout: 60_000 },
  () => {
    let lab: Laboratory;
    let postfix: ServerLog;
    let exim: ServerLog;
    let local: ServerLog;
    let running: RunningProxy | null = null;
    let undoRules: (() => Promise<string>) | null = null;

    beforeAll(async () => {
      expect(reason, "under CI the lab has to run").toBeUndefined();
      lab = new Laboratory();
      process.once("exit", () => lab.close());
      lab.open();
      // All addresses of a name in /etc/hosts, not the first only.
      writeFileSync(lab.path("etc", "host.conf"), "multi on\n");
      const named = (name: string, hosts: Hosts) => FAMILIES.map((family) => `${hosts[family]} ${name}\n`);
      appendFileSync(
        lab.path("etc", "hosts"),
        [...named("mx.test", SERVER), ...named("here.test", INSIDE)].join(""),
      );
      const settings = { smtpd_client_port_logging: "yes", smtpd_timeout: "5s", smtpd_peername_lookup: "no" };
      await startPostfix(lab, "server", {
        settings,
        services: [
          `${HAPROXY_PORT} inet n - n - - smtpd -o smtpd_upstream_proxy_protocol=haproxy ${LOOKING_UP}`,
          `${LOOKUP_PORT} inet n - n - - smtpd ${LOOKING_UP}`,
        ],
      });
      await lab.startDns({
        rules: [{ name: "*.100.51.198.in-addr.arpa", type: "PTR", delayMs: SLOW_PTR_MS, answer: "NXDOMAIN" }],
      });
      await startEximServer(lab, "dns", {
        settings: { hosts_proxy: "*", host_lookup: "", log_selector: "+smtp_connection +incoming_port" },
      });
      await startPostfix(lab, "firewall", { settings });
      postfix = new ServerLog(lab.path("postfix-server", "log"));
      local = new ServerLog(lab.path("postfix-firewall", "log"));
      exim = new ServerLog(lab.path("exim", "log", "mainlog"));
    }, 90_000);

    afterEach(async () => {
      await running?.end().catch(() => {});
      running = null;
      await undoRules?.();
      undoRules = null;
      for (const log of [postfix, local, exim]) log.skip();
    });

    afterAll(() => lab?.close());

    /** Starts the proxy and, where it needs any, its rules. */
    async function stand(args: readonly string[], launcher: readonly string[] = []): Promise<RunningProxy> {
      const needsRules = args.includes("--mode") || args.includes("--source");
      if (needsRules) undoRules = await applyRules(lab, "firewall", withPort(args));
      running = await startProxy(lab, "firewall", args, launcher);
      return running;
    }

    async function end(): Promise<Report> {
      const report = await running!.end();
      running = null;
      return report;
    }

    /** A client of each family speaks with the host of its family there. */
    async function talk(host: Hosts, port = 25, families: readonly Family[] = FAMILIES) {
      const dialogues = families.map((label) => ({
        label,
        source: CLIENT[label],
        host: host[label],
        port,
        commands: ["EHLO client.example", "NOOP"],
      }));
      const replies = [220, 250, 250, 221];
      expect(await lab.converse(dialogues)).toEqual(families.map((label) => ({ label, replies })));
    }

    /** Whom the server says it was connected from. */
    async function expectSeen(log: ServerLog, seen: Hosts, families: readonly Family[] = FAMILIES) {
      const each = families.map(() => "disconnect from[\\s\\S]*").join("");
      const text = await log.since(new RegExp(each));
      const from = [...text.matchAll(/(?<!dis)connect from unknown\[([^\]]+)\]/g)].map((match) => match[1]);
      expect(from.sort()).toEqual(families.map((family) => seen[family]).sort());
    }

    /** The proxy's own count, and its report's own words: these clients, to these servers. */
    async function expectRelayed(clients: Hosts, servers: Hosts, port: number, preserved: boolean) {
      const report = await end();
      const counted = { accepted: 2, connected: 2, sourcePreserved: preserved, refused: {}, failed: {} };
      expect(report.relay).toMatchObject(counted);
      const pairs = report.slowest.map(({ client, server }) => `${client.replace(/:\d+$/, "")} ${server}`);
      const awaited = FAMILIES.map((family) => {
        const client = clients[family];
        return `${client.includes(":") ? `[${client}]` : client} ${bracketed(servers[family], port)}`;
      });
      expect([...new Set(pairs)].sort()).toEqual(awaited.sort());
    }

    test.each(FAMILIES)("explicit, to an %s server: it sees the proxy, and that is said", async (family) => {
      const proxy = await stand(["-l", ANY, "-u", bracketed(SERVER[family], 25)]);
      await talk(INSIDE, 2525);
      const seen = { ipv4: OUTSIDE[family], ipv6: OUTSIDE[family] };
      await expectSeen(postfix, seen);
      await expectRelayed(CLIENT, { ipv4: SERVER[family], ipv6: SERVER[family] }, 25, false);
      expect(proxy.said()).toContain("its lookups are about the proxy");
    });

    test("explicit, as the client", async () => {
      const proxy = await stand(["-l", ANY, "-u", "mx.test:25", "--source", "client"]);
      await talk(INSIDE, 2525);
      await expectSeen(postfix, CLIENT);
      await expectRelayed(CLIENT, SERVER, 25, true);
      expect(proxy.said()).not.toContain("its lookups are about the proxy");
    });

    test("explicit, as the client, having given up root", async () => {
      await stand(["-l", ANY, "-u", "mx.test:25", "--source", "client", "--user", "nobody"]);
      await talk(INSIDE, 2525);
      await expectSeen(postfix, CLIENT);
      await expectRelayed(CLIENT, SERVER, 25, true);
    });

    test.each([
      ["v1", "ipv4"],
      ["v2", "ipv6"],
    ] as const)("PROXY header %s to Postfix by %s", async (version, family) => {
      const upstream = bracketed(SERVER[family], HAPROXY_PORT);
      await stand(["-l", ANY, "-u", upstream, "--send-proxy", version]);
      await talk(INSIDE, 2525);
      await expectSeen(postfix, CLIENT);
      await expectRelayed(CLIENT, { ipv4: SERVER[family], ipv6: SERVER[family] }, HAPROXY_PORT, true);
    });

    test.each([
      ["v1", "ipv6"],
      ["v2", "ipv4"],
    ] as const)("PROXY header %s to Exim by %s", async (version, family) => {
      const upstream = bracketed(EXIM[family], 25);
      await stand(["-l", ANY, "-u", upstream, "--send-proxy", version]);
      await talk(INSIDE, 2525);
      const said = await exim.since(/closed by QUIT[\s\S]*closed by QUIT/);
      for (const of of FAMILIES)
        expect(said).toContain(`SMTP connection from (client.example) [${CLIENT[of]}]:`);
      await expectRelayed(CLIENT, { ipv4: EXIM[family], ipv6: EXIM[family] }, 25, true);
    });

    test.each<[string, string[], Hosts, boolean]>([
      ["redirect", ["--mode", "redirect", "--interface", "cli0"], OUTSIDE, false],
      [
        "redirect for one server only, as the client",
        ["--mode", "redirect", "--source", "client", "-u", "mx.test:25"],
        CLIENT,
        true,
      ],
      ["tproxy", ["--mode", "tproxy", "--interface", "cli0"], CLIENT, true],
      [
        "tproxy, as the proxy itself",
        ["--mode", "tproxy", "--source", "own", "-u", "mx.test:25"],
        OUTSIDE,
        false,
      ],
    ])("%s", async (_, args, seen, preserved) => {
      await stand(["-l", "2525", ...args]);
      await talk(SERVER);
      await expectSeen(postfix, seen);
      await expectRelayed(CLIENT, SERVER, 25, preserved);
    });

    const NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

    test("tproxy on a socket that was passed on, to a process that may do nothing", async () => {
      await stand(["--mode", "tproxy", "--source", "own"], [...passing("transparent"), ...NOBODY]);
      await talk(SERVER);
      await expectSeen(postfix, OUTSIDE);
      await expectRelayed(CLIENT, SERVER, 25, false);
    });

    test("tproxy as the client, on such a socket and with one capability, as the systemd units have it", async () => {
      const capability = ["--inh-caps=+net_raw", "--ambient-caps=+net_raw", "--bounding-set=-all,+net_raw"];
      await stand(["--mode", "tproxy"], [...passing("transparent"), ...NOBODY, ...capability]);
      await talk(SERVER);
      await expectSeen(postfix, CLIENT);
      await expectRelayed(CLIENT, SERVER, 25, true);
    });

    test("explicit on a socket that was passed on", async () => {
      await stand(["-u", "192.0.2.25:25"], passing("plain"));
      await talk(INSIDE, 2525);
      await expectSeen(postfix, { ipv4: OUTSIDE.ipv4, ipv6: OUTSIDE.ipv4 });
      await expectRelayed(CLIENT, { ipv4: SERVER.ipv4, ipv6: SERVER.ipv4 }, 25, false);
    });

    test.each<[string, string[]]>([
      ["redirect", ["--mode", "redirect", "--source", "client", "--interface", "cli0"]],
      ["tproxy", ["--mode", "tproxy"]],
    ])("%s to a server on the proxy's own host: it sees the client, its replies stay", async (_, args) => {
      await stand(["-l", "2525", ...args, "-u", "here.test:25"]);
      await talk(INSIDE);
      await expectSeen(local, CLIENT);
      await expectRelayed(CLIENT, INSIDE, 25, true);
    });

    test("the host's own mail", async () => {
      await stand(["-l", "2525", "--mode", "redirect", "--own-mail", "--user", "nobody"]);
      for (const family of FAMILIES)
        await say("firewall", SERVER[family], 25, "EHLO own.example\r\nQUIT\r\n");
      await expectSeen(postfix, OUTSIDE);
      await expectRelayed(OUTSIDE, SERVER, 25, true);
    });

    test("a load balancer that is trusted says who the client is", async () => {
      const trusted = `${CLIENT.ipv4},${CLIENT.ipv6}`;
      const upstream = bracketed(SERVER.ipv4, HAPROXY_PORT);
      await stand(["-l", ANY, "-u", upstream, "--accept-proxy", trusted, "--send-proxy", "v2"]);
      const told = { ipv4: "198.51.100.130", ipv6: "2001:db8:51::130" };
      for (const family of FAMILIES) {
        const tcp = family === "ipv4" ? "TCP4" : "TCP6";
        const header = `PROXY ${tcp} ${told[family]} ${INSIDE[family]} 41234 2525\r\n`;
        const text = `${header}EHLO x\r\nQUIT\r\n`;
        expect(await say("client", INSIDE[family], 2525, text, CLIENT[family])).toMatch(
          /^220 .*^250 .*^221 /ms,
        );
      }
      await expectSeen(postfix, told);
      await expectRelayed(told, { ipv4: SERVER.ipv4, ipv6: SERVER.ipv4 }, HAPROXY_PORT, true);
    });

    test.each<[string, string[], boolean]>([
      ["is gone behind the proxy's own address", ["-u", bracketed(SERVER.ipv4, LOOKUP_PORT)], false],
      ["is there as the client", ["-u", bracketed(SERVER.ipv4, LOOKUP_PORT), "--source", "client"], true],
      [
        "is there by a PROXY header",
        ["-u", bracketed(SERVER.ipv4, HAPROXY_PORT), "--send-proxy", "v2"],
        true,
      ],
    ])("the delay of a slow PTR of the client's %s", async (_, args, isThere) => {
      await stand(["-l", ANY, ...args]);
      await talk(INSIDE, 2525, ["ipv4"]);
      const { phases, relay } = await end();
      const banner = phases.find(({ phase }) => phase === "banner")?.service;
      expect(banner?.n).toBe(1);
      // On a busy machine the proxy is told late that it is connected.
      expect(banner!.maxUs! >= SLOW_PTR_MS * 900).toBe(isThere);
      expect(relay?.sourcePreserved).toBe(isThere);
    });

    describe("while the proxy is down", () => {
      test("tproxy lets mail pass by", async () => {
        undoRules = await applyRules(lab, "firewall", ["-l", "2525", "--mode", "tproxy"]);
        await talk(SERVER);
        await expectSeen(postfix, CLIENT);
      });

      test("redirect refuses clients", async () => {
        undoRules = await applyRules(lab, "firewall", ["-l", "2525", "--mode", "redirect"]);
        const outcomes = await lab.converse(
          FAMILIES.map((label) => ({ label, source: CLIENT[label], host: SERVER[label] })),
        );
        expect(outcomes).toEqual(FAMILIES.map((label) => ({ label, replies: [], error: "ECONNREFUSED" })));
      });
    });

    describe("loops are refused", () => {
      const refusedAs = async (why: string) => {
        const { relay } = await end();
        expect(relay?.refused).toEqual({ [why]: 1 });
        expect(relay?.connected).toBe(0);
      };

      test.each(["198.51.100.254:2525", "[2001:db8:25::fe]:2525"])(
        "explicit: the upstream %s is the proxy itself",
        async (upstream) => {
          const refused = lab.execute(
            "firewall",
            smtpscope("proxy", "-l", ANY, "-u", upstream, "--socket", "none"),
          );
          await expect(refused).rejects.toThrow(`--upstream ${upstream} is where the proxy itself listens`);
        },
      );

      test.each(["redirect", "tproxy"])(
        "%s: who connects to the proxy's own port goes nowhere",
        async (mode) => {
          await stand(["-l", "2525", "--mode", mode]);
          expect(await say("client", INSIDE.ipv4, 2525, "EHLO x\r\n")).toBe("");
          await refusedAs("loop");
        },
      );

      test("redirect: the rule that forgets the proxy's own connections", async () => {
        const args = ["-l", "2525", "--mode", "redirect"];
        // The proxy runs as root, whose connections are not left out.
        undoRules = await applyRules(lab, "firewall", [...args, "--own-mail", "--user", "65534"]);
        running = await startProxy(lab, "firewall", args);
        expect(await say("firewall", SERVER.ipv4, 25, "EHLO x\r\n")).toBe("");
        const { relay } = await end();
        expect(relay).toMatchObject({ accepted: 2, refused: { loop: 1 } });
      });
    });

    test("redirect: another server than the one that is meant is not relayed to", async () => {
      const args = ["-l", "2525", "--mode", "redirect"];
      undoRules = await applyRules(lab, "firewall", args);
      running = await startProxy(lab, "firewall", [...args, "-u", "192.0.2.25:25"]);
      expect(await say("client", EXIM.ipv4, 25, "EHLO x\r\n")).toBe("");
      expect((await end()).relay?.refused).toEqual({ elsewhere: 1 });
    });

    test("who is trusted and sends no PROXY header is refused; who is not is passed on as it is", async () => {
      await stand(["-l", ANY, "-u", "192.0.2.25:25", "--accept-proxy", "198.51.100.66,2001:db8:51::/64"]);
      const { ipv4 } = INSIDE;
      expect(await say("client", ipv4, 2525, "EHLO x\r\nQUIT\r\n", "198.51.100.66")).toBe("");
      const header = "PROXY TCP4 198.51.100.130 192.0.2.25 41234 25\r\nQUIT\r\n";
      expect(await say("client", ipv4, 2525, header, "198.51.100.2")).toMatch(/^220 .*\r\n(50|22|42)\d /);
      const { relay } = await end();
      expect(relay).toMatchObject({ accepted: 2, connected: 1, refused: { "proxy-header": 1 } });
    });

    describe("doctor", () => {
      const TPROXY = ["-l", "2525", "--mode", "tproxy", "--interface", "cli0"];
      let socket: string;
      beforeAll(() => {
        socket = lab.path("proxy.sock");
      });

      /** What it says; a check that fails makes it end with 1, and the lab's own clock may be set by nobody. */
      const doctor = (...args: string[]): Promise<string> =>
        lab
          .execute("firewall", smtpscope("doctor", "--socket", socket, ...args))
          .catch((error: Error) => error.message);

      test("explicit: makes a connection of its own, and says what it proved", async () => {
        const args = ["-l", ANY, "-u", "192.0.2.25:25"];
        await stand([...args, "--socket", socket]);
        const said = await doctor(...args);
        expect(said).toMatch(/^fine +port +2525 is the running proxy's$/m);
        expect(said).toMatch(/^fine +server +192\.0\.2\.25:25 says "220 mail\.example\.net/m);
        expect(said).toMatch(
          /^fine +proxy +0 of 0 connections relayed since it started; the server sees the proxy/m,
        );
        const passage = /^fine +passage +a connection from port \d+ here to \[::1\]:2525 passed through/m;
        expect(said).toMatch(passage);
        expect((await end()).relay).toMatchObject({ accepted: 1, connected: 1 });
      });

      test("explicit, as the client: a connection from this host is one of this host", async () => {
        const args = ["-l", ANY, "-u", "192.0.2.25:25", "--source", "client"];
        const proxy = await stand([...args, "--socket", socket]);
        expect(proxy.said()).toContain("clients that come by IPv6 can't be relayed as themselves");
        const said = await doctor(...args);
        expect(said).toMatch(/^fine +rules +are there and match$/m);
        expect(said).toMatch(/^fine +passage +/m);
        expect(await postfix.since(/disconnect from/)).toContain("connect from unknown[192.0.2.254]:");
      });

      test("explicit: the server is not reached", async () => {
        const args = ["-l", ANY, "-u", "192.0.2.25:26"];
        await stand([...args, "--socket", socket]);
        const said = await doctor(...args);
        expect(said).toMatch(/^MISSING +server +192\.0\.2\.25:26 can't be reached: ECONNREFUSED$/m);
        expect(said).toMatch(
          /^MISSING +passage +it came to the proxy, which did not reach the server: .*REFUSED/m,
        );
      });

      test("what it says is missing can be pasted, and then is there", async () => {
        const before = await doctor(...TPROXY);
        for (const what of ["IPv4 connections", "IPv6 connections", "the server's replies"])
          expect(before).toMatch(new RegExp(`^MISSING +rules +no rule .*${what}`, "m"));
        expect(before).toMatch(/^MISSING +routes/m);
        // All but what would set the host's own clock and show its own load.
        const pasted = (before.split("What helps:\n")[1] ?? "").replaceAll(
          /^(?:timedatectl|top|ulimit).*$/gm,
          "",
        );
        expect(pasted).toContain("nft -f");
        await lab.execute("firewall", ["sh", "-e"], { input: pasted });
        const down = await lab.execute("firewall", smtpscope("proxy", ...TPROXY, "--print-rules=down"));
        undoRules = () => lab.execute("firewall", ["sh", "-e"], { input: down });
        const after = await doctor(...TPROXY);
        expect(after).toMatch(/^fine +rules +are there and match$/m);
        expect(after).toMatch(/^fine +routes +/m);
        expect(after).toMatch(/^fine +capabilities +/m);
        expect(after).toMatch(/^- +passage +no proxy runs/m);
      });

      test("tproxy: a client's connection that passes is seen", async () => {
        await stand([...TPROXY, "--socket", socket]);
        const saying = doctor(...TPROXY, "--wait", "20s");
        // It may not watch yet when the first one passes.
        const watching = setInterval(() => void talk(SERVER, 25, ["ipv6"]), 1_000);
        const said = await saying.finally(() => clearInterval(watching));
        expect(said).toMatch(
          /^fine +passage +a connection from \[2001:db8:51::66\]:\d+ passed through the proxy to \[2001:db8:25::25\]:25/m,
        );
      });

      test("tproxy: a rule that is wrong lets mail pass by, and that is noticed", async () => {
        undoRules = await applyRules(lab, "firewall", [
          "-l",
          "2525",
          "--mode",
          "tproxy",
          "--interface",
          "cli1",
        ]);
        running = await startProxy(lab, "firewall", ["-l", "2525", "--mode", "tproxy", "--socket", socket]);
        const saying = doctor(...TPROXY, "--wait", "3s");
        await talk(SERVER, 25, ["ipv4"]);
        const said = await saying;
        expect(said).toMatch(
          /^MISSING +rules +no rule brings IPv4 connections to port 25 to port 2525 \(tproxy\)$/m,
        );
        expect(said).toMatch(/^MISSING +passage +no connection came in 3 s/m);
      });
    });

    /** Sends bytes at once; @returns all that came back, to the end or 3 s. */
    async function say(role: Role, host: string, port: number, text: string, source = ""): Promise<string> {
      return lab.execute(role, ["node", "-e", SAY, host, String(port), text, source]);
    }
  },
);

const SAY = `
const [host, port, text, source] = process.argv.slice(1);
const socket = require("net").connect({ host, port: Number(port), ...(source ? { localAddress: source } : {}) });
socket.setTimeout(3000, () => process.exit(0));
socket.on("error", () => process.exit(0)).on("close", () => process.exit(0));
socket.on("data", (part) => process.stdout.write(part));
socket.write(text);
`;

/** Opens a listening socket and passes it on as systemd does, to the program that follows. */
function passing(kind: "plain" | "transparent"): string[] {
  const options = kind === "plain" ? "" : "setsockopt(S, 41, 75, 1) && setsockopt(S, 0, 19, 1) or die $!;";
  return [
    "perl",
    "-MSocket=:all",
    "-e",
    `use POSIX; $^F = 9; socket(S, AF_INET6, SOCK_STREAM, 0) or die; setsockopt(S, SOL_SOCKET, SO_REUSEADDR, 1);
     setsockopt(S, 41, 26, pack("i", 0)); ${options}
     bind(S, pack_sockaddr_in6(2525, inet_pton(AF_INET6, "::"))) && listen(S, 64) or die $!;
     POSIX::dup2(fileno(S), 3) if fileno(S) != 3; $ENV{LISTEN_FDS} = 1; $ENV{LISTEN_PID} = $$; exec @ARGV or die;`,
    "--",
  ];
}

/** Rules want the port, also where the socket is handed over. */
function withPort(args: readonly string[]): string[] {
  return args.includes("-l") ? [...args] : ["-l", ANY, ...args];
}
