import { execFileSync } from "node:child_process";

/** Tests of the command run what a user runs: the built program. */
export function setup(): void {
  execFileSync("npm", ["run", "--silent", "build"], { stdio: "inherit" });
}
