/** Where koffi is not installed: what needs it says so in one line, the rest works. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "./support/program.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
let program: string;
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "smtpscope-without-"));
  for (const name of ["bin", "dist", "package.json"])
    cpSync(join(ROOT, name), join(directory, name), { recursive: true });
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  mkdirSync(join(directory, "node_modules"));
  for (const name of Object.keys(dependencies))
    symlinkSync(join(ROOT, "node_modules", name), join(directory, "node_modules", name));
  expect(readdirSync(join(directory, "node_modules"))).not.toContain("koffi");
  program = join(directory, "bin/smtpscope");
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

const smtpscope = (...args: string[]) => run([process.execPath, program, ...args]);
const ABSENT = "the package koffi is not installed (npm install koffi)";

test.each([
  [["--mode", "redirect"], "--mode redirect"],
  [["--mode", "tproxy"], "--source client"],
  [["--mode", "tproxy", "--source", "own"], "--mode tproxy"],
  [["-u", "127.0.0.1:26", "--source", "client"], "--source client"],
])("proxy %o says what is missing", (args, needing) => {
  expect(smtpscope("proxy", "-l", "2599", ...args)).toEqual({
    status: 2,
    output: "",
    complaint: `smtpscope: ${needing} can't work: ${ABSENT}`,
  });
});

test("explicit mode works", () => {
  const upstream = "127.0.0.1:26";
  const { status, complaint } = smtpscope(
    "proxy",
    "-l",
    "2598",
    "-u",
    upstream,
    "--duration",
    "1s",
    "--socket",
    "none",
  );
  expect([status, complaint.split("\n")[0]]).toEqual([
    0,
    `smtpscope: listening on 127.0.0.1:2598, relaying to ${upstream}`,
  ]);
});

test("rules are printed, and doctor says what is missing", () => {
  expect(smtpscope("proxy", "-l", "2599", "--mode", "redirect", "--print-rules").output).toContain(
    "redirect to :2599",
  );
  const { status, output } = smtpscope("doctor", "-l", "2599", "--mode", "redirect");
  expect(status).toBe(1);
  expect(output).toMatch(new RegExp(`^MISSING +koffi +${ABSENT.replaceAll(/[()]/g, "\\$&")}$`, "m"));
  expect(output).toMatch(/^npm install koffi$/m);
});
