/**
 * Run by native.test.ts as one user or another, inside a network namespace of its own where `lo` is up and
 * `to` is redirected to the port this listens on. Prints what happened, as JSON.
 *
 *     probe.mjs redirect ADDRESS LISTEN | spoof ADDRESS TO | transparent LISTEN | drop USER keep|all
 */
import { readdirSync, readFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { fdOf, unconnectedSocket } from "../../../src/relay/native/handles.ts";
import { type Native, openNative } from "../../../src/relay/native/native.ts";
import { dropPrivileges, mayBeTransparent } from "../../../src/relay/native/privileges.ts";
import { SmtpscopeError } from "../../../src/spine/errors.ts";

const PORT = 2525;

async function accepted(listenOn: string, client: () => Socket): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const server = createServer(resolve).listen(PORT, listenOn, () => {
      client().on("error", reject);
    });
    server.on("error", reject);
  });
}

function capabilities(): Record<string, number> {
  const found: Record<string, number> = {};
  for (const task of readdirSync("/proc/self/task")) {
    const status = readFileSync(`/proc/self/task/${task}/status`, "utf8");
    const effective = /^CapEff:\s*(\S+)/m.exec(status)![1]!;
    const uids = /^Uid:\s*(.*)/m.exec(status)![1]!.replaceAll("\t", ",");
    const key = `${Number.parseInt(task, 10) === process.pid ? "main" : "others"} ${uids} ${effective}`;
    found[key] = (found[key] ?? 0) + 1;
  }
  return found;
}

const PROBES: Record<string, (native: Native, a: string, b: string) => Promise<unknown>> = {
  async redirect(native, address, listenOn) {
    const socket = await accepted(listenOn, () => connect(25, address));
    const family = address.includes(":") ? 6 : 4;
    return native.originalDestination(fdOf(socket)!, family);
  },
  async spoof(native, address, to) {
    const fd = native.spoofedSocket(address);
    if (fd < 0) return { errno: -fd };
    const socket = await accepted(to, () => unconnectedSocket(fd).connect(PORT, to));
    return { from: socket.remoteAddress };
  },
  async transparent(native, listenOn) {
    const server = createServer().listen(PORT, listenOn);
    await new Promise((resolve) => server.once("listening", resolve));
    const family = listenOn.includes(":") ? 6 : 4;
    const fd = fdOf(server)!;
    const before = native.isTransparent(fd, family);
    const errno = native.setTransparent(fd, family);
    const after = [native.isTransparent(fd, family), family === 6 && native.isTransparent(fd, 4)];
    return { before, errno, after, may: mayBeTransparent(native) };
  },
  async drop(native, user, keep) {
    dropPrivileges(user, keep === "keep" ? native : null);
    let regained = true;
    try {
      process.setuid!(0);
    } catch {
      regained = false;
    }
    const spoofed = native.spoofedSocket("203.0.113.9");
    const ids = [process.getuid!(), process.geteuid!(), process.getgid!(), process.getegid!()];
    return { ids, groups: process.getgroups!(), regained, spoofed, threads: capabilities() };
  },
};

const [name, a, b] = process.argv.slice(2);
const native = await openNative();
try {
  if (typeof native === "string") throw new SmtpscopeError("usage", native);
  const result = await PROBES[name!]!(native, a!, b ?? "");
  process.stdout.write(JSON.stringify(result), () => process.exit(0));
} catch (error) {
  if (!(error instanceof SmtpscopeError)) throw error;
  process.stderr.write(error.message, () => process.exit(2));
}
