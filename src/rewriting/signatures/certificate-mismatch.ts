import { plural } from "../../spine/format.ts";
import type { Signature } from "../signature.ts";
import { serversText } from "../sum-text.ts";
import { domainOf, hostIn } from "../view.ts";

/** The certificate is for hosts of other domains than banner and EHLO reply name. */
export const certificateMismatch: Signature = {
  id: "rewriting/certificate-mismatch",
  severity: "info",
  stage: "certified",
  remedy:
    "Compare with the certificate that the server shows on its own host (smtpscope reference localhost:25): if it is " +
    "another, a device on the path looks into TLS. If it is the same, give the server one for its own name.",
  source: "RFC 9525; RFC 7817",
  detect({ banner, hello }, { names, issuer }) {
    const hosts = [hostIn(banner?.lines[0]), hostIn(hello?.lines[0])].filter((host) => host !== null);
    const named = names.filter((name) => name.includes("."));
    if (hosts.length === 0 || named.length === 0) return null;
    const domains = new Set(named.map((name) => domainOf(name.toLowerCase().replace(/^\*\./, "x."))));
    if (hosts.some((host) => domains.has(domainOf(host)))) return null;
    const text = `${hosts[0]}: certificate for ${named.slice(0, 4).join(", ")}, issued by ${issuer}`;
    return { variant: text, confidence: 0.4, text };
  },
  claim(sum) {
    return (
      `The server names itself one thing and its certificate another, in ${plural(sum.dialogues, "dialogue")} with ` +
      `${serversText(sum)}: ${sum.variants[0]!.variant}.`
    );
  },
  explanation: {
    title: "The certificate names another domain than the server does",
    what: [
      "Greeting, reply to EHLO and certificate all name the server. Where the certificate is for another domain, a device on the path may have put in its own.",
    ],
    evidence: [
      "Up to TLS 1.2: no name in the certificate shares its domain with the banner's or the EHLO reply's host.",
      "Not this: mail hosting under a customer's name, where the certificate is the provider's. It is a hint, not a proof.",
    ],
    usually: [
      "TLS inspection of firewalls and antivirus programs; providers that intercept port 25; mail hosting.",
    ],
    confirm: ["openssl s_client -starttls smtp -connect HOST:25 on the server itself, and from here."],
    remedy: ["Exempt the server from TLS inspection, or give it a certificate for its own name."],
    deliberate: "Where inspection is wanted, yes.",
    sources: ["RFC 9525 (before: RFC 6125)", "RFC 7817"],
  },
};
