/** What may go wrong around the relay, and what may not come of it: mail flows, nothing is lost, memory is bounded. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { freePort, PROGRAM, startProxy, until } from "./support/proxy.ts";

const folder = mkdtempSync(join(tmpdir(), "smtpscope-faults-"));
const cleanUps: (() => void)[] = [() => rmSync(folder, { recursive: true, force: true })];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(1)) cleanUp();
});

/** A mail server that takes everything, line by line; `say` is told of each message's length. */
function mailServer(
  say: (lengthBytes: number) => void = () => {},
): Promise<{ port: number; server: Server }> {
  const server = createServer((socket) => {
    socket.setNoDelay(true).on("error", () => {});
    socket.write("220 mail.example ESMTP\r\n");
    let text = "";
    let inBody = false;
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      for (;;) {
        const mark = inBody ? "\r\n.\r\n" : "\r\n";
        const at = text.indexOf(mark);
        if (at < 0) return;
        const line = text.slice(0, at);
        text = text.slice(at + mark.length);
        if (inBody) {
          say(line.length);
          inBody = false;
          socket.write("250 2.0.0 taken\r\n");
        } else if (/^DATA/i.test(line)) {
          inBody = true;
          socket.write("354 go on\r\n");
        } else if (/^QUIT/i.test(line)) socket.end("221 bye\r\n");
        else socket.write("250 fine\r\n");
      }
    });
  });
  cleanUps.push(() => server.close());
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () =>
      resolve({ port: (server.address() as { port: number }).port, server }),
    );
  });
}

/** Sends a message in lock-step. @returns the codes; what is missing was not answered */
function send(port: number, body = "hello"): Promise<number[]> {
  const steps = ["HELO a", "MAIL FROM:<a@example>", "RCPT TO:<b@example>", "DATA", `${body}\r\n.`, "QUIT"];
  return new Promise((resolve) => {
    const codes: number[] = [];
    const socket = connect(port, "127.0.0.1");
    socket.on("data", (chunk) => {
      for (const line of chunk.toString().trim().split("\r\n")) codes.push(Number(line.slice(0, 3)));
      const step = steps[codes.length - 1];
      if (step !== undefined) socket.write(`${step}\r\n`);
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(codes));
  });
}

const ALL_WELL = [220, 250, 250, 250, 354, 250, 221];

/** Sends messages one after the other until it is told to stop; counts those that went well. */
class Traffic {
  sent = 0;
  wrong: number[][] = [];
  #isOver = false;
  readonly #done: Promise<void>;

  constructor(port: number, lanes = 4) {
    this.#done = Promise.all(Array.from({ length: lanes }, () => this.#lane(port))).then(() => {});
  }

  async #lane(port: number): Promise<void> {
    while (!this.#isOver) {
      const codes = await send(port);
      if (codes.join() === ALL_WELL.join()) this.sent++;
      else this.wrong.push(codes);
    }
  }

  stop(): Promise<void> {
    this.#isOver = true;
    return this.#done;
  }
}

test("the observer is killed again and again: no message fails, the report says what was missed", async () => {
  const { port } = await mailServer();
  const proxy = await startProxy({ upstream: `127.0.0.1:${port}`, args: ["-q", "-o", "json"] });
  const traffic = new Traffic(proxy.port);
  for (let i = 0; i < 3; i++) {
    await sleep(700);
    const pid = proxy.observerPid();
    if (pid !== null) process.kill(pid, "SIGKILL");
    await until(() => ![null, pid].includes(proxy.observerPid()), "a new observer");
  }
  await sleep(1_500);
  await traffic.stop();
  expect(await proxy.stop()).toBe(0);
  expect(traffic.wrong).toEqual([]);
  const report = JSON.parse(proxy.stdout());
  expect(report.relay.observerRestarts).toBe(3);
  expect(report.relay.accepted).toBe(traffic.sent);
  const { dialogues } = report.totals;
  expect(dialogues).toBeGreaterThan(0);
  // Each connection was observed, or is counted as missed; at most those open at a kill are both.
  expect(dialogues + report.relay.missedConnections).toBeGreaterThanOrEqual(traffic.sent);
  expect(dialogues + report.relay.missedConnections).toBeLessThanOrEqual(traffic.sent + 3 * 4);
}, 60_000);

test("the observer is stopped for 2 s: nothing waits for it, nothing is lost", async () => {
  const { port } = await mailServer();
  const proxy = await startProxy({ upstream: `127.0.0.1:${port}`, args: ["-q", "-o", "json"] });
  await send(proxy.port);
  const pid = proxy.observerPid()!;
  process.kill(pid, "SIGSTOP");
  const traffic = new Traffic(proxy.port);
  await sleep(2_000);
  const whileStopped = traffic.sent;
  process.kill(pid, "SIGCONT");
  await traffic.stop();
  expect(await proxy.stop()).toBe(0);
  expect(whileStopped).toBeGreaterThan(20);
  const report = JSON.parse(proxy.stdout());
  expect(report.totals.dialogues).toBe(traffic.sent + 1);
  expect(report.relay).toMatchObject({ missedConnections: 0, overrunBytes: 0, observerRestarts: 0 });
}, 60_000);

test("an observer too far behind misses observations, and the report says how many bytes", async () => {
  const lengths: number[] = [];
  const { port } = await mailServer((length) => lengths.push(length));
  // Of long messages an observer is told little, unless it writes them down.
  const raw = ["-w", join(folder, "behind.pcapng"), "--raw"];
  const proxy = await startProxy({ upstream: `127.0.0.1:${port}`, args: ["-q", "-o", "json", ...raw] });
  await send(proxy.port);
  const pid = proxy.observerPid()!;
  process.kill(pid, "SIGSTOP");
  const body = `${"x".repeat(998)}\r\n`.repeat(12_000).trimEnd();
  for (let i = 0; i < 5; i++) expect(await send(proxy.port, body)).toEqual(ALL_WELL);
  // Bounded: 32 MiB of observations, and what passed through.
  expect(proxy.residentBytes()).toBeLessThan(300e6);
  process.kill(pid, "SIGCONT");
  await sleep(500);
  expect(await send(proxy.port)).toEqual(ALL_WELL);
  expect(await proxy.stop()).toBe(0);
  expect(lengths.slice(1, 6)).toEqual(Array.from({ length: 5 }, () => body.length));
  const report = JSON.parse(proxy.stdout());
  expect(report.relay.overrunBytes).toBeGreaterThan(10e6);
  expect(report.health.dialoguesWithGaps + report.relay.missedConnections).toBeGreaterThan(0);
  // Times that may be wrong are not recorded: whatever was recorded of banners is a real banner's time.
  expect(report.totals.dialogues + report.relay.missedConnections).toBe(7);
}, 60_000);

test("an analysis that throws on every chunk costs its results, not the mail", async () => {
  const { port } = await mailServer();
  const hook = join(folder, "throws.mjs");
  // Whoever looks for a line end throws, in the observing process only.
  writeFileSync(
    hook,
    `if (process.argv[1]?.endsWith("observe.js")) {
       const { Dialogues } = await import(${JSON.stringify(new URL("../../dist/index.js", import.meta.url).href)});
       const open = Dialogues.prototype.open;
       Dialogues.prototype.open = function (transport) {
         const sink = open.call(this, transport);
         sink.bytes = () => { throw new Error("a defect"); };
         return sink;
       };
     }`,
  );
  const env = { NODE_OPTIONS: `--import=${hook}` };
  const proxy = await startProxy({ upstream: `127.0.0.1:${port}`, args: ["-q", "-o", "json"], env });
  for (let i = 0; i < 10; i++) expect(await send(proxy.port)).toEqual(ALL_WELL);
  expect(await proxy.stop()).toBe(0);
  const report = JSON.parse(proxy.stdout());
  expect(report.relay.faults).toBe(10);
  expect(report.totals.exchanges - report.totals.unanswered).toBe(0);
}, 30_000);

test("an observer whose heap is exhausted dies alone", async () => {
  const { port } = await mailServer();
  const hook = join(folder, "hoards.mjs");
  writeFileSync(
    hook,
    `if (process.argv[1]?.endsWith("observe.js")) {
       const { setFlagsFromString } = await import("node:v8");
       const hoard = [];
       setTimeout(() => { for (;;) hoard.push(new Array(1e6).fill({})); }, 800);
     }`,
  );
  const env = { NODE_OPTIONS: `--import=${hook} --max-old-space-size=64` };
  const proxy = await startProxy({ upstream: `127.0.0.1:${port}`, args: ["-q"], env });
  const traffic = new Traffic(proxy.port, 2);
  await until(() => proxy.stderr().includes("started again"), "the observer's end", 20_000);
  await sleep(300);
  await traffic.stop();
  expect(traffic.wrong).toEqual([]);
  expect(traffic.sent).toBeGreaterThan(0);
  await proxy.stop();
}, 60_000);

test("the server is killed in the middle of a reply: the client gets what there was, then the end", async () => {
  const child = spawn(process.execPath, [
    "-e",
    `require("net").createServer((s) => { s.write("220-half a ban"); setTimeout(() => process.kill(process.pid, "SIGKILL"), 200); })
       .listen(0, "127.0.0.1", function () { console.log(this.address().port); });`,
  ]);
  cleanUps.push(() => child.kill("SIGKILL"));
  const port = await firstLine(child);
  const proxy = await startProxy({ upstream: `127.0.0.1:${port}`, args: ["-q"] });
  const { text } = await listen(proxy.port);
  expect(text).toBe("220-half a ban");
  expect(await proxy.stop()).toBe(0);
}, 30_000);

test("a 421 and a reset right behind it: the 421 arrives", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.write("220 hello\r\n");
    socket.once("data", () =>
      socket.write("421 4.3.2 closing\r\n", () => setImmediate(() => socket.resetAndDestroy())),
    );
  });
  cleanUps.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const proxy = await startProxy({
    upstream: `127.0.0.1:${(server.address() as { port: number }).port}`,
    args: ["-q"],
  });
  for (let i = 0; i < 30; i++) {
    const seen = await listen(proxy.port, "NOOP\r\n");
    expect(seen).toEqual({ text: "220 hello\r\n421 4.3.2 closing\r\n", ending: "ECONNRESET" });
  }
  expect(await proxy.stop()).toBe(0);
}, 30_000);

test("a client that is killed in the middle of a body: the server sees a reset, others go on", async () => {
  const endings: string[] = [];
  const server = createServer((socket) => {
    socket.write("220 hello\r\n");
    socket.on("data", () => {});
    socket.on("error", (error: NodeJS.ErrnoException) => endings.push(error.code ?? ""));
    socket.on("end", () => endings.push("end"));
  });
  cleanUps.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const proxy = await startProxy({
    upstream: `127.0.0.1:${(server.address() as { port: number }).port}`,
    args: ["-q"],
  });
  const socket = connect(proxy.port, "127.0.0.1");
  socket.on("error", () => {});
  await new Promise((resolve) => socket.once("data", resolve));
  socket.write("DATA\r\nhalf of a bo");
  await sleep(100);
  socket.resetAndDestroy();
  await until(() => endings.length > 0, "the server to notice");
  expect(endings).toEqual(["ECONNRESET"]);
  expect(await proxy.stop()).toBe(0);
}, 30_000);

test("5,000 idle connections take little memory, and mail goes on beside them", async () => {
  const { port } = await mailServer();
  const proxy = await startProxy({
    upstream: `127.0.0.1:${port}`,
    args: ["-q", "--drain", "100ms"],
  });
  for (let i = 0; i < 50; i++) await send(proxy.port);
  const before = proxy.residentBytes();
  const sockets: Socket[] = [];
  // Both ends and the server live in this process: what is measured is the proxy's.
  for (let i = 0; i < 5_000; i++) {
    const socket = connect(proxy.port, "127.0.0.1");
    socket.on("error", () => {});
    sockets.push(socket);
    await new Promise((resolve) => socket.once("data", resolve));
  }
  const each = (proxy.residentBytes() - before) / 5_000;
  expect(await send(proxy.port)).toEqual(ALL_WELL);
  for (const socket of sockets) socket.destroy();
  await proxy.stop();
  expect(each).toBeLessThan(16 * 1024);
}, 60_000);

test("no descriptors left: who comes too late is refused, who is there goes on", async () => {
  const { port } = await mailServer();
  const by = ["prlimit", "--nofile=200:200"];
  const proxy = await startProxy({
    upstream: `127.0.0.1:${port}`,
    args: ["-q", "-o", "json", "--max-conn", "60"],
    by,
  });
  const open: Socket[] = [];
  const greeted: Promise<boolean>[] = [];
  for (let i = 0; i < 90; i++) {
    const socket = connect(proxy.port, "127.0.0.1");
    open.push(socket);
    greeted.push(
      new Promise((resolve) => {
        socket
          .once("data", () => resolve(true))
          .on("error", () => resolve(false))
          .on("close", () => resolve(false));
      }),
    );
    await Promise.race([greeted[i], sleep(50)]);
  }
  expect((await Promise.all(greeted)).filter(Boolean).length).toBe(60);
  for (const socket of open) socket.destroy();
  await sleep(200);
  expect(await send(proxy.port)).toEqual(ALL_WELL);
  expect(await proxy.stop()).toBe(0);
  expect(JSON.parse(proxy.stdout()).relay.refused).toEqual({ "max-conn": 30 });
}, 30_000);

test("no descriptors for the observer either: it comes back when there are some", async () => {
  const { port } = await mailServer();
  const by = ["prlimit", "--nofile=200:200"];
  const proxy = await startProxy({ upstream: `127.0.0.1:${port}`, args: ["-q", "--max-conn", "60"], by });
  await until(() => proxy.observerPid() !== null, "the observer");
  const open = readdirSync(`/proc/${proxy.process.pid}/fd`).length;
  const allow = (soft: number) =>
    execFileSync("prlimit", [`--pid=${proxy.process.pid}`, `--nofile=${soft}:200`]);
  // None for a new pair of sockets; the dying observer's becomes free.
  allow(open - 1);
  process.kill(proxy.observerPid()!, "SIGKILL");
  await until(() => proxy.stderr().includes("could not be started"), "it to be tried");
  // Each second the relay looks at itself, for which it needs one as well.
  await sleep(1_100);
  allow(200);
  expect(await send(proxy.port)).toEqual(ALL_WELL);
  await until(() => proxy.observerPid() !== null, "the observer");
  expect(await proxy.stop()).toBe(0);
  expect(proxy.stderr()).not.toContain("internal error");
}, 30_000);

test("nobody reads what it says: it ends all the same", async () => {
  const { port } = await mailServer();
  const fifo = join(folder, "unread");
  execFileSync("mkfifo", [fifo]);
  const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    for (;;) writeSync(fd, "x".repeat(512));
  } catch {
    // It is full.
  }
  const listen = await freePort();
  const child = spawn(
    "sh",
    [
      "-c",
      `exec "$0" "$@" 2>${fifo}`,
      process.execPath,
      PROGRAM,
      "proxy",
      "-l",
      `${listen}`,
      "-u",
      `127.0.0.1:${port}`,
      "-q",
    ],
    { stdio: "ignore" },
  );
  const exited = new Promise((resolve) => child.on("exit", resolve));
  let codes: number[] = [];
  for (let i = 0; i < 100 && codes.length === 0; i++) {
    await sleep(50);
    codes = await send(listen);
  }
  expect(codes).toEqual(ALL_WELL);
  child.kill("SIGTERM");
  expect(await exited).toBe(0);
  closeSync(fd);
}, 30_000);

/** @returns what a client hears until the connection is over; `say` is sent after the first of it */
function listen(port: number, say = ""): Promise<{ text: string; ending: string }> {
  return new Promise((resolve) => {
    let text = "";
    let ending = "end";
    const socket = connect(port, "127.0.0.1");
    socket.on("data", (chunk) => {
      if (text === "" && say !== "") socket.write(say);
      text += chunk.toString();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      ending = error.code ?? "";
    });
    socket.on("close", () => resolve({ text, ending }));
  });
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve) =>
    child.stdout!.once("data", (text: Buffer) => resolve(text.toString().trim())),
  );
}
