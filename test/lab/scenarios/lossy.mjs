/**
 * Lossy: one packet in twelve is lost between client and server, both ways.
 *
 * netem is missing on some kernels, so the firewall's nftables drop packets by
 * chance. The capture is taken before the losses for what the client sends
 * (its retransmissions are visible) and behind them for what the server sends
 * (gaps and late arrivals are visible).
 */
import { baseRecords, NAMES } from "../dns-records.mjs";
import { startPostfix } from "../servers/postfix.mjs";
import { MAIL_SERVER } from "../topology.mjs";

const LOSS_PERCENT = 8;

export const lossy = {
  name: "lossy",
  title: "a link that loses packets: retransmissions in both directions",
  ship: "client",
  precision: "nano",

  async prepare(lab) {
    await lab.startDns({ records: baseRecords(), rules: [{ name: "*", delayMs: 2, jitterMs: 6 }] });
    await startPostfix(lab, "server");
    await lab.setFirewall(`table inet loss {
      chain forward {
        type filter hook forward priority 0; policy accept;
        tcp dport 25 numgen random mod 100 < ${LOSS_PERCENT} drop
        tcp sport 25 numgen random mod 100 < ${LOSS_PERCENT} drop
      }
    }\n`);
  },

  run(lab) {
    const senders = [
      ["out1.example.org", "info@example.org", 30_000],
      ["shop.example.org", "orders@shop.example.org", 18_000],
      ["lists.example.org", "news@lists.example.org", 45_000],
      ["out2.example.org", "support@example.org", 12_000],
      ["out1.example.org", "info@example.org", 26_000],
      ["shop.example.org", "orders@shop.example.org", 38_000],
      ["lists.example.org", "news@lists.example.org", 15_000],
      ["out2.example.org", "support@example.org", 22_000],
    ];
    return lab.converse(
      senders.map(([name, from, size], index) => ({
        at: index * 1_300,
        label: `${index + 1} ${name}`,
        name,
        source: NAMES[name],
        host: MAIL_SERVER,
        mails: [{ from, to: ["alice@example.net", "bob@example.net"], size }],
      })),
    );
  },
};
