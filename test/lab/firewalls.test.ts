/**
 * Firewalls of the lab between real servers and real clients: `diff` finds everything that they say they changed,
 * and nothing else.
 *
 * It needs root and Debian packages (see README.md here). Elsewhere it is
 * skipped and says why; under CI it must run, so there it fails instead.
 */
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ChangeView, DiffReport } from "../../src/spine/diff-report.ts";
import { ROOT, run } from "../cli/support/run.ts";

const LAB = join(ROOT, "test/lab/lab.mjs");
const TIMEOUT_MS = 150_000;
/** A run mostly waits for servers to start. */
const RUNS_AT_ONCE = 4;

/** Each kind of device, with either server: the rest of the table (`lab --list`) differs in details. */
const SCENARIOS = ["none", "asa-nat", "pix", "striptls", "interception", "length-changing", "tls"];

interface Truth {
  readonly from: "client" | "server" | "message" | "tls";
  readonly before: string | null;
  readonly after: string | null;
}

const check = spawnSync(process.execPath, [LAB, "--check"], { encoding: "utf8" });
const reason = check.status === 0 ? undefined : check.stderr.trim();
const mayRun = reason === undefined || Boolean(process.env.CI);

describe.skipIf(!mayRun)(`firewalls${mayRun ? "" : ` (skipped: ${reason})`}`, () => {
  const directory = mkdtempSync(join(tmpdir(), "smtpscope-firewalls-test-"));
  const root = join(directory, "root");
  const truths = new Map<string, Truth[]>();
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  beforeAll(async () => {
    expect(reason, "under CI the lab has to run").toBeUndefined();
    // The servers are unpacked once for all runs.
    const unpack = `const p = await import("./test/lab/packages.mjs"); p.unpackPackages(p.fetchPackages(), ${JSON.stringify(root)});`;
    await promisify(execFile)(process.execPath, ["--input-type=module", "-e", unpack], { cwd: ROOT });
    const waiting = [...SCENARIOS];
    const worker = async () => {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift())
        truths.set(name, await play(name));
    };
    await Promise.all(Array.from({ length: RUNS_AT_ONCE }, worker));
  }, TIMEOUT_MS);

  async function play(name: string): Promise<Truth[]> {
    const { stdout } = await promisify(execFile)(process.execPath, [LAB, `firewall-${name}`, directory], {
      timeout: TIMEOUT_MS,
      env: { ...process.env, SMTPSCOPE_LAB_ROOT: root },
    });
    return stdout
      .split("\n")
      .filter((line) => line.startsWith('{"truth"'))
      .map((line) => JSON.parse(line).truth);
  }

  test.each(SCENARIOS)("%s", async (name) => {
    const file = (side: string) => join(directory, `firewall-${name}.${side}.pcap`);
    const { stdout } = await run(["diff", file("server"), file("client"), "-o", "json"]);
    const report = JSON.parse(stdout) as DiffReport;
    const truth = truths.get(name)!;

    expect(report.matched.dialogues).toBe(report.inside.dialogues);
    expect(report.matched.dialogues).toBe(report.outside.dialogues);
    expect(report.servers.outside).toBe(0);
    // Both captures are made by one kernel: its clock differs from itself by nothing.
    expect(Math.abs(report.clock!.offsetUs)).toBeLessThanOrEqual(report.clock!.uncertaintyUs);
    expect(report.clock!.agreeing).toBe(report.clock!.asked);

    const lines = (from: Truth["from"]) => truth.filter((each) => each.from === from);
    const changed = (part: ChangeView["part"]) =>
      report.changes.filter((each) => each.part === part && !each.kinds.includes("answered-on-path"));
    const times = (part: ChangeView["part"]) => changed(part).reduce((sum, each) => sum + each.times, 0);
    expect({
      replies: times("reply"),
      commands: times("command"),
      messages: times("message"),
      secrets: times("secret"),
      encrypted: times("encrypted"),
    }).toEqual({
      replies: lines("server").length,
      commands: lines("client").length,
      messages: lines("message").length,
      secrets: 0,
      encrypted: 2 * lines("tls").length,
    });
    for (const part of ["reply", "command"] as const) {
      const said = lines(part === "reply" ? "server" : "client").map(({ before, after }) => [
        bare(before),
        bare(after),
      ]);
      for (const { variants } of changed(part)) {
        for (const { before, after } of variants) expect(said).toContainEqual([bare(before), bare(after)]);
      }
    }
    const answered = report.changes.filter(({ kinds }) => kinds.includes("answered-on-path"));
    const early = name === "interception" ? [["banner", report.matched.dialogues]] : [];
    expect(answered.map(({ phase, dialogues }) => [phase, dialogues])).toEqual(early);
    expect(report.findings.every(({ basis }) => basis === "seen")).toBe(true);
  });
});

/** Without code, separator and line end, as the devices' logs and `diff` show them differently. */
function bare(line: string | null): string | null {
  return (
    line
      ?.replace(/(?:\\r)?\\n$/, "")
      .replace(/^\d{3}[ -]/, "")
      .trimEnd() ?? null
  );
}
