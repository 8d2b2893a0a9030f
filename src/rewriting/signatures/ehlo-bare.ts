import { plural } from "../../spine/format.ts";
import type { Signature } from "../signature.ts";
import { serversText } from "../sum-text.ts";

/** The answer to NOOP in most servers' words; to EHLO the server's name belongs in front (RFC 5321 §4.1.1.1). */
const BARE_OK = /^250[ ](?:2\.0\.0[ ])?ok\.?$/i;

/** EHLO got what NOOP gets. */
export const ehloBare: Signature = {
  id: "rewriting/ehlo-bare",
  severity: "warning",
  stage: "hello",
  remedy:
    "Look for a Cisco PIX between the point of capture and the server: `no fixup protocol smtp 25`. It turns EHLO " +
    "into NOOP.",
  source: "Microsoft KB 295725; RFC 5321 §4.1.1.1",
  detect({ banner, hello }) {
    if (hello === null || hello.verb !== "EHLO" || hello.lines.length !== 1) return null;
    if (!BARE_OK.test(hello.lines[0]!)) return null;
    const masked = banner?.raw.includes("***") === true;
    return { variant: hello.lines[0]!, confidence: masked ? 0.95 : 0.6, text: `EHLO → ${hello.lines[0]}` };
  },
  claim(sum) {
    return (
      `EHLO was answered by "${sum.variants[0]!.variant}", without the server's name and without ` +
      `keywords, in ${plural(sum.dialogues, "dialogue")} with ${serversText(sum)}: as if it had been NOOP.`
    );
  },
  explanation: {
    title: "EHLO was answered like NOOP",
    what: [
      "A PIX passes seven commands and turns all others into NOOP. The server sees NOOP and says that it is all right; the client takes this for a reply to EHLO that offers nothing: no STARTTLS, no SIZE, no AUTH.",
    ],
    evidence: [
      "The reply to EHLO is one line, 250 OK, without a host name. With a masked banner this is all but certain; alone it may be a very simple server.",
    ],
    usually: ["Cisco PIX, fixup protocol smtp."],
    confirm: ["Capture at the server: EHLO arrives there as NOOP, or as four X's."],
    remedy: ["PIX: no fixup protocol smtp 25."],
    deliberate: "A default of the device from the time before ESMTP.",
    sources: ["Microsoft KB 295725", "RFC 5321 §4.1.1.1"],
  },
};
