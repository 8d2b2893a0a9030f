/**
 * Exim with slow forward lookups: one delay that costs twice.
 *
 * The PTR comes at once, but every A and AAAA answer takes 1 s, and Exim asks
 * for both, one after the other, to verify the name before its banner.
 */
import { baseRecords, NAMES } from "../dns-records.mjs";
import { startEximServer } from "../servers/exim.mjs";
import { MAIL_SERVER } from "../topology.mjs";

const FORWARD_DELAY_MS = 1_000;

export const eximSlowForward = {
  name: "exim-slow-forward",
  title: "Exim as the server; A and AAAA of every client take 1 s, the banner 2 s",
  precision: "micro",

  async prepare(lab) {
    await lab.startDns({
      records: baseRecords(),
      rules: [
        { name: "*", type: "A", delayMs: FORWARD_DELAY_MS },
        { name: "*", type: "AAAA", delayMs: FORWARD_DELAY_MS },
      ],
    });
    await startEximServer(lab, "server");
  },

  run(lab) {
    const names = ["out1.example.org", "shop.example.org", "lists.example.org"];
    return lab.converse(
      names.map((name, index) => ({
        at: index * 500,
        label: name,
        name,
        source: NAMES[name],
        host: MAIL_SERVER,
        mails: [{ from: "info@example.org", to: ["alice@example.net"], size: 2_000 }],
      })),
    );
  },
};
