import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import type { Readable } from "node:stream";
import { SmtpscopeError } from "../../spine/errors.ts";
import type { LiveStream } from "./live-stream.ts";

/**
 * Captures from an interface by tcpdump, or by dumpcap where there is no tcpdump: Node has no raw
 * sockets, and these two have the rights, the buffers and the counts of what was lost.
 */

/** Who captures. To add one: how it is started, and what it says of losses when it ends. */
interface Tool {
  readonly name: string;
  command(interfaceName: string, filter: string, user: string | null): [string, ...string[]];
  readonly dropped: RegExp;
}

/** The kernel keeps so much for a reader that is late: the default lost packets at a thousand messages a second. */
const BUFFER_KIB = 32_768;

const SNAP_BYTES = "262144";

/** dumpcap keeps root's rights if it is given them: it is started with no others than it needs. */
const CAPTURE_RIGHTS = "+net_raw,+net_admin";

const TOOLS: readonly Tool[] = [
  {
    name: "tcpdump",
    // --immediate-mode: else packets wait up to a second for a block to fill.
    command: (interfaceName, filter, user) => [
      ...(["tcpdump", "-i", interfaceName, "-n", "-U", "--immediate-mode"] as const),
      ...["-s", SNAP_BYTES, "-B", String(BUFFER_KIB), "--time-stamp-precision=nano"],
      ...[...(user === null ? [] : ["-Z", user]), "-w", "-", filter],
    ],
    dropped: /^(\d+) packets? dropped by/gm,
  },
  {
    name: "dumpcap",
    command: (interfaceName, filter, user) => {
      const capture = [
        ...(["dumpcap", "-q", "-i", interfaceName, "-s", SNAP_BYTES] as const),
        ...["-B", String(BUFFER_KIB / 1024), "-w", "-", "-f", filter],
      ] as const;
      if (user === null) return [...capture];
      return [
        ...(["setpriv", `--reuid=${user}`, `--regid=${user}`, "--init-groups"] as const),
        ...[`--inh-caps=${CAPTURE_RIGHTS}`, `--ambient-caps=${CAPTURE_RIGHTS}`, "--", ...capture],
      ];
    },
    dropped: /received\/dropped on interface .*?: \d+\/(\d+)/g,
  },
];

/**
 * Mail, and what a mail server asks before it answers: name servers, ident. In a VLAN as well, if the
 * interface can have one: the second is for those that can't.
 */
export function captureFilters(ports: readonly number[]): readonly [string, string] {
  const mail = [...new Set(ports)].map((port) => `tcp port ${port}`).join(" or ");
  const wanted = `${mail} or port 53 or tcp port 113`;
  return [`(${wanted}) or (vlan and (${wanted}))`, wanted];
}

/**
 * @param filters the first that the interface can do is used
 * @param user whom the capturing process becomes once it has opened the interface; null: nobody else
 * @throws SmtpscopeError when nothing can be captured there, saying what to do
 */
export async function tap(
  interfaceName: string,
  filters: readonly string[],
  user: string | null,
): Promise<LiveStream> {
  if (interfaceName.startsWith("-"))
    throw new SmtpscopeError("usage", `-i takes an interface, not "${interfaceName}"`);
  for (const tool of TOOLS) {
    for (const filter of filters) {
      const started = await begin(tool, interfaceName, filter, user);
      if (started === "not installed") break;
      if (typeof started === "object") return started;
      if (filter === filters.at(-1) || !/no VLAN support/i.test(started))
        throw new SmtpscopeError("unreadable", refusal(tool, interfaceName, started));
    }
  }
  throw new SmtpscopeError(
    "unreadable",
    "-i needs tcpdump or dumpcap, and neither is installed (Debian: apt-get install tcpdump)",
  );
}

/** @returns what it said when it ended at once */
function begin(
  tool: Tool,
  interfaceName: string,
  filter: string,
  user: string | null,
): Promise<LiveStream | "not installed" | string> {
  const [program, ...args] = tool.command(interfaceName, filter, user);
  // A group of its own would spare it the terminal's Ctrl-C; it is welcome to end by that, properly.
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (text: Buffer) => {
    said = (said + text.toString("latin1")).slice(-MAX_SAID);
  });
  return new Promise((resolve) => {
    child.on("error", ({ code, message }: NodeJS.ErrnoException) =>
      resolve(code === "ENOENT" ? "not installed" : message),
    );
    // The header of the capture comes at once, or none at all.
    child.stdout.once("data", (first: Buffer) => {
      child.stdout.pause().unshift(first);
      resolve(streamOf(tool, child, interfaceName, () => said));
    });
    child.on("close", () => resolve(/failed to execute .*No such file/.test(said) ? "not installed" : said));
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
    return `there is no interface "${interfaceName}"; there are ${interfacesBy(tool).join(", ")}`;
  }
  const last = said.trim().split("\n").at(-1) ?? "";
  return `${tool.name} cannot capture on ${interfaceName}: ${last === "" ? "it gave no reason" : last}`;
}

/** What is listed beside network interfaces. */
const NO_NETWORK =
  /^(?:nflog|nfqueue|bluetooth|dbus|usbmon|ciscodump|randpkt|sdjournal|sshdump|udpdump|dpauxmon)/;

/** Those of a mirror port have no address, so Node does not know them. */
function interfacesBy({ name }: Tool): string[] {
  const { stdout } = spawnSync(name, ["-D"], { encoding: "latin1" });
  return [...stdout.matchAll(/^\d+\.\s?(\S+)/gm)]
    .map(([, found]) => found!)
    .filter((found) => !NO_NETWORK.test(found));
}
