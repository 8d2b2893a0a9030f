/**
 * Label: the truth about a fault scenario's captures, as JSON beside them (`SCENARIO.label.json`).
 *
 *     {"scenario", "title", "server", "healthy",
 *      "causes":   [{"id", "phases", "injectedUs", "basis", "perSessionUs"}],   worst first; several in a mixture
 *      "decoys":   ids that look guilty and are not,
 *      "captures": {"client": {"file", "applies", "alike", "blind", "lumped", "shares"}, "server": {…}},
 *      "sessions": [{"label", "replies", "waits": [[phase, µs], …], "error"}]}
 *
 * `injectedUs` is what the fault cost all sessions together: `basis` says
 * whether it was "set" by the lab, or "measured" by the lab's client beyond
 * what a healthy server takes (then nobody knows it better); null where no
 * number is meant. `alike` lists the ids that, from that side, the wire cannot
 * tell from the truth; `blind` those causes that leave no trace there. `lumped`: from there
 * the causes are one silence, and their times add up. `shares`: ids that may
 * rightly take a part of the truth's time. `applies` is "first" (the truth leads), "named" (it is
 * among the findings), or "quiet" (from that side nothing may be blamed but
 * the truth and what is alike).
 */
import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";

/** Exim takes its time to say goodbye, also when nothing is wrong. */
const EXIM_QUIT_MS = 200;

export function writeLabel(directory, scenario, outcomes, files) {
  const sessions = outcomes.filter((outcome) => typeof outcome === "object");
  const label = {
    scenario: scenario.name,
    title: scenario.title,
    server: scenario.server.kind,
    healthy: scenario.causes.length === 0,
    causes: scenario.causes.map((cause) => truthOf(cause, sessions, scenario.server.kind)),
    decoys: scenario.decoys ?? [],
    captures: Object.fromEntries(
      Object.entries(files).map(([side, file]) => {
        const seen = { applies: "first", alike: [], blind: [], lumped: false, shares: [] };
        return [side, { file: basename(file), ...seen, ...scenario.sides?.[side] }];
      }),
    ),
    sessions,
  };
  const path = join(directory, `${scenario.name}.label.json`);
  writeFileSync(path, inLines(label));
  return path;
}

function truthOf({ id, phases, ms, measured, healthyMs = 1 }, sessions, server) {
  const perSessionUs = sessions.map((session, index) => {
    if (!measured) return ms === undefined ? null : 1_000 * (Array.isArray(ms) ? (ms[index] ?? 0) : ms);
    const waits = session.waits.filter(([phase]) => phases.includes(phase));
    const healthyUs = (phase) => 1_000 * (server === "exim" && phase === "quit" ? EXIM_QUIT_MS : healthyMs);
    return Math.round(waits.reduce((sum, [phase, us]) => sum + Math.max(0, us - healthyUs(phase)), 0));
  });
  const known = perSessionUs.every((us) => us !== null);
  return {
    id,
    phases,
    injectedUs: known ? perSessionUs.reduce((sum, us) => sum + us, 0) : null,
    basis: measured ? "measured" : known ? "set" : null,
    perSessionUs,
  };
}

/** One line for each field, and for each session: short, and still to be read. */
function inLines(label) {
  const fields = Object.entries(label).map(([name, value]) => {
    const list = name === "sessions" || name === "causes";
    const text = list
      ? `[\n  ${value.map((item) => JSON.stringify(item)).join(",\n  ")}]`
      : JSON.stringify(value);
    return ` ${JSON.stringify(name)}: ${text}`;
  });
  return `{\n${fields.join(",\n")}\n}\n`;
}
