import { plural } from "../../spine/format.ts";
import type { Signature } from "../signature.ts";
import { serversText } from "../sum-text.ts";

/** The message's end was never answered, and its last bytes came in pieces. */
export const endOfDataHeld: Signature = {
  id: "rewriting/end-of-data-held",
  severity: "critical",
  stage: "exchange",
  remedy:
    "Update the PIX (old releases lose a CRLF.CRLF that is cut by a packet's end) or switch off `fixup protocol " +
    "smtp`; in Postfix smtp_pix_workarounds = delay_dotcrlf sends the dot in a packet of its own.",
  source: "Microsoft KB 295725; Postfix smtp_pix_workarounds",
  detect({ exchange, heard }) {
    const { verb, taint, retransmits } = exchange;
    if (verb !== "(end-of-data)" || taint !== "unanswered" || !exchange.endSplit) return null;
    const masked = heard.banner?.raw.includes("***") === true;
    return {
      variant: masked ? "masked banner" : "",
      confidence: masked ? 0.9 : retransmits > 0 ? 0.5 : 0.4,
      text: "CRLF.CRLF came in more than one packet and was never answered",
      frame: exchange.askedLastFrame,
    };
  },
  claim(sum) {
    const masked = sum.variants.some(({ variant }) => variant !== "");
    return (
      `The end of a message, cut by a packet's end, was never answered in ${plural(sum.dialogues, "dialogue")} ` +
      `with ${serversText(sum)}${masked ? ", whose banner is masked" : ""}: likely a device withheld it, as old PIXes do; the server ` +
      "waits, and the client sends the message again later."
    );
  },
  explanation: {
    title: "The final dot did not arrive",
    what: [
      "Old releases of the PIX lose the end of a message when CRLF.CRLF is spread over two packets. The server waits for it, the client waits for the reply; it gives up after ten minutes and sends the message again: recipients get it twice, or never.",
    ],
    evidence: [
      "The five bytes of the message's end lie in more than one packet, and no reply came. With a masked banner this is likely; without one the server may simply have been slow.",
    ],
    usually: ["Cisco PIX before 5.2(4) and 6.0(1)."],
    confirm: ["Capture on both sides: smtpscope diff INSIDE OUTSIDE shows which bytes did not pass."],
    remedy: ["no fixup protocol smtp 25, or a newer release; Postfix: smtp_pix_workarounds = delay_dotcrlf."],
    deliberate: "No, a defect.",
    sources: ["Microsoft KB 295725", "Postfix smtp_pix_workarounds, smtp_pix_workaround_delay_time"],
  },
};
