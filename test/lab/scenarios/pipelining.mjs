/**
 * Pipelining: several commands in one packet, several mails in one connection.
 *
 * A real Postfix is the client for the first part: with connection caching it
 * delivers its queue through one connection, MAIL, RCPTs and DATA together.
 * Two of its mails have a recipient that is refused. The lab's own client
 * adds the strictest form that RFC 2920 allows: the end of a message and the
 * next envelope in one write.
 */
import { makeMessage } from "../clients/message.mjs";
import { baseRecords, NAMES } from "../dns-records.mjs";
import { startPolicy } from "../servers/policy.mjs";
import { startPostfix } from "../servers/postfix.mjs";
import { MAIL_SERVER } from "../topology.mjs";

const POLICY = [{ state: "RCPT", delayMs: 6, jitterMs: 20 }];

export const pipelining = {
  name: "pipelining",
  title: "pipelined commands and several mails in one connection, some recipients refused",
  ship: "client",
  precision: "micro",

  async prepare(lab) {
    await lab.startDns({ records: baseRecords(), rules: [{ name: "*", delayMs: 2, jitterMs: 6 }] });
    const policy = await startPolicy(lab, POLICY);
    await startPostfix(lab, "server", {
      settings: { smtpd_recipient_restrictions: `reject_unlisted_recipient, ${policy}` },
    });
    const sender = await startPostfix(lab, "client", { listen: null, settings: sendingSettings() });
    return { sender };
  },

  async run(lab, { sender }) {
    const mails = [
      ["info@example.org", ["alice", "bob"]],
      ["info@example.org", ["alice", "nobody", "carol"]],
      ["info@example.org", ["sales", "orders", "support", "dave"]],
      ["info@example.org", ["gone"]],
    ];
    for (const [index, [from, recipients]] of mails.entries()) {
      const to = recipients.map((name) => `${name}@example.net`);
      await sender.submit(from, to, makeMessage({ from, to, size: 1_500 + 900 * index, id: String(index) }));
      await lab.settle(600);
    }
    const mail = (recipients, size) => ({
      from: "news@lists.example.org",
      to: recipients.map((r) => `${r}@example.net`),
      size,
    });
    const lists = { name: "lists.example.org", source: NAMES["lists.example.org"], host: MAIL_SERVER };
    const outcomes = await lab.converse([
      {
        ...lists,
        at: 0,
        label: "envelope",
        pipelining: "envelope",
        mails: [mail(["alice", "bob"], 2_000), mail(["nobody", "dave"], 1_200)],
      },
      {
        ...lists,
        at: 700,
        label: "across",
        pipelining: "across",
        mails: [
          mail(["alice"], 1_000),
          mail(["bob", "gone", "carol"], 3_000),
          mail(["nobody"], 900),
          mail(["dave"], 1_500),
        ],
      },
    ]);
    // The sender keeps its connection for smtp_connection_cache_time_limit (2 s).
    await lab.settle(3_000);
    return outcomes;
  },
};

function sendingSettings() {
  return {
    myhostname: "out1.example.org",
    relay_domains: "",
    relay_recipient_maps: "",
    default_transport: "smtp",
    relayhost: `[${MAIL_SERVER}]`,
    smtp_bind_address: NAMES["out1.example.org"],
    smtp_connection_cache_destinations: `[${MAIL_SERVER}], ${MAIL_SERVER}`,
    // One message at a time, so that each waits for the cached connection.
    default_destination_concurrency_limit: "1",
    initial_destination_concurrency: "1",
    smtp_tls_security_level: "none",
    // Bounces about the refused recipients go nowhere.
    transport_maps: "inline:{example.org=discard:}",
  };
}
