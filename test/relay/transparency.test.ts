/**
 * The ways into the proxy and out of it, with the rules it prints, between real servers and clients in
 * network namespaces. Each proves two things: whom the server saw, by the server's own log, and that the
 * connection passed through the proxy, by the proxy's own count.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Report } from "../../src/spine/report.ts";
import {
  applyRules,
  type Dialogue,
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

const CLIENT = { ipv4: "198.51.100.66", ipv6: "2001:db8:51::66" };
const SERVER = { ipv4: "192.0.2.25", ipv6: "2001:db8:25::25" };
/** The proxy's host, seen from the clients and from the server. */
const INSIDE = { ipv4: "198.51.100.254", ipv6: "2001:db8:51::fe" };
const OUTSIDE = { ipv4: "192.0.2.254", ipv6: "2001:db8:25::fe" };
const EXIM = { ipv4: "203.0.113.53", ipv6: "2001:db8:53::53" };
const HAPROXY_PORT = 2526;
const ANY = "[::]:2525";
const FAMILIES = ["ipv4", "ipv6"] as const;
type Family = (typeof FAMILIES)[number];

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
      const settings = { smtpd_client_port_logging: "yes", smtpd_timeout: "5s" };
      await startPostfix(lab, "server", { settings, haproxyPort: HAPROXY_PORT });
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
      undoRules = await applyRules(lab, "firewall", withPort(args));
      running = await startProxy(lab, "firewall", args, launcher);
      return running;
    }

    async function end(): Promise<Report> {
      const report = await running!.end();
      running = null;
      return report;
    }

    async function talk(dialogue: Omit<Dialogue, "label">) {
      const [outcome] = await lab.converse([
        { label: "x", commands: ["EHLO client.example", "NOOP"], ...dialogue },
      ]);
      expect(outcome).toEqual({ label: "x", replies: [220, 250, 250, 221] });
    }

    /** The report's own words for one relayed connection from this client. */
    function expectRelayed(report: Report, client: string, server: string, preserved: boolean): void {
      expect(report.relay).toMatchObject({
        accepted: 1,
        connected: 1,
        sourcePreserved: preserved,
        refused: {},
      });
      const [slowest] = report.slowest;
      expect(slowest?.client.replace(/:\d+$/, "")).toBe(client.includes(":") ? `[${client}]` : client);
      expect(slowest?.server).toBe(server);
    }

    describe.each(FAMILIES)("%s", (family: Family) => {
      test("explicit: the server sees the proxy, and that is said", async () => {
        const proxy = await stand(["-l", ANY, "-u", bracketed(SERVER[family], 25)]);
        await talk({ source: CLIENT[family], host: INSIDE[family], port: 2525 });
        expect(await postfix.since(/disconnect from/)).toContain(`connect from unknown[${OUTSIDE[family]}]`);
        expectRelayed(await end(), CLIENT[family], bracketed(SERVER[family], 25), false);
        expect(proxy.said()).toContain("its lookups are about the proxy");
      });
    });
  },
);

/** Rules want the port, also where the socket is handed over. */
function withPort(args: readonly string[]): string[] {
  return args.includes("-l") ? [...args] : ["-l", ANY, ...args];
}
