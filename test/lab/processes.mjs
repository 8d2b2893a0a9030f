/**
 * Processes: everybody who lives in the run's namespaces, and their end.
 */
import { isInstalled, run } from "./commands.mjs";
import { namespaceOf, ROLES } from "./topology.mjs";

/** Whoever lives in our namespaces was started by us: their ids are the list to end. */
export function processesOf(role) {
  const pids = run("ip", ["netns", "pids", namespaceOf(role)], { mayFail: true });
  return pids.split("\n").filter(Boolean).map(Number);
}

export function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch {
    // Gone already.
  }
}

/** Ends whatever lives in the run's namespaces. */
export function killAll() {
  if (!isInstalled("ip")) return;
  // Several rounds: a dying server may be forking.
  for (let round = 0; round < 5; round++) {
    const pids = ROLES.flatMap(processesOf);
    if (pids.length === 0) return;
    for (const pid of pids) signal(pid, "SIGKILL");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  }
}
