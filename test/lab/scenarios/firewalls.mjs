/**
 * Firewalls that rewrite, between real servers and real clients, captured on both sides. Each leaves what it
 * changed as lines of the outcome, `{"truth": {…}}`: what `smtpscope diff` has to find, no more and no less.
 */
import { existsSync, readFileSync } from "node:fs";
import { makeMessage } from "../clients/message.mjs";
import { baseRecords, NAMES } from "../dns-records.mjs";
import { makeCertificate, postfixTls } from "../servers/certificate.mjs";
import { makeEximSender, startEximServer } from "../servers/exim.mjs";
import { startPostfix } from "../servers/postfix.mjs";
import { MAIL_SERVER } from "../topology.mjs";

const PROXY_PORT = 2_525;
const REDIRECT = `table ip terminate {
  chain lead {
    type nat hook prerouting priority dstnat;
    iifname "cli0" tcp dport 25 redirect to :${PROXY_PORT}
  }
}
`;
/** An address of nobody's in the server's network. */
const TRANSLATED = "192.0.2.200";

const inLine = (config) => async (lab) => {
  const log = lab.path("firewall.log");
  await lab.startLink({ ...config, log }, "firewalls/in-line.mjs");
  if (config.source === undefined) return;
  // The firewall answers for it in the server's network: it lies behind the device.
  await lab.execute("firewall", ["ip", "route", "add", config.source, "dev", "tun0"]);
  await lab.execute("firewall", ["sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/srv0/proxy_arp"]);
};

const terminating = (kind) => async (lab) => {
  const log = lab.path("firewall.log");
  const { key, certificate } = makeCertificate(lab, "firewall");
  const config = { kind, listen: PROXY_PORT, host: MAIL_SERVER, key, certificate, log };
  await lab.startNode("firewall", "firewalls/proxy.mjs", config);
  await lab.setFirewall(REDIRECT);
};

/** @param options.tls the lab's client asks for STARTTLS in one of its dialogues */
function firewall(name, title, { server = "postfix", device, tls = false, ship }) {
  return {
    name: `firewall-${name}`,
    title: `${title}; ${server === "postfix" ? "Postfix" : "Exim"}`,
    precision: "micro",
    ship,

    async prepare(lab) {
      await lab.startDns({ records: baseRecords() });
      if (server === "exim") await startEximServer(lab, "server");
      else await startPostfix(lab, "server", { settings: postfixTls(lab) });
      await device(lab);
      return { sender: await makeSender(lab, server) };
    },

    async run(lab, { sender }) {
      const outcomes = await lab.converse(dialogues(tls));
      await sender();
      await lab.settle(600);
      const log = lab.path("firewall.log");
      const truth = existsSync(log) ? readFileSync(log, "utf8").split("\n").filter(Boolean) : [];
      return [...outcomes, ...truth.map((line) => ({ truth: JSON.parse(line) }))];
    },
  };
}

/** A real MTA that sends three mails: the one that is not the server, for both would share their /etc. */
async function makeSender(lab, server) {
  const mails = ["alice", "bob", "carol"].map((name, i) => {
    const [from, to] = ["info@example.org", [`${name}@example.net`]];
    return { from, to, text: makeMessage({ from, to, size: 700 + 500 * i, id: `sender.${i}` }) };
  });
  if (server === "postfix") {
    const exim = makeEximSender(lab, "client", {
      hostname: "out1.example.org",
      smartHost: MAIL_SERVER,
      transport: ["interface = 198.51.100.66", "hosts_try_dane =", "hosts_avoid_tls = *"],
    });
    return async () => {
      for (const { from, to, text } of mails) await exim.submit(from, to, text);
      await exim.flush();
    };
  }
  const postfix = await startPostfix(lab, "client", { listen: false, settings: SENDING });
  return async () => {
    for (const { from, to, text } of mails) await postfix.submit(from, to, text);
    await lab.settle(2_500);
  };
}

const SENDING = {
  myhostname: "out1.example.org",
  relay_domains: "",
  relay_recipient_maps: "",
  default_transport: "smtp",
  relayhost: `[${MAIL_SERVER}]`,
  smtp_bind_address: NAMES["out1.example.org"],
  smtp_tls_security_level: "none",
  transport_maps: "inline:{example.org=discard:}",
};

function dialogues(tls) {
  const from = (name) => ({ host: MAIL_SERVER, name, source: NAMES[name], patienceMs: 8_000 });
  const mail = (sender, recipients, size) => ({
    from: sender,
    to: recipients.map((recipient) => `${recipient}@example.net`),
    size,
  });
  // Five that are as alike as can be, at the same time.
  const alike = Array.from({ length: 5 }, (_, i) => ({
    ...from("shop.example.org"),
    label: `alike ${i}`,
    at: 500,
    mails: [mail("orders@shop.example.org", ["orders"], 900)],
  }));
  return [
    {
      ...from("out2.example.org"),
      label: "one",
      at: 0,
      mails: [mail("support@example.org", ["support"], 4_000)],
    },
    ...alike,
    {
      ...from("lists.example.org"),
      label: "pipelined",
      at: 900,
      pipelining: "envelope",
      mails: [mail("news@lists.example.org", ["alice", "bob", "carol"], 1_500)],
    },
    {
      ...from("erp.branch.example.org"),
      label: "commands",
      at: 1_300,
      commands: [
        "EHLO erp.branch.example.org",
        "NOOP",
        "VRFY alice",
        "XYZZY 1",
        "MAIL FROM:<erp|1@branch.example.org>",
        "RCPT TO:<orders@example.net>",
        "RSET",
      ],
    },
    ...(tls
      ? [
          {
            ...from("mta1.branch.example.org"),
            label: "tls",
            at: 1_700,
            tls: "starttls",
            mails: [mail("till@branch.example.org", ["info"], 700)],
          },
        ]
      : [
          {
            ...from("mta1.branch.example.org"),
            label: "no tls",
            at: 1_700,
            commands: ["EHLO mta1.branch.example.org", "STARTTLS"],
          },
        ]),
  ];
}

export const FIREWALLS = [
  firewall("none", "no firewall at all", { device: async () => {}, tls: true }),
  firewall("asa", "an in-line firewall that inspects as a Cisco ASA does", {
    device: inLine({ rules: "asa" }),
    ship: "both",
  }),
  firewall("asa-nat", "the same, with address translation and new sequence numbers", {
    server: "exim",
    device: inLine({ rules: "asa", source: TRANSLATED, newSequences: true }),
  }),
  firewall("pix", "an in-line firewall that inspects as a Cisco PIX does", {
    device: inLine({ rules: "pix", source: TRANSLATED }),
  }),
  firewall("pix-exim", "the same", { server: "exim", device: inLine({ rules: "pix" }) }),
  firewall("strip-keywords", "a terminating firewall that takes keywords out", {
    device: terminating("strip-keywords"),
  }),
  firewall("striptls", "a terminating firewall that takes STARTTLS out and refuses it", {
    device: terminating("striptls"),
  }),
  firewall("own-banner", "a terminating firewall with a banner of its own", {
    server: "exim",
    device: terminating("own-banner"),
  }),
  firewall("interception", "an ISP that intercepts port 25: one banner for all, at once", {
    device: terminating("interception"),
  }),
  firewall("length-changing", "a terminating firewall that renames the host and marks messages", {
    device: terminating("length-changing"),
    ship: "both",
  }),
  firewall("tls", "a terminating firewall that ends TLS", { device: terminating("tls"), tls: true }),
];
