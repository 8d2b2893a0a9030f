/**
 * Capture: tcpdump on both sides of the firewall.
 *
 * Two points of view of the same traffic tell a delay of the server from a
 * delay of the path, so every run leaves both files.
 */
import { join } from "node:path";
import { until } from "./commands.mjs";

export const SIDES = { client: "cli0", server: "srv0" };
// Port 113: a server that asks who is calling (ident).
const TRAFFIC = "tcp port 25 or tcp port 465 or tcp port 587 or tcp port 113 or port 53 or icmp";

/**
 * @param lab        the running laboratory
 * @param directory  where the files go
 * @param name       the files' stem
 * @param precision  "micro" or "nano": both kinds of pcap file exist, so both are shipped
 */
export async function startCaptures(lab, directory, name, precision = "micro") {
  const captures = Object.entries(SIDES).map(([side, port]) => {
    const file = join(directory, `${name}.${side}.pcap`);
    const child = lab.spawn("firewall", [
      "tcpdump",
      ...["-i", port, "-n", "-s", "0", "-U", "--immediate-mode", "-Z", "root"],
      ...["--time-stamp-precision", precision, "-w", file, TRAFFIC],
    ]);
    return { side, file, child, output: lab.outputOf(child) };
  });
  for (const { side, output } of captures) {
    await until(`tcpdump on the ${side} side`, () => output().includes("listening on"));
  }
  return captures;
}

export async function stopCaptures(captures) {
  const hasEnded = ({ child }) => child.exitCode !== null || child.signalCode !== null;
  if (captures.some(hasEnded)) throw new Error("tcpdump ended before the run did");
  await Promise.all(
    captures.map(({ child }) => {
      const ended = new Promise((done) => child.once("exit", done));
      child.kill("SIGINT");
      return ended;
    }),
  );
  return Object.fromEntries(captures.map(({ side, file }) => [side, file]));
}
