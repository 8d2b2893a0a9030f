/**
 * Laboratory: the life of one run, from namespaces to a clean host.
 *
 * Two rules. Whatever is made is made inside the run's own namespaces and
 * temporary directory. And `close` is synchronous and may be called at any
 * moment, twice too, so that a failure, Ctrl-C or the end of the process all
 * clean up by the same few lines.
 */
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run, sleep, until } from "./commands.mjs";
import { makeCpuGroup, removeCpuGroup } from "./cpu-group.mjs";
import { makeEtc, writeResolver } from "./etc.mjs";
import { fetchPackages, unpackPackages } from "./packages.mjs";
import { killAll, processesOf, signal } from "./processes.mjs";
import { buildTopology, MAIL_SERVER, NAME_SERVER, namespaceOf, removeNamespaces } from "./topology.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));

/** Nice enough to be starved by a few competitors, and still to end within half a minute. */
const LOW_PRIORITY = "12";

export class Laboratory {
  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), "smtpscope-lab-"));
    // The servers drop root, and still have to reach their files.
    chmodSync(this.directory, 0o755);
    // Runs that share one unpacked copy of the servers start sooner.
    this.shared = process.env.SMTPSCOPE_LAB_ROOT;
    this.root = this.shared ?? join(this.directory, "root");
  }

  open() {
    if (!this.shared) unpackPackages(fetchPackages(), this.root);
    makeEtc(this);
    buildTopology();
  }

  close() {
    killAll();
    removeNamespaces();
    if (this.cpuGroup) removeCpuGroup(this.cpuGroup);
    rmSync(this.directory, { recursive: true, force: true });
  }

  path(...names) {
    return join(this.directory, ...names);
  }

  /**
   * Starts a program in a namespace. `mount` hides the host's /etc behind the
   * lab's own, in that program's mount namespace only: resolver, accounts and
   * host names are then the lab's. A bind over /usr/lib/postfix keeps an
   * installed Postfix's libraries away from ours.
   */
  spawn(role, command, { input } = {}) {
    const enter =
      'mount --bind "$1" /etc; if [ -d /usr/lib/postfix ]; then mount --bind "$2" /usr/lib/postfix; fi; shift 2; exec "$@"';
    const child = spawn(
      "ip",
      [
        ...["netns", "exec", namespaceOf(role), "sh", "-c", enter, "enter"],
        ...[this.path("etc"), join(this.root, "usr/lib/postfix"), ...command],
      ],
      // Own process group: a Ctrl-C at the terminal is ours to handle.
      { stdio: ["pipe", "pipe", "pipe"], detached: true, env: { PATH: process.env.PATH, HOME: "/" } },
    );
    child.on("error", () => {});
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    return child;
  }

  /** Collects what a child says; the answer is a function that tells it so far. */
  outputOf(child) {
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (part) => {
        text += part;
      });
    }
    return () => text;
  }

  /** Runs a program in a namespace to its end; answers its output. */
  async execute(role, command, options) {
    const child = this.spawn(role, command, options);
    const output = this.outputOf(child);
    const status = await new Promise((done) => child.once("close", done));
    if (status !== 0) throw new Error(`${command.join(" ")} (${role}): ${output()}`);
    return output();
  }

  /** The name server, by a configuration as `dns.mjs` documents it. */
  async startDns(config) {
    const file = this.path("dns.json");
    writeFileSync(file, JSON.stringify(config));
    const output = this.outputOf(this.spawn("dns", [process.execPath, join(HERE, "dns.mjs"), file]));
    await until("the name server", () => output().includes("ready"));
  }

  /** What the lab's programs, started later, read as /etc/resolv.conf. */
  setResolver(lines) {
    writeResolver(this, lines);
  }

  async startDnsCache() {
    await this.startNode("server", "dns-cache.mjs", { upstream: NAME_SERVER });
    this.setResolver(["nameserver 127.0.0.1"]);
  }

  async startNode(role, script, config) {
    const child = this.spawn(role, [process.execPath, join(HERE, script), JSON.stringify(config)]);
    const output = this.outputOf(child);
    await until(script, () => {
      if (child.exitCode !== null) throw new Error(`${script} ended: ${output().trim()}`);
      return output().includes("ready");
    });
  }

  /** Plays dialogues (see clients/smtp-client.mjs); answers one outcome for each. */
  async converse(dialogues) {
    const script = join(HERE, "clients/play.mjs");
    const input = JSON.stringify(dialogues);
    const output = await this.execute("client", [process.execPath, script], { input });
    return output
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  }

  /** Loads an nftables ruleset into the firewall between client and server. */
  async setFirewall(ruleset) {
    await this.execute("firewall", ["nft", "-f", "-"], { input: ruleset });
  }

  /** Leads the mail between client and server through a device of ours (see tun-link.mjs), or another one. */
  async startLink(config, script = "tun-link.mjs") {
    await this.startNode("firewall", script, config);
    await this.setFirewall(`table ip link {
      chain lead {
        type filter hook prerouting priority mangle;
        iifname { "cli0", "srv0" } tcp dport { 25, 465, 587 } meta mark set 1
        iifname { "cli0", "srv0" } tcp sport { 25, 465, 587 } meta mark set 1
      }
    }
`);
    const setUp = [
      "ip link set tun0 up",
      "ip route add default dev tun0 table 100",
      "ip rule add fwmark 1 lookup 100",
      "echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter",
      "echo 0 > /proc/sys/net/ipv4/conf/tun0/rp_filter",
    ].join(" && ");
    await this.execute("firewall", ["sh", "-c", setUp]);
  }

  waitForPort(role, port) {
    const hex = port.toString(16).toUpperCase().padStart(4, "0");
    return until(`port ${port} in the ${role} namespace`, async () => {
      const sockets = await this.execute(role, ["cat", "/proc/net/tcp"]);
      return new RegExp(`:${hex} 0+:0000 0A`).test(sockets);
    });
  }

  /** A first call from the server's own host: what starts on demand has started. */
  async warmUp(role) {
    await this.execute(role, ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/25; read -t 0.3 -u 3; true"]);
  }

  /** SIGSTOP for everything in one namespace: connections are still accepted by its kernel. */
  freeze(role) {
    for (const pid of processesOf(role)) signal(pid, "SIGSTOP");
  }

  /** Stops and continues everything in a namespace, turn by turn. */
  async stopAndContinue(role, { stoppedMs, runningMs, forMs }) {
    for (const end = Date.now() + forMs; Date.now() < end; await sleep(runningMs)) {
      const pids = processesOf(role);
      for (const pid of pids) signal(pid, "SIGSTOP");
      await sleep(stoppedMs);
      for (const pid of pids) signal(pid, "SIGCONT");
    }
  }

  /** Everything in a namespace, and what it starts later, gets this share of one processor. */
  limitCpu(role, share) {
    this.cpuGroup = makeCpuGroup(`smtplab-${process.pid}`, share);
    for (const pid of processesOf(role)) writeFileSync(join(this.cpuGroup, "cgroup.procs"), String(pid));
  }

  /**
   * Pins a namespace to one processor, at a low priority, together with programs that never rest.
   * Linux weighs sessions (autogroups) before it weighs their processes, so both are told.
   */
  async startCompetitors(role, programs) {
    for (const pid of processesOf(role)) {
      run("taskset", ["-acp", "0", String(pid)]);
      run("renice", ["-n", LOW_PRIORITY, "-p", String(pid)]);
      if (existsSync(`/proc/${pid}/autogroup`)) writeFileSync(`/proc/${pid}/autogroup`, LOW_PRIORITY);
    }
    for (let index = 0; index < programs; index++) {
      this.spawn(role, ["taskset", "-c", "0", "sh", "-c", "while :; do :; done"]);
    }
    await sleep(200);
  }

  /** smtp-source, Postfix's load generator, from the client's side. */
  async pushMail({ sessions, mails, bytes }) {
    const counts = ["-s", sessions, "-m", mails, "-l", bytes].map(String);
    const addresses = ["-f", "info@example.org", "-t", "alice@example.net"];
    const program = join(this.root, "usr/sbin/smtp-source");
    await this.execute("client", [program, ...counts, ...addresses, `${MAIL_SERVER}:25`]);
  }

  settle(milliseconds = 400) {
    return sleep(milliseconds);
  }
}
