import { lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SmtpscopeError } from "../spine/errors.ts";

/**
 * Where running proxies keep the sockets that attach finds. Only the operator's own: nobody else may
 * put a socket in our place.
 * @throws SmtpscopeError
 */
export function socketFolder(): string {
  const { XDG_RUNTIME_DIR } = process.env;
  const folder = XDG_RUNTIME_DIR
    ? join(XDG_RUNTIME_DIR, "smtpscope")
    : join(tmpdir(), `smtpscope-${process.getuid?.() ?? 0}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw notUsable(folder, `cannot be made (${(error as NodeJS.ErrnoException).code})`);
  }
  // Not through a link: it could lead to a folder of ours that is for something else.
  const { uid, mode } = lstatSync(folder);
  if (uid !== (process.getuid?.() ?? uid) || (mode & 0o077) !== 0)
    throw notUsable(folder, "is not this user's alone");
  return folder;
}

function notUsable(folder: string, why: string): SmtpscopeError {
  return new SmtpscopeError(
    "usage",
    `${folder} ${why}: name the socket (attach PATH, else --socket PATH), or set XDG_RUNTIME_DIR`,
  );
}
