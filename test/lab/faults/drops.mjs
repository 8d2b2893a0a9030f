/**
 * Drops: an nftables ruleset that drops what matches, at one hook ("input", "forward", "output").
 */
export function dropping(hook, ...matches) {
  return [
    "table inet fault {",
    "chain drops {",
    `type filter hook ${hook} priority 0;`,
    ...matches.map((match) => `${match} drop`),
    "}",
    "}",
    "",
  ].join("\n");
}
