/**
 * CPU groups: control groups, of either version, that limit processor time.
 */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const PERIOD_US = 100_000;
const ROOT = "/sys/fs/cgroup";

/** Answers the group's directory; a pid written to its `cgroup.procs` joins. */
export function makeCpuGroup(name, share) {
  const quotaUs = Math.max(1_000, Math.round(share * PERIOD_US));
  const first = existsSync(join(ROOT, "cpu/cpu.cfs_quota_us"));
  const group = join(ROOT, first ? "cpu" : ".", name);
  mkdirSync(group);
  if (first) {
    writeFileSync(join(group, "cpu.cfs_period_us"), String(PERIOD_US));
    writeFileSync(join(group, "cpu.cfs_quota_us"), String(quotaUs));
  } else writeFileSync(join(group, "cpu.max"), `${quotaUs} ${PERIOD_US}`);
  return group;
}

export function removeCpuGroup(group) {
  try {
    rmdirSync(group);
  } catch {
    // Its last process may still be going; an empty group costs nothing.
  }
}
