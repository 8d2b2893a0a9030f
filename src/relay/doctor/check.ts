/** One thing that was looked at. */
export interface Check {
  /** A word or two. */
  readonly what: string;
  /** `note`: nothing that is needed, or that could be tried here. `unknown`: needed, and there was no telling. */
  readonly verdict: "fine" | "missing" | "unknown" | "note";
  /** One clause. */
  readonly says: string;
  /** What helps, ready to paste. */
  readonly commands: readonly string[];
}

export function fine(what: string, says: string): Check {
  return { what, verdict: "fine", says, commands: [] };
}

export function missing(what: string, says: string, commands: readonly string[] = []): Check {
  return { what, verdict: "missing", says, commands };
}

export function unknown(what: string, says: string, commands: readonly string[] = []): Check {
  return { what, verdict: "unknown", says, commands };
}

export function note(what: string, says: string, commands: readonly string[] = []): Check {
  return { what, verdict: "note", says, commands };
}
