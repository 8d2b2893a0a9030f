/**
 * `replay -i`: captured by a real tcpdump on loopback. Needs root and tcpdump: without them the tests are
 * skipped and say why; under CI they must run, so there they fail instead.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { whyNotAsRoot } from "../relay/support/program.ts";
import { until } from "../relay/support/proxy.ts";
import { outcome, replay, run, start, workFolder } from "./support/run.ts";

const whyNot = whyNotAsRoot("tcpdump", "setpriv");
const asRoot = test.skipIf(whyNot !== undefined && !process.env.CI);
if (whyNot !== undefined) console.warn(`replay -i: ${whyNot}`);

let port = 0;
const server = createServer((socket) => {
  socket.on("error", () => {});
  setTimeout(() => socket.write("220 hello\r\n"), 30);
  socket.on("data", (text) => socket.write(/QUIT/.test(text.toString()) ? "221 bye\r\n" : "250 fine\r\n"));
});
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as { port: number }).port;
});
afterAll(() => {
  server.close();
});

/** A dialogue of three replies. */
function talk(): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let replies = 0;
    socket.on("data", () => {
      replies++;
      if (replies === 1) socket.write("HELO a\r\n");
      else if (replies === 2) socket.write("QUIT\r\n");
      else socket.end();
    });
    socket.on("close", () => resolve());
  });
}

/** User ids of a process and of its children. */
function usersOf(pid: number): Record<string, number> {
  const users: Record<string, number> = {};
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      const status = readFileSync(`/proc/${name}/status`, "latin1");
      const isOurs = Number(name) === pid || Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]) === pid;
      if (isOurs) users[/^Name:\s+(.*)$/m.exec(status)![1]!] = Number(/^Uid:\s+(\d+)/m.exec(status)![1]);
    } catch {
      // Gone meanwhile.
    }
  }
  return users;
}

asRoot(
  "what happens on an interface is followed, by nobody with rights; Ctrl-C ends it with the report",
  async () => {
    const child = start(["replay", "-i", "lo", "-p", String(port)]);
    const ended = outcome(child);
    let seen = "";
    child.stdout.on("data", (text) => {
      seen += text;
    });
    await until(() => Object.keys(usersOf(child.pid!)).includes("tcpdump"), "tcpdump");
    await sleep(1_000);
    await talk();
    await until(() => seen.includes("banner"), "the dialogue's line while it runs");
    const users = usersOf(child.pid!);
    expect(Object.keys(users).length).toBe(2);
    for (const uid of Object.values(users)) expect(uid).not.toBe(0);
    child.kill("SIGINT");
    const { status, stdout, stderr } = await ended;
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(stdout).toContain("Source     lo (pcap");
    expect(stdout).toContain("1 SMTP");
  },
  30_000,
);

asRoot(
  "--duration ends it by itself; every packet that was filtered in is in the report",
  async () => {
    const child = start(["replay", "-i", "lo", "-p", String(port), "--duration", "2500ms", "-o", "ndjson"]);
    const ended = outcome(child);
    await sleep(1_500);
    await Promise.all([talk(), talk(), talk()]);
    const { status, stdout } = await ended;
    expect(status).toBe(0);
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.filter(({ kind, verb }) => kind === "exchange" && verb === "(connect)")).toHaveLength(3);
    for (const { thinkUs } of lines.filter(({ verb }) => verb === "(connect)")) {
      expect(thinkUs).toBeGreaterThan(25_000);
    }
    expect(lines.at(-1)).toMatchObject({ kind: "summary", health: { droppedPackets: 0 } });
  },
  30_000,
);

asRoot(
  "any: an interface that knows no VLANs",
  async () => {
    const child = start(["replay", "-i", "any", "-p", String(port), "--duration", "2500ms", "-o", "json"]);
    const ended = outcome(child);
    await sleep(1_500);
    await talk();
    const { status, stdout, stderr } = await ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({ totals: { dialogues: 1 } });
  },
  30_000,
);

const withDumpcap = test.skipIf(whyNotAsRoot("dumpcap", "setpriv") !== undefined && !process.env.CI);

withDumpcap(
  "dumpcap, where there is no tcpdump: without root's rights, ended and counted as well",
  async () => {
    const folder = workFolder();
    for (const name of ["dumpcap", "setpriv", "env"])
      symlinkSync(
        execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim(),
        join(folder, name),
      );
    symlinkSync(process.execPath, join(folder, "node"));
    const child = start(["replay", "-i", "lo", "-p", String(port), "-o", "ndjson"], {
      env: { PATH: folder },
    });
    const ended = outcome(child);
    await until(() => Object.keys(usersOf(child.pid!)).includes("dumpcap"), "dumpcap");
    await sleep(1_500);
    await talk();
    await sleep(500);
    for (const uid of Object.values(usersOf(child.pid!))) expect(uid).not.toBe(0);
    child.kill("SIGTERM");
    const { status, stdout, stderr } = await ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const lines = stdout.trim().split("\n");
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({
      totals: { dialogues: 1 },
      health: { droppedPackets: 0 },
    });
    const missing = await run(["replay", "-i", "nowhere0"], { env: { PATH: folder } });
    expect(missing.stderr).toMatch(/^smtpscope: there is no interface "nowhere0"; there are .*lo.*\n$/);
    rmSync(join(folder, "dumpcap"));
    const neither = await run(["replay", "-i", "lo"], { env: { PATH: folder } });
    expect(neither.stderr).toBe(
      "smtpscope: -i needs tcpdump or dumpcap, and neither is installed (Debian: apt-get install tcpdump)\n",
    );
  },
  30_000,
);

asRoot(
  "-f captures what it says",
  async () => {
    const { status, stderr } = await replay("-i", "lo", "-f", "tcp port 1", "--duration", "1200ms");
    expect(status).toBe(3);
    expect(stderr).toContain("no SMTP in lo (0 packets");
    const wrong = await replay("-i", "lo", "-f", "tcp prot 1", "--duration", "1s");
    expect(wrong.status).toBe(3);
    expect(wrong.stderr).toMatch(/^smtpscope: tcpdump cannot capture on lo: .*syntax error.*\n$/);
  },
  30_000,
);

asRoot(
  "an interface that is not there, and no right to capture: one line that says what to do",
  async () => {
    const missing = await replay("-i", "nowhere0");
    expect(missing).toMatchObject({ status: 3, stdout: "" });
    expect(missing.stderr).toMatch(/^smtpscope: there is no interface "nowhere0"; there are .*lo.*\n$/);
    const under = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    const forbidden = await run(["replay", "-i", "lo"], { under });
    expect(forbidden.status).toBe(3);
    expect(forbidden.stderr).toMatch(/^smtpscope: no right to capture on lo: run as root.*\n$/);
  },
  30_000,
);

test.each([
  [["-i", "lo", "mail.pcap"], "name no captures to read beside it"],
  [["mail.pcap", "--duration", "2s"], "--duration is for what has no end of its own"],
  [["mail.pcap", "-f", "tcp port 25"], "add -i INTERFACE"],
])("a mistake is one line: %j", async (args, says) => {
  const { status, stderr } = await replay(...args);
  expect(status).toBe(2);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(stderr).toContain(says);
});
