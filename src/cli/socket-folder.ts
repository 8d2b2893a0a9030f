import { mkdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Where running proxies keep the sockets that attach finds. Only the operator's own: nobody else may
 * put a socket in our place.
 * @throws Error
 */
export function socketFolder(): string {
  const { XDG_RUNTIME_DIR } = process.env;
  const folder = XDG_RUNTIME_DIR
    ? join(XDG_RUNTIME_DIR, "smtpscope")
    : join(tmpdir(), `smtpscope-${process.getuid?.() ?? 0}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = statSync(folder);
  if (uid !== (process.getuid?.() ?? uid) || (mode & 0o077) !== 0) {
    throw new Error(`${folder} is not this user's alone; name another place with --socket`);
  }
  return folder;
}
