import { plural } from "../../spine/format.ts";
import type { Signature } from "../signature.ts";
import { serversText } from "../sum-text.ts";

/** Unrelated servers greet with one name: found across dialogues, see shared-banners.ts. */
export const sharedBanner: Signature = {
  id: "rewriting/shared-banner",
  severity: "warning",
  stage: "across",
  remedy:
    "Ask who redirects port 25 on the way out (the provider, a firewall's transparent proxy); submit mail by 465 or " +
    "587 with TLS and a checked certificate, which cannot be redirected unnoticed.",
  source: "RFC 5321 §4.3.1: the greeting names the server",
  claim(sum) {
    return (
      `${serversText(sum)} in unrelated networks greet with the same name (${sum.variants[0]!.variant}), in ` +
      `${plural(sum.dialogues, "dialogue")}: likely one host answers for all of them.`
    );
  },
  explanation: {
    title: "One banner for unrelated servers",
    what: [
      "Connections to different servers of the internet are all answered by one: a provider or a firewall redirects port 25 to its own mail relay. What the client believes to be the recipient's server is not.",
    ],
    evidence: [
      "The same greeting, dates and ids aside, from servers in at least three networks (the first 16 bits of an IPv4 address, 32 of an IPv6 one).",
      "Not this: large services that have one name in many networks (mx.google.com), hosts that call themselves localhost.",
    ],
    usually: [
      "Providers that intercept port 25; hotel and guest networks; transparent mail proxies of firewalls.",
    ],
    confirm: [
      "Connect to an address where no mail server is: does the same host answer?",
      "Compare the certificate behind STARTTLS with one seen from another network.",
    ],
    remedy: ["Use the provider's relay openly (smarthost), or submission with TLS past it."],
    deliberate: "Yes: against spam from its customers, or to read mail.",
    sources: ["RFC 5321 §4.3.1"],
  },
};
