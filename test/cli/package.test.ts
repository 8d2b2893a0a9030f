/** What `npm pack` makes runs when it is installed elsewhere, and brings its types. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { TOUR } from "./support/captures.ts";
import { ROOT, workFolder } from "./support/run.ts";

const folder = workFolder();
const target = join(folder, "elsewhere");
let files: string[] = [];
let installed = false;

beforeAll(() => {
  // Built already; the scripts would build it again while other tests run it.
  const packed = execFileSync("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], {
    cwd: ROOT,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [tarball] = JSON.parse(packed) as [{ filename: string; files: { path: string }[] }];
  files = tarball.files.map(({ path }) => path);
  mkdirSync(target);
  writeFileSync(join(target, "package.json"), '{"name":"elsewhere","private":true,"type":"module"}');
  const npm = ["install", "--no-audit", "--no-fund", "--prefer-offline", join(folder, tarball.filename)];
  const { status, stderr } = spawnSync("npm", npm, { cwd: target, encoding: "utf8", timeout: 45_000 });
  installed = status === 0;
  if (!installed)
    console.warn(`the tarball's dependencies cannot be had here, so it is not run: ${stderr.slice(0, 300)}`);
}, 60_000);

function licenceFile(name: string): string {
  return readdirSync(join(ROOT, "node_modules", name)).find((file) => /^licen[cs]e/i.test(file))!;
}

describe("the tarball", () => {
  test("holds the program, its types, its captures, and no tests or sources", () => {
    for (const path of [
      "bin/smtpscope",
      "dist/cli/main.js",
      "dist/index.js",
      "dist/index.d.ts",
      TOUR,
      "README.md",
      "LICENSE",
      "dist/LICENSES.txt",
      "packaging/smtpscope-proxy.service",
    ])
      expect(files, path).toContain(path);
    expect(files.filter((path) => /^(src|test|bench|node_modules|\.ci)\//.test(path))).toEqual([]);
  });

  test("has the licence of every package whose code is in it", () => {
    const texts = readFileSync(join(ROOT, "dist/LICENSES.txt"), "utf8");
    for (const name of ["yargs", "yargs-parser", "hdr-histogram-js", "fzstd"]) {
      const { version } = JSON.parse(readFileSync(join(ROOT, "node_modules", name, "package.json"), "utf8"));
      expect(texts).toContain(`\n${name} ${version} (`);
      expect(texts).toContain(
        readFileSync(join(ROOT, "node_modules", name, licenceFile(name)), "utf8").trim(),
      );
    }
    const bundled = readdirSync(join(ROOT, "dist"), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".js"))
      .map((path) => readFileSync(join(ROOT, "dist", path), "utf8"))
      .join("\n");
    // esbuild says above each file where it is from.
    const names = [...bundled.matchAll(/^\s*\/\/ node_modules\/((?:@[^/]+\/)?[^/]+)\//gm)].map(
      ([, name]) => name!,
    );
    expect(new Set(names).size).toBeGreaterThan(5);
    for (const name of new Set(names)) expect(texts, name).toContain(`\n${name} `);
  });

  test("runs when it is installed elsewhere", ({ skip }) => {
    if (!installed) skip("no registry");
    const command = join(target, "node_modules/.bin/smtpscope");
    const run = (...args: string[]) => spawnSync(command, args, { cwd: target, encoding: "utf8" });
    const capture = join("node_modules/smtpscope", TOUR);
    const outcome = run("replay", capture);
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
    expect(outcome.stdout).toContain(`Source     ${capture} (pcap; 1,114 packets,`);
    // Several files: threads find their code there too.
    expect(
      run("replay", capture, join("node_modules/smtpscope/captures/healthy.pcap"), "-o", "json"),
    ).toMatchObject({ status: 0, stderr: "" });
  });

  test("is imported, and its types hold under a strict compiler", ({ skip }) => {
    if (!installed) skip("no registry");
    expect(existsSync(join(target, "node_modules/smtpscope/dist/index.d.ts"))).toBe(true);
    writeFileSync(
      join(target, "consumer.ts"),
      `import * as smtpscope from "smtpscope";
export const names: string[] = Object.keys(smtpscope);
// @ts-expect-error there is no such export
export const missing = smtpscope.thereIsNoSuchExport;
console.log(names.length);
`,
    );
    const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
    const options = [
      "--strict",
      "--module",
      "nodenext",
      "--target",
      "es2023",
      "--types",
      "node",
      "--typeRoots",
    ];
    const compiled = spawnSync(
      process.execPath,
      [compiler, ...options, join(ROOT, "node_modules/@types"), "consumer.ts"],
      { cwd: target, encoding: "utf8" },
    );
    expect(compiled.stdout).toBe("");
    expect(compiled.status).toBe(0);
    const ran = spawnSync(process.execPath, ["consumer.js"], { cwd: target, encoding: "utf8" });
    expect(ran.stderr).toBe("");
    expect(Number(ran.stdout)).toBeGreaterThan(0);
    expect(Number(ran.stdout)).toBeLessThanOrEqual(25);
  });
});
