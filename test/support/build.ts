import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const root = new URL("../../", import.meta.url).pathname;

/** Tests of the command run what a user runs: the built program, built anew if a source is newer. */
export function setup(): void {
  const built = statSync(join(root, "dist/cli/main.js"), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const newest = Math.max(
    ...readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).map(
      (name) => statSync(join(root, "src", name)).mtimeMs,
    ),
  );
  if (built < newest) execFileSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: "inherit" });
}
