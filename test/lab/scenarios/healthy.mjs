/**
 * Healthy: several senders, several mails, nothing wrong. What normal looks like.
 */

import { baseRecords, NAMES } from "../dns-records.mjs";
import { startPostfix } from "../servers/postfix.mjs";
import { MAIL_SERVER, MAIL_SERVER_V6 } from "../topology.mjs";

export const healthy = {
  name: "healthy",
  title: "several senders and mails, nothing wrong",
  ship: "client",
  precision: "micro",

  async prepare(lab) {
    await lab.startDns({ records: baseRecords() });
    await startPostfix(lab, "server");
  },

  run(lab) {
    const from = (name) => ({ host: MAIL_SERVER, name, source: NAMES[name] });
    const mail = (sender, recipients, size) => ({
      from: sender,
      to: recipients.map((r) => `${r}@example.net`),
      size,
    });
    return lab.converse([
      { ...from("out1.example.org"), label: "one", at: 0, mails: [mail("info@example.org", ["alice"], 900)] },
      {
        ...from("shop.example.org"),
        label: "two",
        at: 400,
        mails: [
          mail("orders@shop.example.org", ["sales"], 2_500),
          mail("orders@shop.example.org", ["orders", "sales"], 1_800),
        ],
      },
      {
        ...from("lists.example.org"),
        label: "three",
        at: 900,
        mails: [mail("news@lists.example.org", ["alice", "bob", "carol"], 6_000)],
      },
      {
        ...from("out2.example.org"),
        label: "four",
        at: 1_500,
        mails: [mail("support@example.org", ["support"], 14_000)],
      },
      {
        host: MAIL_SERVER_V6,
        name: "out6.example.org",
        label: "five",
        at: 2_100,
        mails: [mail("info@example.org", ["dave"], 1_200)],
      },
      {
        ...from("mta1.branch.example.org"),
        label: "six",
        at: 2_600,
        mails: [mail("till@branch.example.org", ["info"], 700)],
      },
      {
        ...from("out1.example.org"),
        label: "seven",
        at: 3_200,
        mails: [1, 2, 3].map((n) => mail("info@example.org", ["bob"], 900 * n)),
      },
      {
        ...from("erp.branch.example.org"),
        label: "eight",
        at: 3_900,
        mails: [mail("erp@branch.example.org", ["orders"], 3_200)],
      },
    ]);
  },
};
