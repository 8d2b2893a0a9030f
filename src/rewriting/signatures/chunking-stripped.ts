import { plural } from "../../spine/format.ts";
import type { Signature } from "../signature.ts";
import { serversText } from "../sum-text.ts";
import { keywordsOf } from "../view.ts";

/** BINARYMIME cannot be used without CHUNKING, so no server offers it alone. */
export const chunkingStripped: Signature = {
  id: "rewriting/chunking-stripped",
  severity: "warning",
  stage: "hello",
  remedy:
    "Look for a mail inspection between the point of capture and the server (Cisco `inspect esmtp` and its " +
    "`ehlo-reply-parameter others`) and let CHUNKING pass, or switch BINARYMIME off at the server.",
  source: "RFC 3030 §3: BINARYMIME requires CHUNKING",
  detect({ hello }) {
    const names = keywordsOf(hello).map(({ name }) => name);
    if (!names.includes("BINARYMIME") || names.includes("CHUNKING")) return null;
    return { variant: "CHUNKING", confidence: 0.8, text: hello!.lines.join(" / ") };
  },
  claim(sum) {
    return (
      `${serversText(sum)} offered BINARYMIME without the CHUNKING it needs, in ` +
      `${plural(sum.dialogues, "dialogue")}: likely a device on the path took CHUNKING away.`
    );
  },
  explanation: {
    title: "CHUNKING is missing, BINARYMIME is there",
    what: [
      "BINARYMIME can only be sent with BDAT, which CHUNKING announces. A server has both or neither; a device that removes or masks CHUNKING and lets BINARYMIME pass gives itself away.",
    ],
    evidence: ["The reply to EHLO offers BINARYMIME and not CHUNKING."],
    usually: [
      "Cisco ASA and FTD, whose ESMTP inspection does not know CHUNKING; keyword filters of proxies.",
    ],
    confirm: ["Say EHLO on the server's own host and compare."],
    remedy: [
      "Let the keyword pass (ASA: match ehlo-reply-parameter others, no mask). Exchange: Set-ReceiveConnector -BinaryMimeEnabled $false hides BINARYMIME.",
    ],
    deliberate: "A side effect: the device does not know BDAT and cannot inspect it.",
    sources: ["RFC 3030 §3"],
  },
};
