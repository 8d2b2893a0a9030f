import { type ChildProcessByStdio, spawn } from "node:child_process";
import { networkInterfaces } from "node:os";
import type { Readable } from "node:stream";
import { SmtpscopeError } from "../../spine/errors.ts";
import type { LiveStream } from "./live-stream.ts";

/**
 * Captures from an interface by tcpdump, or by dumpcap where there is no tcpdump: Node has no raw
 * sockets, and these two have the rights, the buffers and the counts of what was lost.
 */

/** Who captures. To add one: its arguments, and what it says of losses when it ends. */
interface Tool {
  readonly name: string;
  args(interfaceName: string, filter: string, user: string | null): string[];
  readonly dropped: RegExp;
}

/** The kernel keeps so much for a reader that is late: the default lost packets at a thousand messages a second. */
const BUFFER_KIB = 32_768;

const TOOLS: readonly Tool[] = [
  {
    name: "tcpdump",
    // --immediate-mode: else packets wait up to a second for a block to fill.
    args: (interfaceName, filter, user) => [
      ...["-i", interfaceName, "-n", "-U", "--immediate-mode", "-s", "262144", "-B", String(BUFFER_KIB)],
      ...["--time-stamp-precision=nano", ...(user === null ? [] : ["-Z", user]), "-w", "-", filter],
    ],
    dropped: /^(\d+) packets? dropped by/gm,
  },
  {
    name: "dumpcap",
    args: (interfaceName, filter) => [
      ...[
        "-q",
        "-i",
        interfaceName,
        "-s",
        "262144",
        "-B",
        String(BUFFER_KIB / 1024),
        "-w",
        "-",
        "-f",
        filter,
      ],
    ],
    dropped: /received\/dropped on interface .*?: \d+\/(\d+)/g,
  },
];

/** Mail, and what a mail server asks before it answers: name servers, ident. In a VLAN as well. */
export function captureFilter(ports: readonly number[]): string {
  const mail = [...new Set(ports)].map((port) => `tcp port ${port}`).join(" or ");
  const wanted = `${mail} or port 53 or tcp port 113`;
  return `(${wanted}) or (vlan and (${wanted}))`;
}

/**
 * @param user whom the capturing process becomes once it has opened the interface; null: nobody else
 * @throws SmtpscopeError when nothing can be captured there, saying what to do
 */
export async function tap(interfaceName: string, filter: string, user: string | null): Promise<LiveStream> {
  if (interfaceName.startsWith("-"))
    throw new SmtpscopeError("usage", `-i takes an interface, not "${interfaceName}"`);
  for (const tool of TOOLS) {
    const started = await begin(tool, interfaceName, filter, user);
    if (started !== null) return started;
  }
  throw new SmtpscopeError(
    "unreadable",
    "-i needs tcpdump or dumpcap, and neither is installed (Debian: apt-get install tcpdump)",
  );
}

/** @returns null when the tool is not installed */
function begin(
  tool: Tool,
  interfaceName: string,
  filter: string,
  user: string | null,
): Promise<LiveStream | null> {
  // A group of its own would spare it the terminal's Ctrl-C; it is welcome to end by that, properly.
  const child = spawn(tool.name, tool.args(interfaceName, filter, user), {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (text: Buffer) => {
    said = (said + text.toString("latin1")).slice(-MAX_SAID);
  });
  return new Promise((resolve, reject) => {
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") resolve(null);
      else reject(new SmtpscopeError("unreadable", `${tool.name} cannot be started: ${error.message}`));
    });
    // The header of the capture comes at once, or none at all.
    child.stdout.once("data", (first: Buffer) => {
      child.stdout.pause().unshift(first);
      resolve(streamOf(tool, child, interfaceName, () => said));
    });
    child.on("close", () => reject(new SmtpscopeError("unreadable", refusal(tool, interfaceName, said))));
  });
}

const MAX_SAID = 4_096;

function streamOf(
  tool: Tool,
  child: ChildProcessByStdio<null, Readable, Readable>,
  interfaceName: string,
  said: () => string,
): LiveStream {
  return {
    name: interfaceName,
    stream: child.stdout,
    dropped: () => [...said().matchAll(tool.dropped)].reduce((sum, match) => sum + Number(match[1]), 0),
    stop: () => {
      // It may have another user by now; then it ends when nobody reads it any more.
      if (!child.kill("SIGINT") && child.exitCode === null) child.stdout.destroy();
    },
  };
}

function refusal(tool: Tool, interfaceName: string, said: string): string {
  if (/permission|not permitted/i.test(said)) {
    return (
      `no right to capture on ${interfaceName}: run as root, or let ${tool.name} capture ` +
      `(setcap cap_net_raw,cap_net_admin=eip $(command -v ${tool.name}))`
    );
  }
  if (/no such device|doesn't exist|no interface/i.test(said)) {
    return `there is no interface "${interfaceName}"; there are ${[...Object.keys(networkInterfaces()), "any"].join(", ")}`;
  }
  const last = said.trim().split("\n").at(-1) ?? "";
  return `${tool.name} cannot capture on ${interfaceName}: ${last === "" ? "it gave no reason" : last}`;
}
