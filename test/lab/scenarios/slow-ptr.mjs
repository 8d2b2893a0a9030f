/**
 * Slow PTR, the tour: the name of one network's clients is slow to find.
 *
 * Postfix looks up who connects before it says 220. For 198.51.100.0/28 the
 * first query for the name is lost (libc asks again after 5 s) or the answer
 * takes 2 to 3 s; every other client's name is found at once. So the banner is
 * slow for some and fast for others, and the server's own queries, in the same
 * capture, prove why.
 *
 * Next to it, smaller things that must not be mistaken for it: a policy
 * service that takes its time on RCPT, a scan at end of data that grows with
 * the size, greylisting (fast, and not a delay), unknown recipients.
 */
import { baseRecords, NAMES, reverseName } from "../dns-records.mjs";
import { postfixTls } from "../servers/certificate.mjs";
import { startPolicy } from "../servers/policy.mjs";
import { startPostfix } from "../servers/postfix.mjs";
import { MAIL_SERVER, MAIL_SERVER_V6 } from "../topology.mjs";

/** In the /28: these lose their first query ... */
const LOST = ["mta1.branch.example.org", "scanner.branch.example.org"];
/** ... and these wait for a slow answer. */
const DELAYED = ["mta2.branch.example.org", "erp.branch.example.org"];

const POLICY = [
  { state: "RCPT", recipient: "carol@", once: true, action: "450 4.2.0 Greylisted, please try again" },
  { state: "RCPT", sender: "@shop.example.org", delayMs: 550, jitterMs: 250 },
  { state: "RCPT", delayMs: 4, jitterMs: 18 },
  { state: "END-OF-MESSAGE", delayMs: 45, jitterMs: 40, delayMsPerKb: 6 },
];

export const slowPtr = {
  name: "slow-ptr",
  title: "one network's clients wait 2 to 5 s for the banner: their PTR is slow (the tour)",
  ship: "server",
  precision: "micro",

  async prepare(lab) {
    await lab.startDns({
      records: baseRecords(),
      rules: [
        ...LOST.map((name) => ({
          name: reverseName(NAMES[name]),
          type: "PTR",
          dropFirst: 1,
          delayMs: 12,
          jitterMs: 20,
        })),
        ...DELAYED.map((name) => ({
          name: reverseName(NAMES[name]),
          type: "PTR",
          delayMs: 2_050,
          jitterMs: 900,
        })),
        { name: "*", delayMs: 3, jitterMs: 14 },
      ],
    });
    const policy = await startPolicy(lab, POLICY);
    await startPostfix(lab, "server", {
      settings: {
        ...postfixTls(lab),
        smtpd_recipient_restrictions: `reject_unlisted_recipient, reject_unknown_sender_domain, reject_rbl_client dnsbl.test, ${policy}`,
        smtpd_end_of_data_restrictions: policy,
      },
    });
  },

  run: (lab) => lab.converse(plan()),
};

/** Who sends what, and when. One row a dialogue: start (ms), host, sender, recipients, size. */
const ROWS = [
  [0, "out1.example.org", "info@example.org", ["alice"], 1_100],
  [700, "mta1.branch.example.org", "till@branch.example.org", ["orders"], 1_400],
  [
    1_500,
    "lists.example.org",
    "news@lists.example.org",
    ["alice", "bob", "dave"],
    9_000,
    { pipelining: "envelope" },
  ],
  [2_400, "shop.example.org", "orders@shop.example.org", ["sales"], 2_200],
  [3_100, "mta2.branch.example.org", "office@branch.example.org", ["support"], 3_800],
  [4_200, "out2.example.org", "support@example.org", ["carol"], 1_900],
  [5_000, "out6.example.org", "info@example.org", ["bob"], 1_300],
  [5_900, "scanner.branch.example.org", "scanner@branch.example.org", ["info"], 24_000],
  [7_000, "out1.example.org", "info@example.org", ["nobody"], 900],
  [7_800, "erp.branch.example.org", "erp@branch.example.org", ["orders", "sales"], 5_200],
  [9_000, "shop.example.org", "orders@shop.example.org", ["orders"], 2_700],
  [10_100, "mta1.branch.example.org", "till@branch.example.org", ["orders"], 1_400],
  [11_300, "out1.example.org", "info@example.org", ["support", "alice"], 4_100, { tls: "starttls" }],
  [
    12_200,
    "lists.example.org",
    "news@lists.example.org",
    ["carol", "dave"],
    7_000,
    { pipelining: "envelope" },
  ],
  [13_300, "mta2.branch.example.org", "office@branch.example.org", ["alice"], 2_300],
  [14_600, "out2.example.org", "support@example.org", ["carol"], 1_900],
  [15_800, "out6.example.org", "info@example.org", ["sales"], 3_300],
  [16_900, "erp.branch.example.org", "erp@branch.example.org", ["orders"], 6_100],
  [18_400, "scanner.branch.example.org", "scanner@branch.example.org", ["info"], 31_000],
  [19_500, "out1.example.org", "info@example.org", ["dave"], 1_500],
  [20_700, "shop.example.org", "orders@shop.example.org", ["sales", "orders"], 2_900],
  [22_000, "mta1.branch.example.org", "till@branch.example.org", ["orders"], 1_400],
  [23_300, "out2.example.org", "support@example.org", ["bob"], 12_000],
  [24_500, "mta2.branch.example.org", "office@branch.example.org", ["gone"], 1_000],
  [
    25_900,
    "lists.example.org",
    "news@lists.example.org",
    ["alice", "bob", "dave"],
    9_000,
    { pipelining: "envelope" },
  ],
  [27_000, "out6.example.org", "info@example.org", ["support"], 2_000],
  [28_400, "erp.branch.example.org", "erp@branch.example.org", ["orders"], 4_800],
  [29_600, "out1.example.org", "info@example.org", ["alice", "carol"], 2_600],
  [30_900, "shop.example.org", "orders@shop.example.org", ["orders"], 3_100],
  [32_100, "scanner.branch.example.org", "scanner@branch.example.org", ["info"], 18_000],
  [33_500, "mta1.branch.example.org", "till@branch.example.org", ["orders", "sales"], 1_800],
  [34_600, "out2.example.org", "support@example.org", ["support"], 1_200],
];

function plan() {
  return ROWS.map(([at, name, from, recipients, size, more], index) => ({
    at,
    name,
    label: `${index + 1} ${name}`,
    source: NAMES[name],
    host: NAMES[name] ? MAIL_SERVER : MAIL_SERVER_V6,
    mails: [{ from, to: recipients.map((recipient) => `${recipient}@example.net`), size }],
    ...more,
  }));
}
