/**
 * The lab end to end: one quick scenario with a real Postfix, both captures read by tshark.
 *
 * It needs root and Debian packages (see README.md here). Elsewhere it is
 * skipped and says why; under CI it must run, so there it fails instead.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

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

test.skipIf(!mayRun)(
  `the healthy scenario leaves the dialogue on both sides of the firewall${mayRun ? "" : ` (skipped: ${reason})`}`,
  { timeout: TIMEOUT_MS },
  () => {
    expect(reason, "under CI the lab has to run").toBeUndefined();
    const directory = mkdtempSync(join(tmpdir(), "smtpscope-lab-test-"));
    try {
      const lab = run(process.execPath, LAB, "healthy", directory);
      expect(lab.status, lab.complaint).toBe(0);
      // Eight connections, eleven mails, and nothing refused.
      for (const side of ["client", "server"]) {
        const replies = repliesIn(join(directory, `healthy.${side}.pcap`));
        expect(replies).toMatchObject({ 220: 8, 221: 8, 354: 11 });
        expect(Object.keys(replies).sort()).toEqual(["220", "221", "250", "354"]);
      }
      expect(run("ip", "netns").output).not.toContain(`smtplab-${lab.pid}-`);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
);
