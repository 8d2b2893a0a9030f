/**
 * Giving up root once the ports are bound, and what is left of it.
 *
 * Linux keeps capabilities by thread. Changing user from root clears them all, except in a thread that
 * asked with PR_SET_KEEPCAPS; Node's `setuid` changes every thread, and only the thread that calls asks
 * here. So the relay's own thread keeps the one capability, and the pool's and V8's threads, which open
 * no sockets, keep none. Without koffi nothing can be kept.
 */
import { userInfo } from "node:os";
import { SmtpscopeError } from "../../spine/errors.ts";
import { errorName, type Native } from "./native.ts";

/** The weakest capability that lets a socket carry another host's address (IP_TRANSPARENT). */
const CAP_NET_RAW = 13;
const CAP_NET_ADMIN = 12;
const PR_SET_KEEPCAPS = 8;
const PR_SET_NO_NEW_PRIVS = 38;
const LINUX_CAPABILITY_VERSION_3 = 0x2008_0522;

/** Whether this thread may make sockets transparent. */
export function mayBeTransparent(native: Native): boolean {
  const effective = capabilitiesOf(native)[0]!;
  return (effective & ((1 << CAP_NET_RAW) | (1 << CAP_NET_ADMIN))) !== 0;
}

/**
 * Becomes `user` for good, with the user's groups; from a thread of its own process's main thread only.
 * @param keeping what to keep CAP_NET_RAW with, or null to keep nothing
 * @throws SmtpscopeError when there is no such user, or this process may not become it
 */
export function dropPrivileges(user: string, keeping: Native | null): void {
  const { uid, gid, name } = accountOf(user);
  keeping?.libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
  try {
    (process as ProcessWithGroups).initgroups(name, gid);
    process.setgid!(gid);
    process.setuid!(uid);
  } catch (error) {
    throw new SmtpscopeError("usage", `--user ${user}: ${(error as Error).message}; start as that user`);
  }
  if (keeping !== null) keepOnly(keeping, CAP_NET_RAW);
}

/** Node has it; its types forget it. */
type ProcessWithGroups = NodeJS.Process & { initgroups(user: string, extraGroup: number): void };

export function accountOf(user: string): { uid: number; gid: number; name: string } {
  if (process.geteuid?.() !== 0) {
    throw new SmtpscopeError(
      "usage",
      `--user ${user}: only root can become another user; start as that user`,
    );
  }
  try {
    // As that user for a moment: the one way Node has to ask for an account by name.
    process.seteuid!(/^\d+$/.test(user) ? Number(user) : user);
    try {
      const { uid, gid, username } = userInfo();
      return { uid, gid, name: username };
    } finally {
      process.seteuid!(0);
    }
  } catch {
    throw new SmtpscopeError("usage", `--user ${user}: there is no such user on this host`);
  }
}

function keepOnly(native: Native, capability: number): void {
  const kept = new Uint32Array(6);
  // Effective and permitted; inheritable nothing, so that programs started from here have none.
  kept[0] = kept[1] = 1 << capability;
  const header = new Uint32Array([LINUX_CAPABILITY_VERSION_3, 0]);
  if (native.libc.capset(header, kept) !== 0) {
    const why = errorName(native.libc.errno());
    throw new SmtpscopeError(
      "usage",
      `--user: CAP_NET_RAW can't be kept (${why}); start smtpscope by the systemd units in packaging/ instead`,
    );
  }
  native.libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

function capabilitiesOf(native: Native): Uint32Array {
  const data = new Uint32Array(6);
  native.libc.capget(new Uint32Array([LINUX_CAPABILITY_VERSION_3, 0]), data);
  return data;
}
