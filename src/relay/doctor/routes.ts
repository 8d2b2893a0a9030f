/** Whether marked packets are taken by this host: a routing rule for the mark, and a table that takes all. */

/** What `ip -j rule` and `ip -j route show table all` print, parsed. */
export interface Routing {
  readonly rules: unknown;
  readonly routes: unknown;
}

export function takesMarked({ rules, routes }: Routing, mark: number): boolean {
  return objects(rules).some((rule) => {
    const [value, mask] = String(rule.fwmark ?? "").split("/");
    // A mask that leaves bits of the mark out still matches what is under it.
    const bits = mask === undefined && rule.fwmask === undefined ? ~0 : Number(mask ?? rule.fwmask);
    if (value === "" || ((Number(value) ^ mark) & bits) !== 0) return false;
    return objects(routes).some(
      (route) =>
        String(route.table) === String(rule.table) &&
        route.type === "local" &&
        (route.dst === "default" || route.dst === "0.0.0.0/0" || route.dst === "::/0") &&
        route.dev === "lo",
    );
  });
}

function objects(value: unknown): Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === "object" && entry !== null) : [];
}
