import { TLS } from "../../spine/phase.ts";
import type { Cause } from "../cause.ts";
import { silence } from "./silence.ts";
/** The TLS handshake is slow. */
export const tls: Cause = {
  id: "cause/tls",
  deliberate: false,
  severity: "warning",
  noun: "slow TLS handshakes",
  weigh(bundle, pattern) {
    const score = silence(bundle, pattern, { tls: 0.75 });
    if (score !== null) return { score, why: "the server was silent within the TLS handshake" };
    if (bundle.stage === TLS && bundle.spent.kind === "silence")
      return { score: 0.5, why: "the greeting is behind the TLS handshake, whose first reply is late" };
    return null;
  },
  remedy:
    "Time openssl s_client against the server; look at its key size, entropy, CPU, and at what it looks up first.",
  source: "RFC 8446; RFC 8314",
  explanation: {
    title: "The TLS handshake is slow",
    what: [
      "STARTTLS or implicit TLS adds a handshake. The server signs (large RSA keys are slow), may fetch things (OCSP, client certificates), or has no CPU.",
    ],
    evidence: [
      "The wait lies between the ClientHello and the server's answer.",
      "With implicit TLS (465) the lookups before the banner delay the handshake's first reply: what looks like slow TLS may be DNS.",
    ],
    usually: ["Small hosts with RSA-4096, exhausted entropy on old kernels, TLS inspection in between."],
    confirm: ["openssl s_client -starttls smtp -connect SERVER:25, timed."],
    remedy: ["ECDSA certificates, session resumption."],
    deliberate: "No.",
    sources: ["RFC 8446", "RFC 8314"],
  },
};
