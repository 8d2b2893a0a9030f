import { plural } from "../../spine/format.ts";
import type { Signature } from "../signature.ts";
import { serversText } from "../sum-text.ts";

/** A verb, or a whole line, of one letter, as a firewall leaves it. */
const OVERWRITTEN = /^(?:X{4,}|x{4,}|\*{4,})(?:\s.*)?$/;
/** The same, as a server repeats it in its complaint. */
const REPEATED = /(?:^|[^A-Za-z0-9*-])(X{4,}|x{4,}|\*{4,})(?=$|[^A-Za-z0-9*-])/;

/** A command arrived as X's, or the server complains of one. */
export const commandMasked: Signature = {
  id: "rewriting/command-masked",
  severity: "warning",
  stage: "exchange",
  remedy:
    "Look for a mail inspection between client and server that does not know the command (Cisco ASA/FTD " +
    "`inspect esmtp`, FWSM) and exempt the path from it.",
  source: "Cisco ASA configuration guide, ESMTP inspection; Cisco document 113423",
  detect({ exchange }) {
    const { code, verb } = exchange;
    if (verb === "(connect)" || verb === "(end-of-data)") return null;
    if (code !== null && code < 500) return null;
    const command = exchange.command() ?? "";
    if (OVERWRITTEN.test(command))
      return { variant: command.trim(), confidence: 0.95, text: `command ${command}` };
    const reply = exchange.lines().join(" / ");
    const repeated = REPEATED.exec(reply)?.[1];
    if (repeated === undefined || command.toLowerCase().includes(repeated.toLowerCase().slice(0, 4)))
      return null;
    return { variant: `${verb} → ${repeated}`, confidence: 0.9, text: `${command} → ${reply}` };
  },
  claim(sum) {
    const { variant } = sum.variants[0]!;
    const how = variant.includes(" → ")
      ? `the server complained of a command that the client had not said (${variant})`
      : `a command arrived as ${variant}`;
    return `In ${plural(sum.dialogues, "dialogue")} with ${serversText(sum)} ${how}: likely a device overwrote it.`;
  },
  explanation: {
    title: "Commands were overwritten",
    what: [
      "A firewall replaces commands that it does not know by X's of the same length and sends them on; the server refuses them with 500 or 502. To the client it looks as if the server did not know STARTTLS, BDAT, or a command typed letter by letter.",
    ],
    evidence: [
      "At the server: a line of four or more X's (x, *). At the client: a complaint that repeats X's which the client did not send.",
      "Not this: XCLIENT, XFORWARD, XEXCH50 and other commands that begin with X.",
    ],
    usually: ["Cisco ASA, FTD, FWSM, IOS (inspect esmtp), PIX 6 and later."],
    confirm: ["Capture on both sides of the firewall: smtpscope diff INSIDE OUTSIDE."],
    remedy: [
      "ASA/FTD: allow-tls for STARTTLS; else take the server out of the inspection (class-map, service-policy).",
      "Interactive tests: send the line in one segment (a terminal in line mode, not one character a packet).",
    ],
    deliberate: "The device's protection against commands it does not know.",
    sources: ["Cisco ASA CLI configuration guide, inspection of mail protocols", "Cisco document 113423"],
  },
};
