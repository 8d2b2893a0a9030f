/**
 * The lab end to end: two quick scenarios with a real Postfix, read by tshark and by smtpscope.
 *
 * It needs root and Debian packages (see README.md here). Elsewhere it is
 * skipped and says why; under CI it must run, so there it fails instead.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { causesIn, firstClass } from "../diagnosis/labelled-set.ts";

const LAB = join(dirname(fileURLToPath(import.meta.url)), "lab.mjs");
const TIMEOUT_MS = 90_000;

function run(program: string, ...args: string[]) {
  const { pid, status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  return { pid, status, output: stdout ?? "", complaint: error?.message ?? stderr.trim() };
}

function whyNot(): string | undefined {
  const check = run(process.execPath, LAB, "--check");
  if (check.status !== 0) return check.complaint;
  if (run("tshark", "--version").status !== 0) return "the lab's test needs: apt-get install -y tshark";
  return undefined;
}

/** Reply codes of port 25, as the multiset a capture shows. */
function repliesIn(capture: string) {
  const fields = ["-T", "fields", "-e", "smtp.response.code"];
  const { output } = run("tshark", "-r", capture, "-Y", "smtp.response.code", ...fields);
  const counts: Record<string, number> = {};
  for (const code of output.split(/[\s,]+/).filter(Boolean)) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}

const reason = whyNot();
const mayRun = reason === undefined || Boolean(process.env.CI);

function inLab(title: string, play: (directory: string) => void | Promise<void>) {
  const skipped = mayRun ? "" : ` (skipped: ${reason})`;
  test.skipIf(!mayRun)(`${title}${skipped}`, { timeout: TIMEOUT_MS }, async () => {
    expect(reason, "under CI the lab has to run").toBeUndefined();
    const directory = mkdtempSync(join(tmpdir(), "smtpscope-lab-test-"));
    try {
      await play(directory);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
}

inLab("the healthy scenario leaves the dialogue on both sides of the firewall", (directory) => {
  const lab = run(process.execPath, LAB, "healthy", directory);
  expect(lab.status, lab.complaint).toBe(0);
  // Eight connections, eleven mails, and nothing refused.
  for (const side of ["client", "server"]) {
    const replies = repliesIn(join(directory, `healthy.${side}.pcap`));
    expect(replies).toMatchObject({ 220: 8, 221: 8, 354: 11 });
    expect(Object.keys(replies).sort()).toEqual(["220", "221", "250", "354"]);
  }
  expect(run("ip", "netns").output).not.toContain(`smtplab-${lab.pid}-`);
});

inLab("a fault is felt as its label says, and diagnosed from captures nobody has seen", async (directory) => {
  const name = "dnsbl-postfix";
  const lab = run(process.execPath, LAB, name, directory);
  expect(lab.status, lab.complaint).toBe(0);
  const label = JSON.parse(readFileSync(join(directory, `${name}.label.json`), "utf8"));
  const { injectedUs } = label.causes[0];
  const banners = label.sessions.flatMap(({ waits }: { waits: [string, number][] }) =>
    waits.filter(([phase]) => phase === "banner").map(([, us]) => us),
  );
  expect(banners.reduce((sum: number, us: number) => sum + us, 0)).toBeGreaterThanOrEqual(injectedUs);
  const [client, server] = await Promise.all(
    ["client", "server"].map((side) => causesIn(join(directory, `${name}.${side}.pcap`))),
  );
  // The lookups are in the server's capture, and prove it; the client's side cannot tell it from others.
  expect(firstClass(server!)).toEqual(["cause/dns-reputation"]);
  expect(server![0]!.explainedUs).toBeGreaterThan(0.9 * injectedUs);
  expect(server![0]!.explainedUs).toBeLessThan(1.1 * injectedUs);
  expect(firstClass(client!)).toEqual(expect.arrayContaining(["cause/dns-reputation", "cause/dns-ptr"]));
});
