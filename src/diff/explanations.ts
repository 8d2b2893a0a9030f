import type { Explanation } from "../spine/finding.ts";

/** The pages of findings that only a comparison makes; rewriting/signatures has the others. */

const BOTH_SIDES =
  "The same dialogue was found in both captures, and the frames named show its bytes before and after.";
const BETWEEN =
  "Capture between the devices on the path, and compare again: the one behind which it changes does it.";
const PROXIES =
  "Mail gateways and security appliances in proxy mode, anti-virus on the client's host, an ISP that intercepts port 25.";
const SOURCES = ["smtpscope diff: both captures"];

export const DIFF_EXPLANATIONS: readonly Explanation[] = [
  {
    id: "rewriting/banner-changed",
    title: "The client got another banner than the server gave",
    what: [
      "The 220 greeting was replaced, cut or lengthened between the two points of capture.",
      "A client that checks the host name in the banner, or a person who reads it, sees the device and not the server.",
    ],
    evidence: [BOTH_SIDES, "Not this: stars of the same length, which is rewriting/banner-masked."],
    usually: [PROXIES, "Stormshield and other firewalls that make banners anonymous."],
    confirm: [BETWEEN],
    remedy: ["Switch the banner setting of the device off, or accept it: mail is not harmed by it."],
    deliberate: "Often: to hide the server's make, or because the device speaks for itself.",
    sources: SOURCES,
  },
  {
    id: "rewriting/answered-on-path",
    title: "Something between client and server answered, or spoke, itself",
    what: [
      "A command never came to the server and was answered all the same, a reply was there before the server gave it, or the server got a command that no client said.",
      "What the client is told is then not what the server would have said; times measured at the client are the device's.",
    ],
    evidence: [
      "A command or reply is in one capture only, in a dialogue of which no bytes are missing in either; or the reply came to the client earlier than the clocks of the two captures allow.",
    ],
    usually: [PROXIES, "Norton AntiVirus answered STARTTLS itself with 500."],
    confirm: [
      BETWEEN,
      "At the client: a SYN-ACK that comes sooner than the server's round trip is the device's.",
    ],
    remedy: [
      "Take port 25 out of the device's inspection, or let the device be the mail server officially (MX).",
    ],
    deliberate: "Yes: it is how proxies work.",
    sources: SOURCES,
  },
  {
    id: "rewriting/starttls-removed",
    title: "STARTTLS was taken out of the server's answer",
    what: [
      "The server offers STARTTLS, the client is not told. Mail goes in clear text, or is not sent where TLS is demanded.",
    ],
    evidence: [BOTH_SIDES],
    usually: [
      "Firewalls with SMTP inspection that cannot look into TLS; providers that want to read mail; striptls.",
    ],
    confirm: [BETWEEN, "openssl s_client -starttls smtp from both sides."],
    remedy: [
      "Allow STARTTLS in the device's SMTP profile (WatchGuard: ESMTP settings; FortiGate: STARTTLS; ASA: allow-tls).",
      "MTA-STS or DANE make senders refuse to fall back.",
    ],
    deliberate: "Usually a default; it can also be an attack (RFC 3207 section 6).",
    sources: ["RFC 3207 section 6", ...SOURCES],
  },
  {
    id: "rewriting/keyword-removed",
    title: "ESMTP keywords were taken out of the server's answer to EHLO",
    what: [
      "The client is not told of an extension that the server has, and does without: PIPELINING makes dialogues longer, SIZE lets too large a message travel in vain, CHUNKING and SMTPUTF8 fall away.",
    ],
    evidence: [BOTH_SIDES],
    usually: [
      "Firewalls with SMTP inspection that pass what they know: WatchGuard, Stormshield, Check Point, FortiGate.",
    ],
    confirm: [BETWEEN],
    remedy: ["Allow the keyword in the device's SMTP profile."],
    deliberate: "Yes, as a default: what the device cannot inspect is not offered.",
    sources: ["RFC 5321 section 4.1.1.1", ...SOURCES],
  },
  {
    id: "rewriting/keyword-changed",
    title: "An ESMTP keyword was changed or added",
    what: [
      "The client is told other parameters than the server gave (a smaller SIZE, fewer AUTH mechanisms), or of an extension that the server does not have.",
    ],
    evidence: [BOTH_SIDES],
    usually: [PROXIES],
    confirm: [BETWEEN],
    remedy: [
      "Look for the limit in the device's SMTP profile; an added keyword that the server does not have breaks what relies on it.",
    ],
    deliberate: "Usually.",
    sources: SOURCES,
  },
  {
    id: "rewriting/reply-lost",
    title: "A reply did not come to the client",
    what: [
      "The server answered, and the answer is not in the client's capture, where no bytes are missing. The client waits until its patience is over.",
    ],
    evidence: ["The reply is in one capture only; the other one goes on behind it or ends without it."],
    usually: [
      "Cisco PIX whose inspection hangs at a command or at a dot that is split over packets; a proxy that gave up.",
    ],
    confirm: [BETWEEN],
    remedy: ["Take port 25 out of the device's inspection."],
    deliberate: "No.",
    sources: ["Postfix smtp_pix_workarounds", ...SOURCES],
  },
  {
    id: "rewriting/reply-changed",
    title: "A reply's text or code was changed",
    what: [
      "What the server said of a command is not what the client was told. Another code makes the client do something else: a 450 made a 550 turns a retry into a bounce.",
    ],
    evidence: [BOTH_SIDES],
    usually: [PROXIES],
    confirm: [BETWEEN],
    remedy: ["Look for the reply's text in the device's settings."],
    deliberate: "It depends.",
    sources: SOURCES,
  },
  {
    id: "rewriting/command-changed",
    title: "A command was changed on its way to the server",
    what: [
      "The server got another line than the client said: another address, other parameters, another line end.",
    ],
    evidence: [BOTH_SIDES, "Of AUTH only digests are compared; they tell that it changed, not what."],
    usually: ["Cisco inspection makes a blank of | in addresses; gateways rewrite domains.", PROXIES],
    confirm: [BETWEEN],
    remedy: ["Look for address rewriting and protocol correction in the device's settings."],
    deliberate: "It depends.",
    sources: SOURCES,
  },
  {
    id: "rewriting/message-changed",
    title: "A message was changed on its way to the server",
    what: [
      "Length or digest of the message differ between the two captures. A DKIM signature that covers what was changed does not hold any more.",
    ],
    evidence: ["Length and SHA-256 digest of the message on both sides; its text is never kept."],
    usually: ["A proxy that adds a Received or X- header, a disclaimer, or takes attachments out."],
    confirm: ["Compare the message's headers as sent and as received."],
    remedy: ["Switch the device's changes off for signed mail, or let it sign."],
    deliberate: "Usually.",
    sources: ["RFC 6376", ...SOURCES],
  },
  {
    id: "rewriting/tls-replaced",
    title: "TLS ended on the path",
    what: [
      "The encrypted bytes are not the same on both sides: a device speaks TLS with the client and again with the server, and reads everything in between. The client sees the device's certificate.",
    ],
    evidence: [
      "The first kilobyte of each side's encrypted bytes, hellos and certificate included, as a digest in both captures.",
    ],
    usually: ["TLS inspection of a firewall or mail gateway; anti-virus with a CA of its own."],
    confirm: ["openssl s_client -starttls smtp from both sides: another certificate or issuer."],
    remedy: ["Exempt mail from TLS inspection, or make the device the MX."],
    deliberate: "Yes.",
    sources: ["RFC 8446 section 5.2", ...SOURCES],
  },
  {
    id: "rewriting/reply-held",
    title: "The path held commands or replies",
    what: [
      "A reply took 100 ms or more longer for the client than for the server. The difference of the two waiting times needs no common clock; how it divides between the command's way and the reply's does, and has the uncertainty named.",
    ],
    evidence: [
      "The same command and reply in both captures, with the time between them on each side; what the handshake shows the way to take is left out.",
      "Not this: what was lost between the two and sent again. One side has seen more copies of it than the other.",
    ],
    usually: ["A firewall or gateway that looks up reputations, scans content, or queues."],
    confirm: [BETWEEN],
    remedy: [
      "Exempt trusted senders from what the device does in the phase named, or give it a faster resolver.",
    ],
    deliberate: "It depends.",
    sources: SOURCES,
  },
  {
    id: "rewriting/segments-resplit",
    title: "Segments were cut at other places",
    what: ["The same bytes arrived in other TCP segments than they were sent in."],
    evidence: [
      "Commands, replies and messages of the same length on both sides, and where segments end in them.",
    ],
    usually: [
      "A proxy; or only the network card of a host that captured, which merges segments (GRO) or shows them before they are cut (TSO).",
    ],
    confirm: ["ethtool -K DEVICE gro off tso off gso off on the hosts that capture, and again."],
    remedy: ["Nothing by itself. Inspection that works packet by packet can stumble over it."],
    deliberate: "No.",
    sources: SOURCES,
  },
];
