import { readFileSync } from "node:fs";

/** Who captures and reads when root has opened the interface: what comes from there is hostile. */
const USERS = ["tcpdump", "nobody"];

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** @returns null where there is no need (not root), or nobody to become */
function account(): Account | null {
  if (process.getuid?.() !== 0) return null;
  try {
    const accounts = readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .map((line) => line.split(":"))
      .map(([name = "", , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }));
    for (const user of USERS) {
      const found = accounts.find(({ name }) => name === user);
      if (found !== undefined) return found;
    }
  } catch {
    // Without a list of users root stays root, as tcpdump would.
  }
  return null;
}

/** The name for tcpdump's -Z. */
export function captureUser(): string | null {
  return account()?.name ?? null;
}

/** This process becomes that user too. What is opened already stays open; nothing else can be any more. */
export function giveUpRoot(): void {
  const user = account();
  if (user === null) return;
  process.setgroups?.([]);
  process.setgid?.(user.gid);
  process.setuid?.(user.uid);
}
