import { plural } from "../../spine/format.ts";
import type { Signature } from "../signature.ts";
import { serversText } from "../sum-text.ts";

/** One address, other issuers on other ports: found across dialogues, see certificates.ts. */
export const certificateDiffers: Signature = {
  id: "rewriting/certificate-differs",
  severity: "info",
  stage: "across",
  remedy:
    "Compare with the certificate that the server shows on its own host (smtpscope reference localhost:25). If that of " +
    "port 25 is another, a device on the path looks into TLS there.",
  source: "RFC 3207 §6",
  claim(sum) {
    return (
      `One address shows certificates of different issuers on its ports, in ${plural(sum.dialogues, "dialogue")} with ` +
      `${serversText(sum)}: ${sum.variants.map(({ variant }) => variant).join("; ")}.`
    );
  },
  explanation: {
    title: "Other certificates on other ports",
    what: [
      "A device that looks into TLS shows a certificate of its own. Such devices often look at port 25 and leave 465 and 587 alone, so that one address shows certificates of two issuers.",
    ],
    evidence: [
      "Certificates pass in the clear up to TLS 1.2 and are compared by issuer between the ports of one address. In TLS 1.3 they cannot be seen.",
      "Not this: servers whose ports are given different certificates by their administrator (a self-made one for port 25). It is a hint, not a proof.",
    ],
    usually: [
      "TLS inspection of firewalls (FortiGate, Sophos, Palo Alto), antivirus programs on the client's host.",
    ],
    confirm: ["openssl s_client -starttls smtp -connect HOST:25 on the server itself, and from here."],
    remedy: ["Exempt the server from TLS inspection."],
    deliberate: "Where inspection is wanted, yes.",
    sources: ["RFC 3207 §6"],
  },
};
