/** What a proxy records and logs of real clients and servers: replaying the recording gives the log. */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createTransport } from "nodemailer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { conversationsOf, exchangesOf, type Line, parseLines } from "../cli/support/lines.ts";
import { replay, run } from "../cli/support/run.ts";
import { freePort, startProxy, until } from "./support/proxy.ts";
import { Laboratory, smtpscope, startPostfix, whatIsMissing } from "./support/proxy-lab.ts";

const folder = mkdtempSync(join(tmpdir(), "smtpscope-recorded-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a log and a replay must have in common: everything but where packets are, and what only a relay knows. */
function comparable(lines: readonly Line[]): unknown {
  const strip = (line: Line) => {
    const {
      file: _f,
      tcpStream: _t,
      askedFrames: _a,
      askedFile: _w,
      answeredFrames: _b,
      uncertaintyUs: _u,
      live: _l,
      ...rest
    } = line as unknown as Record<string, unknown>;
    return JSON.stringify({
      ...rest,
      lines: (rest.lines as string[] | undefined)?.map((text) => text.replace(/^334 .*/, "334")),
    });
  };
  return [...exchangesOf(lines), ...conversationsOf(lines)].map(strip).sort();
}

const logged = (...files: string[]) => files.flatMap((file) => parseLines(readFileSync(file, "utf8")));

const recordings = (name: string) =>
  readdirSync(folder)
    .filter((each) => each.startsWith(`${name}.pcapng`))
    .map((each) => join(folder, each));

/** Takes mail, and users whoever they are. */
const server = createServer((socket) => {
  socket.on("error", () => {});
  socket.write("220 mail.example ESMTP\r\n");
  let text = "";
  let expects: "command" | "answer" | "message" = "command";
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
    for (;;) {
      const mark = expects === "message" ? "\r\n.\r\n" : "\r\n";
      const at = text.indexOf(mark);
      if (at < 0) return;
      const line = text.slice(0, at);
      text = text.slice(at + mark.length);
      if (expects === "message") socket.write("250 2.0.0 taken\r\n");
      else if (expects === "answer") socket.write("235 2.7.0 welcome\r\n");
      else if (/^EHLO/i.test(line)) socket.write("250-mail.example\r\n250 AUTH PLAIN CRAM-MD5\r\n");
      else if (/^AUTH CRAM/i.test(line)) socket.write("334 PDEyMzQuNTY3ODlAbWFpbC5leGFtcGxlPg==\r\n");
      else if (/^AUTH/i.test(line)) socket.write("235 2.7.0 welcome\r\n");
      else if (/^DATA/i.test(line)) socket.write("354 go on\r\n");
      else if (/^QUIT/i.test(line)) socket.end("221 bye\r\n");
      else socket.write("250 fine\r\n");
      expects =
        /^AUTH CRAM/i.test(line) && expects === "command"
          ? "answer"
          : /^DATA/i.test(line) && expects === "command"
            ? "message"
            : "command";
    }
  });
});
let upstream = "";
let serverPort = 0;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  serverPort = (server.address() as AddressInfo).port;
  upstream = `127.0.0.1:${serverPort}`;
});
afterAll(() => {
  server.close();
});

async function mail(port: number, authMethod: "PLAIN" | "CRAM-MD5"): Promise<void> {
  const transport = createTransport({
    host: "127.0.0.1",
    port,
    ignoreTLS: true,
    authMethod,
    auth: { user: "private-user", pass: "private-password" },
  });
  await transport.sendMail({
    from: "a@example.org",
    to: "b@example.net",
    subject: "private-subject",
    text: "private-text\n.\nprivate-dot",
  });
  transport.close();
}

const SECRETS = ["private", Buffer.from("\0private-user\0private-password").toString("base64").slice(0, 30)];

test("mail with AUTH, rotated when told to: the recording replays to the log, and holds nothing private", async () => {
  const [path, log] = [join(folder, "auth.pcapng"), join(folder, "auth.ndjson")];
  const proxy = await startProxy({ upstream, args: ["-q", "-w", path, "--log", log] });
  for (const method of ["PLAIN", "CRAM-MD5"] as const) await mail(proxy.port, method);
  await until(() => statSync(log, { throwIfNoEntry: false })?.size !== 0, "the log");
  await sleep(500);
  proxy.process.kill("SIGUSR1");
  await sleep(200);
  for (const method of ["PLAIN", "CRAM-MD5"] as const) await mail(proxy.port, method);
  expect(await proxy.stop()).toBe(0);
  expect(proxy.stderr()).toMatch(/recorded \d+ packets to 2 files/);
  const files = recordings("auth");
  const logs = [log, `${log}1`];
  expect(files).toHaveLength(2);
  for (const file of [...files, ...logs]) {
    expect(statSync(file).mode & 0o137).toBe(0);
    for (const secret of SECRETS) expect(readFileSync(file, "latin1")).not.toContain(secret);
  }
  const again = await replay(...files, "-p", String(serverPort), "-o", "ndjson");
  expect(again.status).toBe(0);
  const lines = logged(...logs);
  expect(exchangesOf(lines).filter(({ phase }) => phase === "auth")).toHaveLength(6);
  expect(conversationsOf(lines)).toHaveLength(4);
  expect(comparable(parseLines(again.stdout))).toEqual(comparable(lines));
  expect(lines.filter(({ kind }) => kind === "summary")).toHaveLength(1);
});

/** Takes messages of any size without looking at them. */
const bin = createServer((socket) => {
  socket.on("error", () => {});
  socket.write("220 bin.example ESMTP\r\n");
  let isMessage = false;
  let tail = "";
  socket.on("data", (chunk) => {
    tail = (tail + chunk.toString("latin1", Math.max(0, chunk.length - 5))).slice(-5);
    if (isMessage && tail !== "\r\n.\r\n") return;
    const isData = !isMessage && chunk.toString("latin1", 0, 4) === "DATA";
    socket.write(isData ? "354 go on\r\n" : "250 2.0.0 fine\r\n");
    isMessage = isData;
  });
});

/** Sends a message of `lines` lines. @returns its length, and what ends it */
async function sendLong(port: number, lines: number): Promise<number> {
  const socket = connect(port, "127.0.0.1");
  const answers = socket[Symbol.asyncIterator]();
  await answers.next();
  for (const line of ["EHLO c.example", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>", "DATA"]) {
    socket.write(`${line}\r\n`);
    await answers.next();
  }
  const message = Buffer.from(`${"0123456789".repeat(7)}\r\n`.repeat(lines));
  socket.write(message);
  socket.write("\r\n.\r\n");
  await answers.next();
  socket.end("QUIT\r\n");
  return message.length + 5;
}

test("messages come faster than they are written: all is recorded, and nothing of them", async () => {
  await new Promise<void>((resolve) => bin.listen(0, "127.0.0.1", resolve));
  const { port: binPort } = bin.address() as AddressInfo;
  const [path, log] = [join(folder, "long.pcapng"), join(folder, "long.ndjson")];
  const upstream = `127.0.0.1:${binPort}`;
  const proxy = await startProxy({ upstream, args: ["-q", "-w", path, "--log", log] });
  const sent = await Promise.all([300_000, 420_000, 550_000, 630_000].map((n) => sendLong(proxy.port, n)));
  expect(await proxy.stop()).toBe(0);
  bin.close();
  expect(proxy.stderr()).toMatch(/recorded [\d,]+ packets/);
  expect(proxy.stderr()).not.toContain("could not be recorded");
  expect(statSync(path).size).toBeGreaterThan(sent.reduce((sum, length) => sum + length));
  const again = await replay(path, "-p", String(binPort), "-o", "ndjson");
  expect(again.status).toBe(0);
  const lines = logged(log);
  expect(exchangesOf(lines)).toHaveLength(4 * 7);
  expect(comparable(parseLines(again.stdout))).toEqual(comparable(lines));
  expect(readFileSync(path).includes("0123456789")).toBe(false);
  rmSync(path);
}, 60_000);

test("the observer is killed: what follows is in another file, and none is overwritten", async () => {
  const [path, log] = [join(folder, "killed.pcapng"), join(folder, "killed.ndjson")];
  const proxy = await startProxy({ upstream, args: ["-q", "-w", path, "--log", log] });
  await mail(proxy.port, "PLAIN");
  // Packets wait this long to be put in order.
  await sleep(2_500);
  const pid = proxy.observerPid()!;
  process.kill(pid, "SIGKILL");
  await until(() => ![null, pid].includes(proxy.observerPid()), "a new observer");
  await until(() => recordings("killed").length === 2, "another file");
  await mail(proxy.port, "PLAIN");
  expect(await proxy.stop()).toBe(0);
  const again = await replay(...recordings("killed"), "-p", String(serverPort), "-o", "ndjson");
  expect(conversationsOf(parseLines(again.stdout))).toHaveLength(2);
  expect(conversationsOf(logged(log))).toHaveLength(2);
});

test("the log ends with the findings, each in its line, and the summary", async () => {
  const log = join(folder, "findings.ndjson");
  const args = ["-q", "--log", log, "--expect-banner", "mail.example.net ESMTP"];
  const proxy = await startProxy({ upstream, args });
  await mail(proxy.port, "PLAIN");
  expect(await proxy.stop()).toBe(0);
  const lines = logged(log) as unknown as { kind: string; id?: string; findings?: unknown[] }[];
  const found = lines.filter(({ kind }) => kind === "finding");
  expect(found.map(({ id }) => id)).toContain("rewriting/banner-changed");
  expect(lines.slice(-1 - found.length)).toEqual([...found, expect.objectContaining({ findings: found })]);
});

test("--raw keeps everything, says so, and is for its owner only", async () => {
  const path = join(folder, "raw.pcapng");
  const proxy = await startProxy({ upstream, args: ["-q", "-w", path, "--raw"] });
  await mail(proxy.port, "PLAIN");
  expect(await proxy.stop()).toBe(0);
  expect(proxy.stderr()).toContain("will hold passwords and mail as they are");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  for (const secret of SECRETS) expect(readFileSync(path, "latin1")).toContain(secret);
});

test.concurrent.each([
  [["-w", "x.pcap"], /ends in \.pcapng/],
  [["-w", "/nowhere/x.pcapng"], /there is no such folder/],
  [["--log", "/nowhere/x.ndjson"], /there is no such folder/],
  [["--raw"], /name it with -w/],
  [["--rotate-size", "1MB"], /name a file with -w or --log/],
  [["-w", "x.pcapng", "--rotate-size", "1"], /no size from 10kB/],
  [["-w", "x.pcapng", "--rotate-age", "1ms"], /too short/],
  [["-w", "x.pcapng", "--keep", "0"], /whole number above 0/],
])("%s is refused at the start", async (args, why) => {
  const { status, stderr } = await run(["proxy", "-l", String(await freePort()), "-u", upstream, ...args]);
  expect([status, stderr.trim().split("\n").length]).toEqual([2, 1]);
  expect(stderr).toMatch(why);
});

const mayMount = process.getuid?.() === 0 || process.env.CI !== undefined;

test.skipIf(!mayMount)(
  `a full disk stops the recording and nothing else${mayMount ? "" : " (skipped: needs root)"}`,
  async () => {
    const disk = join(folder, "disk");
    mkdirSync(disk);
    expect(spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]).status).toBe(0);
    try {
      const [path, log] = [join(disk, "full.pcapng"), join(disk, "full.ndjson")];
      const proxy = await startProxy({ upstream, args: ["-q", "-o", "json", "-w", path, "--log", log] });
      for (let i = 0; i < 40; i++) await mail(proxy.port, "PLAIN");
      await sleep(2_000);
      for (let i = 0; i < 5; i++) await mail(proxy.port, "PLAIN");
      expect(await proxy.stop()).toBe(0);
      expect(
        proxy
          .stderr()
          .match(/full\.pcapng: no space left on the device; nothing is written until the next rotation/g),
      ).toHaveLength(1);
      expect(proxy.stderr().match(/full\.ndjson: no space left/g)).toHaveLength(1);
      expect(proxy.stderr()).toMatch(/\d+ packets \(.*\) could not be recorded/);
      const report = JSON.parse(proxy.stdout());
      expect(report.totals).toMatchObject({ dialogues: 45, messages: 45 });
      expect(report.relay).toMatchObject({ observerRestarts: 0, overrunBytes: 0 });
    } finally {
      spawnSync("umount", [disk]);
    }
  },
);

const reason = whatIsMissing();
const mayRun = reason === undefined || Boolean(process.env.CI);

describe.skipIf(!mayRun)(
  `smtp-source to Postfix${mayRun ? "" : ` (skipped: ${reason})`}`,
  { timeout: 60_000 },
  () => {
    let lab: Laboratory;
    beforeAll(async () => {
      expect(reason, "under CI the lab has to run").toBeUndefined();
      lab = new Laboratory();
      process.once("exit", () => lab.close());
      lab.open();
      await startPostfix(lab, "server", { settings: { smtpd_peername_lookup: "no" } });
    }, 60_000);
    afterAll(() => lab?.close());

    test("the recording replays to the log; tshark reads it without complaint", async () => {
      const [path, log] = [join(folder, "postfix.pcapng"), join(folder, "postfix.ndjson")];
      const proxy = lab.spawn(
        "firewall",
        smtpscope(
          "proxy",
          "-q",
          "-l",
          "0.0.0.0:2525",
          "-u",
          "192.0.2.25:25",
          "--socket",
          "none",
          "-w",
          path,
          "--log",
          log,
          "--drain",
          "2s",
          "--rotate-size",
          "100kB",
        ),
      );
      let said = "";
      proxy.stderr?.setEncoding("utf8").on("data", (part: string) => {
        said += part;
      });
      const ended = new Promise((resolve) => proxy.once("close", resolve));
      await until(() => said.includes("listening on"), "the proxy to listen");
      await lab.execute("client", [
        join(lab.root, "usr/sbin/smtp-source"),
        ...[
          "-s",
          "4",
          "-m",
          "60",
          "-l",
          "3000",
          "-f",
          "info@example.org",
          "-t",
          "alice@example.net",
          "198.51.100.254:2525",
        ],
      ]);
      proxy.kill("SIGTERM");
      await ended;
      const files = recordings("postfix");
      expect(files.length).toBeGreaterThan(1);
      const again = await replay(...files, "-o", "ndjson");
      const logs = readdirSync(folder)
        .filter((name) => name.startsWith("postfix.ndjson"))
        .map((name) => join(folder, name));
      const lines = logged(...logs);
      expect(conversationsOf(lines).length).toBeGreaterThanOrEqual(60);
      expect(comparable(parseLines(again.stdout))).toEqual(comparable(lines));
      for (const file of files) expect(await complaints(file)).toEqual([]);
    });
  },
);

/** What tshark notes and warns of, but for connections that begin, end, or were there before the file. */
function complaints(file: string): Promise<string[]> {
  const filter = `_ws.expert.severity > 0x200000 && !(_ws.expert.message contains "onnection") && !(_ws.expert.message contains "capture start")`;
  const checks = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"];
  const tshark = spawn("tshark", [
    "-n",
    "-r",
    file,
    ...checks,
    "-Y",
    filter,
    "-T",
    "fields",
    "-e",
    "_ws.expert.message",
  ]);
  let out = "";
  tshark.stdout.on("data", (part) => {
    out += part;
  });
  return new Promise((resolve, reject) => {
    tshark.on("error", reject);
    tshark.on("close", () => resolve(out.split("\n").filter(Boolean)));
  });
}
