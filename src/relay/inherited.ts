/**
 * Listening sockets that whoever started this process made: systemd's socket activation, and launchers
 * that do as it does. A socket unit may set `Transparent=yes`, which this process then need not be
 * allowed to.
 * @see sd_listen_fds(3)
 */
import { SmtpscopeError } from "../spine/errors.ts";

/** Those systemd passes begin after the standard streams. */
const FIRST_FD = 3;

/** More than anybody listens on; a number this large in the environment is a mistake. */
const MAX_FDS = 64;

/**
 * The descriptors passed to this process; none when they are meant for another one.
 * @throws SmtpscopeError when the environment contradicts itself
 */
export function inheritedDescriptors(
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): readonly number[] {
  const { LISTEN_PID, LISTEN_FDS } = environment;
  if (LISTEN_PID === undefined || LISTEN_FDS === undefined) return [];
  if (Number(LISTEN_PID) !== pid) return [];
  const count = Number(LISTEN_FDS);
  if (!/^\d+$/.test(LISTEN_FDS) || count < 1 || count > MAX_FDS) {
    throw new SmtpscopeError(
      "usage",
      `LISTEN_FDS is "${LISTEN_FDS}": not a number of sockets from 1 to ${MAX_FDS}`,
    );
  }
  return Array.from({ length: count }, (_, index) => FIRST_FD + index);
}
