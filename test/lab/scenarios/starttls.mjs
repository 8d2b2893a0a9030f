/**
 * STARTTLS: where a capture goes dark, and what can still be timed.
 *
 * STARTTLS to TLS 1.3 (two senders), STARTTLS forced down to TLS 1.2, and
 * implicit TLS on port 465, where not even the banner is readable.
 */
import { baseRecords, NAMES } from "../dns-records.mjs";
import { postfixTls } from "../servers/certificate.mjs";
import { startPostfix } from "../servers/postfix.mjs";
import { MAIL_SERVER } from "../topology.mjs";

export const starttls = {
  name: "starttls",
  title: "STARTTLS with TLS 1.3 and 1.2, and implicit TLS on 465",
  ship: "client",
  precision: "micro",

  async prepare(lab) {
    await lab.startDns({ records: baseRecords(), rules: [{ name: "*", delayMs: 2, jitterMs: 6 }] });
    await startPostfix(lab, "server", { settings: postfixTls(lab), submissions: true });
  },

  run(lab) {
    const dialogue = (at, name, sender, more) => ({
      at,
      name,
      label: `${more.tls} ${more.tlsVersion}`,
      source: NAMES[name],
      host: MAIL_SERVER,
      mails: [{ from: sender, to: ["alice@example.net"], size: 1_500 }],
      ...more,
    });
    const shop = dialogue(1_000, "shop.example.org", "orders@shop.example.org", {
      tls: "starttls",
      tlsVersion: "TLSv1.2",
    });
    const lists = { tls: "starttls", tlsVersion: "TLSv1.3", pipelining: "envelope" };
    return lab.converse([
      dialogue(0, "out1.example.org", "info@example.org", { tls: "starttls", tlsVersion: "TLSv1.3" }),
      shop,
      dialogue(2_000, "out2.example.org", "support@example.org", {
        tls: "implicit",
        tlsVersion: "TLSv1.3",
        port: 465,
      }),
      dialogue(3_000, "lists.example.org", "news@lists.example.org", lists),
    ]);
  },
};
