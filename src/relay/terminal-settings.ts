import { spawn, spawnSync } from "node:child_process";

/**
 * The settings (termios) of the terminal that relay and observer share. A screen that is killed cannot put
 * them back, and this process cannot by its own means: it never changed them.
 */

/** As `stty` writes them; null where there is no terminal, or no stty. */
export function terminalSettings(): string | null {
  const { status, stdout } = spawnSync("stty", ["-g"], {
    stdio: ["inherit", "pipe", "ignore"],
    encoding: "utf8",
  });
  return status === 0 ? stdout.trim() : null;
}

/** Not waited for: mail flows meanwhile. */
export function restoreSettings(settings: string): void {
  try {
    spawn("stty", [settings], { stdio: ["inherit", "ignore", "ignore"] }).on("error", () => {});
  } catch {
    // A host without memory; the terminal is the least of its troubles.
  }
}
