/**
 * No banner: four ways a connection can begin, one of them good.
 *
 * An ordinary dialogue; a SYN that a firewall drops; a SYN that is refused;
 * and, after the server's processes are stopped (SIGSTOP), a connection that
 * the kernel still accepts and on which nothing is ever said. Impatient
 * clients give up after 12 s.
 */
import { baseRecords, NAMES } from "../dns-records.mjs";
import { startPostfix } from "../servers/postfix.mjs";
import { CLOSED_SERVER, MAIL_SERVER, SILENT_SERVER } from "../topology.mjs";

const PATIENCE_MS = 12_000;

export const noBanner = {
  name: "no-banner",
  title: "a banner that never comes, a SYN without an answer, a SYN refused",
  ship: "client",
  precision: "micro",

  async prepare(lab) {
    await lab.startDns({ records: baseRecords(), rules: [{ name: "*", delayMs: 2, jitterMs: 6 }] });
    await startPostfix(lab, "server", { settings: { inet_interfaces: MAIL_SERVER } });
    await lab.setFirewall(`table inet filter {
      chain forward {
        type filter hook forward priority 0; policy accept;
        ip daddr ${SILENT_SERVER} tcp dport 25 drop
      }
    }\n`);
  },

  async run(lab) {
    const dialogue = (label, at, name, host) => ({
      at,
      name,
      host,
      label,
      source: NAMES[name],
      patienceMs: PATIENCE_MS,
      mails: [{ from: "info@example.org", to: ["alice@example.net"], size: 1_200 }],
    });
    const first = await lab.converse([
      dialogue("ordinary", 0, "out1.example.org", MAIL_SERVER),
      dialogue("refused SYN", 600, "out1.example.org", CLOSED_SERVER),
    ]);
    lab.freeze("server");
    const second = await lab.converse([
      dialogue("no banner", 300, "out2.example.org", MAIL_SERVER),
      dialogue("unanswered SYN", 900, "shop.example.org", SILENT_SERVER),
      dialogue("no banner, again", 4_000, "lists.example.org", MAIL_SERVER),
    ]);
    return [...first, ...second];
  },
};
