/**
 * Sessions: the dialogues that fault scenarios have in common.
 */
import { NAMES } from "../dns-records.mjs";
import { MAIL_SERVER } from "../topology.mjs";

/** Clients that call by default, and what they send. */
const PLAIN = [
  ["out1.example.org", "info@example.org", ["alice"], 1_400],
  ["shop.example.org", "orders@shop.example.org", ["orders", "sales"], 2_600],
  ["lists.example.org", "news@lists.example.org", ["bob", "carol", "dave"], 5_000],
  ["out2.example.org", "support@example.org", ["support"], 900],
];

/**
 * @param options.everyMs  pause between the starts of two sessions
 * @param options.rounds   how often everybody calls
 * @param options.bytes    the size of every mail, in place of various
 * @param options.more     fields for every session
 */
export function plainSessions({ everyMs = 350, rounds = 1, clients = PLAIN.length, bytes, more = {} } = {}) {
  return Array.from({ length: rounds * clients }, (_, index) => {
    const [name, from, recipients, size] = PLAIN[index % clients];
    return {
      at: index * everyMs,
      label: `${index + 1} ${name}`,
      name,
      source: NAMES[name],
      host: MAIL_SERVER,
      mails: [{ from, to: recipients.map((recipient) => `${recipient}@example.net`), size: bytes ?? size }],
      ...more,
    };
  });
}

/** Sessions that play given commands instead of sending mail. */
export function scriptedSessions(commands, options) {
  return plainSessions(options).map(({ mails, ...session }) => ({
    ...session,
    commands: commands.map((command) => command.replace("{name}", session.name)),
  }));
}
