/** Limits, refusals and how a run ends, as the operator and the client see them. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../cli/support/run.ts";
import { freePort, type RunningProxy, startProxy, until } from "./support/proxy.ts";

const folder = mkdtempSync(join(tmpdir(), "smtpscope-limits-"));
let upstream = "";
const server = createServer((socket) => {
  socket.on("error", () => {}).on("data", () => socket.write("250 fine\r\n"));
  socket.write("220 hello\r\n");
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  upstream = `127.0.0.1:${(server.address() as { port: number }).port}`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Client {
  readonly socket: Socket;
  readonly text: () => string;
  readonly over: Promise<string>;
}

/** @returns when it was greeted or is over */
async function client(port: number, address = "127.0.0.1"): Promise<Client> {
  let text = "";
  let ending = "end";
  const socket = connect({ port, host: address.includes(":") ? "::1" : "127.0.0.1", localAddress: address });
  const over = new Promise<string>((resolve) => {
    socket.on("error", (error: NodeJS.ErrnoException) => {
      ending = error.code ?? "";
    });
    socket.on("close", () => resolve(ending));
  });
  await Promise.race([
    new Promise<void>((resolve) =>
      socket.on("data", (chunk) => {
        text += chunk.toString();
        resolve();
      }),
    ),
    over,
  ]);
  return { socket, text: () => text, over };
}

async function summary(proxy: RunningProxy): Promise<Record<string, unknown>> {
  expect(await proxy.stop()).toBe(0);
  return JSON.parse(proxy.stdout()).relay;
}

const QUIET = ["-q", "-o", "json", "--drain", "50ms"];

test("beyond --max-conn a client is refused at once, and has room when another leaves", async () => {
  const proxy = await startProxy({ upstream, args: [...QUIET, "--max-conn", "2"] });
  const first = await client(proxy.port);
  const second = await client(proxy.port);
  const third = await client(proxy.port);
  expect([first.text(), second.text(), third.text()]).toEqual(["220 hello\r\n", "220 hello\r\n", ""]);
  expect(await third.over).toBe("ECONNRESET");
  first.socket.end();
  await first.over;
  await sleep(50);
  expect((await client(proxy.port)).text()).toBe("220 hello\r\n");
  expect(await summary(proxy)).toMatchObject({ accepted: 4, refused: { "max-conn": 1 } });
});

test("one address may not take more than its share; others may still come", async () => {
  const proxy = await startProxy({ upstream, args: [...QUIET, "--max-conn-per-client", "1"] });
  await client(proxy.port, "127.0.0.1");
  expect((await client(proxy.port, "127.0.0.1")).text()).toBe("");
  expect((await client(proxy.port, "127.0.0.2")).text()).toBe("220 hello\r\n");
  expect(await summary(proxy)).toMatchObject({ refused: { "per-client": 1 } });
});

test("--slo and --fail-on: judged in the summary, told by the status", async () => {
  const args = ["--slo", "banner.max<1us", "--slo", "n>=1", "--fail-on", "slo", "-o", "json", "-q"];
  const proxy = await startProxy({ upstream, args });
  const { socket, over } = await client(proxy.port);
  socket.end();
  await over;
  expect(await proxy.stop()).toBe(1);
  const { thresholds } = JSON.parse(proxy.stdout()) as { thresholds: { verdict: string }[] };
  expect(thresholds.map(({ verdict }) => verdict)).toEqual(["violated", "met"]);
  expect(proxy.stderr()).toMatch(/^smtpscope: banner\.max<1us is not met: /m);
});

test("--allow lets only these networks in", async () => {
  const proxy = await startProxy({
    upstream,
    args: [...QUIET, "--allow", "127.0.0.8/30", "--allow", "2001:db8::/32"],
  });
  expect((await client(proxy.port, "127.0.0.9")).text()).toBe("220 hello\r\n");
  expect((await client(proxy.port, "127.0.0.12")).text()).toBe("");
  expect(await summary(proxy)).toMatchObject({ refused: { "not-allowed": 1 } });
});

test("--idle-timeout ends what says nothing, and not what does", async () => {
  const proxy = await startProxy({ upstream, args: [...QUIET, "--idle-timeout", "1500ms"] });
  const idle = await client(proxy.port);
  const busy = await client(proxy.port);
  const timer = setInterval(() => busy.socket.write("NOOP\r\n"), 200);
  expect(await idle.over).toBe("ECONNRESET");
  clearInterval(timer);
  expect(busy.socket.destroyed).toBe(false);
  await summary(proxy);
});

test("a server that refuses, and one that does not answer: the client is reset, the operator reads which", async () => {
  const proxy = await startProxy({ upstream: `127.0.0.1:${await freePort()}`, args: QUIET });
  expect(await (await client(proxy.port)).over).toBe("ECONNRESET");
  expect(await summary(proxy)).toMatchObject({ accepted: 1, connected: 0, failed: { refused: 1 } });

  // A server whose queue is full answers no SYN.
  const stopped = spawn(process.execPath, [
    "-e",
    `require("net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, function () { console.log(this.address().port); });`,
  ]);
  const port = await new Promise<number>((resolve) =>
    stopped.stdout.once("data", (text) => resolve(Number(text))),
  );
  stopped.kill("SIGSTOP");
  const queued = Array.from({ length: 4 }, () => connect(port, "127.0.0.1").on("error", () => {}));
  await sleep(100);
  const silent = await startProxy({
    upstream: `127.0.0.1:${port}`,
    args: [...QUIET, "--connect-timeout", "300ms"],
  });
  expect(await (await client(silent.port)).over).toBe("ECONNRESET");
  expect(await summary(silent)).toMatchObject({ accepted: 1, connected: 0, failed: { timeout: 1 } });
  for (const socket of queued) socket.destroy();
  stopped.kill("SIGKILL");
});

test("SIGTERM: who is there may finish, nobody else comes in, and the summary ends with status 0", async () => {
  const proxy = await startProxy({ upstream, args: ["-q", "-o", "json", "--drain", "20s"] });
  const there = await client(proxy.port);
  proxy.process.kill("SIGTERM");
  await until(() => proxy.stderr().includes("no new connections"), "the drain");
  expect(await (await client(proxy.port)).over).toBe("ECONNREFUSED");
  there.socket.write("NOOP\r\n");
  await until(() => there.text().includes("250 fine"), "an answer while draining");
  there.socket.end();
  expect(await proxy.exited).toBe(0);
  expect(JSON.parse(proxy.stdout()).totals.dialogues).toBe(1);
});

test("a second signal ends now, with the summary", async () => {
  const proxy = await startProxy({ upstream, args: ["-q", "-o", "json", "--drain", "60s"] });
  const there = await client(proxy.port);
  proxy.process.kill("SIGINT");
  await until(() => proxy.stderr().includes("no new connections"), "the drain");
  proxy.process.kill("SIGINT");
  expect(await there.over).toBe("ECONNRESET");
  expect(await proxy.exited).toBe(0);
  expect(JSON.parse(proxy.stdout()).totals.dialogues).toBe(1);
});

test("--drain is the longest that it waits", async () => {
  const proxy = await startProxy({ upstream, args: ["-q", "-o", "json", "--drain", "300ms"] });
  const there = await client(proxy.port);
  proxy.process.kill("SIGTERM");
  expect(await there.over).toBe("ECONNRESET");
  expect(await proxy.exited).toBe(0);
});

test("--duration ends a run by itself", async () => {
  const proxy = await startProxy({ upstream, args: ["-q", "-o", "json", "--duration", "400ms"] });
  expect(await proxy.exited).toBe(0);
  expect(JSON.parse(proxy.stdout()).relay.accepted).toBe(0);
});

test("SIGHUP reads --config again; one that is wrong changes nothing; SIGUSR2 prints what there is", async () => {
  const config = join(folder, "proxy.json");
  writeFileSync(config, JSON.stringify({ "max-conn": 1 }));
  const proxy = await startProxy({ upstream, args: ["-q", "--drain", "50ms", "--config", config] });
  await client(proxy.port);
  expect((await client(proxy.port)).text()).toBe("");
  writeFileSync(config, JSON.stringify({ "max-conn": 2 }));
  proxy.process.kill("SIGHUP");
  await until(() => proxy.stderr().includes("read again"), "the configuration");
  expect((await client(proxy.port)).text()).toBe("220 hello\r\n");
  writeFileSync(config, '{"max-conn": "many"');
  proxy.process.kill("SIGHUP");
  await until(() => proxy.stderr().includes("nothing changes"), "the complaint");
  proxy.process.kill("SIGUSR2");
  await until(() => proxy.stdout().includes("Dialogues"), "the interim summary");
  expect(proxy.stdout()).toMatch(/3 connections, 2\s+of them open/);
  expect(await proxy.stop()).toBe(0);
});

test("what is to be compared with may be larger than a program's argument", async () => {
  const file = join(folder, "large.json");
  const HELP = Array.from({ length: 40 }, (_, i) => [`214-${i} ${"x".repeat(5_000)}\r\n`]);
  writeFileSync(
    file,
    JSON.stringify({
      kind: "smtpscope-reference",
      schema: 1,
      server: "mx:25",
      takenAt: null,
      replies: { HELP },
    }),
  );
  const proxy = await startProxy({
    upstream,
    args: ["-q", "-o", "json", "--drain", "50ms", "--reference", file],
  });
  expect((await client(proxy.port)).text()).toBe("220 hello\r\n");
  expect(await proxy.stop()).toBe(0);
  expect(JSON.parse(proxy.stdout()).relay).toMatchObject({ accepted: 1, observerRestarts: 0 });
});

test("SIGHUP takes the file as the start did: one network as text, numbers as text, the command line first", async () => {
  const config = join(folder, "again.json");
  const write = (value: object) => writeFileSync(config, JSON.stringify(value));
  write({ "max-conn": "7", allow: "192.0.2.0/24" });
  const proxy = await startProxy({
    upstream,
    args: ["-q", "--drain", "50ms", "--config", config, "--max-conn-per-client", "1"],
  });
  const again = async (word: string, times: number) => {
    proxy.process.kill("SIGHUP");
    await until(() => proxy.stderr().split(word).length > times, word);
  };
  expect((await client(proxy.port)).text()).toBe("");
  write({ "max-conn": "8", allow: "127.0.0.0/8", "max-conn-per-client": 5 });
  await again("read again", 1);
  expect((await client(proxy.port)).text()).toBe("220 hello\r\n");
  expect((await client(proxy.port)).text()).toBe("");
  write({ "max-con": 1 });
  await again("nothing changes", 1);
  write({ allow: ["192.0.2.0/24"] });
  await again("read again", 2);
  write({});
  await again("read again", 3);
  expect(proxy.stderr()).not.toContain("not a function");
  expect(await proxy.stop()).toBe(0);
});

test("SIGHUP from a terminal that goes away does not end it", async () => {
  const proxy = await startProxy({ upstream, args: QUIET });
  proxy.process.kill("SIGHUP");
  proxy.process.stdout!.destroy();
  await sleep(200);
  expect((await client(proxy.port)).text()).toBe("220 hello\r\n");
  expect(await proxy.stop()).toBe(0);
});

const MISTAKES: readonly (readonly [string, readonly string[], string])[] = [
  ["no upstream", ["-l", "2525"], "--upstream HOST:PORT"],
  ["no port", ["-l", "localhost", "-u", "mx:25"], "--listen takes a port or ADDRESS:PORT"],
  ["no port upstream", ["-l", "2525", "-u", "mx.example.net"], "--upstream takes HOST:PORT"],
  ["no such name", ["-l", "2525", "-u", "no-such-name.invalid:25"], "--upstream no-such-name.invalid"],
  ["onto itself", ["-l", "FREE", "-u", "localhost:FREE"], "is where the proxy itself listens"],
  [
    "not an address of this machine",
    ["-l", "192.0.2.77:2525", "-u", "127.0.0.1:25"],
    "this machine has no such address",
  ],
  ["no network", ["-l", "2525", "-u", "127.0.0.1:25", "--allow", "everybody"], "--allow takes networks"],
  ["no length of time", ["-l", "2525", "-u", "127.0.0.1:25", "--drain", "soon"], "--drain"],
  [
    "longer than a timer can be",
    ["-l", "2525", "-u", "127.0.0.1:25", "--connect-timeout", "25d"],
    '--connect-timeout: "25d" is too long; 24d is the most',
  ],
  [
    "more than there are descriptors",
    ["-l", "2525", "-u", "127.0.0.1:25", "--max-conn", "99999999"],
    "file descriptors",
  ],
  [
    "no configuration there",
    ["-l", "2525", "-u", "127.0.0.1:25", "--config", "/no/such/file"],
    "--config /no/such/file",
  ],
];

test.each(MISTAKES)("a mistake is one line and status 2: %s", async (_name, args, says) => {
  const free = String(await freePort());
  const { status, stdout, stderr } = await run(["proxy", ...args.map((arg) => arg.replace("FREE", free))]);
  expect(status).toBe(2);
  expect(stdout).toBe("");
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(stderr).toContain(says);
});
