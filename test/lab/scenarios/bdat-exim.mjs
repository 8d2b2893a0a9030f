/**
 * BDAT from a real Exim (RFC 3030): no DATA, no 354, a length instead of a dot.
 *
 * Exim uses CHUNKING wherever it is offered, and Postfix offers it. Four mails
 * wait in Exim's queue and leave through one connection; the largest needs
 * two chunks, each with a reply of its own. A policy service makes the last
 * chunk's reply slower the larger the message, as a content scan does.
 *
 * Exim never sends more than two chunks (headers, body), so the lab's own
 * client adds what other senders do: many chunks that end in mid-line, and a
 * final `BDAT 0 LAST`.
 */
import { makeMessage } from "../clients/message.mjs";
import { baseRecords, NAMES } from "../dns-records.mjs";
import { makeEximSender } from "../servers/exim.mjs";
import { startPolicy } from "../servers/policy.mjs";
import { startPostfix } from "../servers/postfix.mjs";
import { MAIL_SERVER } from "../topology.mjs";

const POLICY = [{ state: "END-OF-MESSAGE", delayMs: 30, jitterMs: 20, delayMsPerKb: 5 }];

export const bdatExim = {
  name: "bdat-exim",
  title: "BDAT (CHUNKING) from a real Exim to Postfix, one mail in several chunks",
  ship: "server",
  precision: "nano",

  async prepare(lab) {
    await lab.startDns({ records: baseRecords(), rules: [{ name: "*", delayMs: 2, jitterMs: 6 }] });
    const policy = await startPolicy(lab, POLICY);
    await startPostfix(lab, "server", { settings: { smtpd_end_of_data_restrictions: policy } });
    const exim = makeEximSender(lab, "client", {
      hostname: "out1.example.org",
      smartHost: MAIL_SERVER,
      transport: ["interface = 198.51.100.66", "hosts_try_dane ="],
    });
    return { exim };
  },

  async run(lab, { exim }) {
    const mails = [
      ["info@example.org", ["alice"], 1_200],
      ["orders@shop.example.org", ["sales", "orders"], 2_600],
      ["info@example.org", ["bob", "nobody"], 5_000],
      ["erp@branch.example.org", ["support"], 60_000],
    ];
    for (const [index, [from, recipients, size]] of mails.entries()) {
      const to = recipients.map((name) => `${name}@example.net`);
      await exim.submit(from, to, makeMessage({ from, to, size, id: String(index) }));
    }
    await exim.flush();
    await lab.settle(800);
    const chunked = { name: "lists.example.org", source: NAMES["lists.example.org"], host: MAIL_SERVER };
    const mail = { from: "news@lists.example.org", to: ["carol@example.net", "dave@example.net"] };
    const outcomes = await lab.converse([
      {
        ...chunked,
        label: "many chunks",
        chunkBytes: 4_000,
        mails: [
          { ...mail, size: 18_000 },
          { ...mail, size: 8_000 },
        ],
      },
    ]);
    return [...(await exim.log()).trim().split("\n"), ...outcomes];
  },
};
