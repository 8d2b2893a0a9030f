/** The systemd units, as systemd reads them. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { run } from "./support/program.ts";

const UNITS = fileURLToPath(new URL("../../packaging/", import.meta.url));
const isThere = run(["sh", "-c", "command -v systemd-analyze"]).status === 0;
const mayRun = isThere || Boolean(process.env.CI);

test.skipIf(!mayRun)(`systemd-analyze has no complaint${mayRun ? "" : " (skipped: needs systemd)"}`, () => {
  const directory = mkdtempSync(join(tmpdir(), "smtpscope-units-"));
  try {
    cpSync(UNITS, directory, { recursive: true });
    const units = readdirSync(directory)
      .filter((name) => /\.(service|socket)$/.test(name))
      .map((name) => join(directory, name));
    expect(units).toHaveLength(3);
    // Where it is installed is not where it is tested.
    for (const unit of units)
      writeFileSync(unit, readFileSync(unit, "utf8").replaceAll("/usr/local/bin/smtpscope", "/bin/true"));
    expect(run(["systemd-analyze", "verify", ...units])).toEqual({ status: 0, output: "", complaint: "" });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
