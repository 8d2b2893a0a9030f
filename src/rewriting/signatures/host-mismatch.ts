import { plural } from "../../spine/format.ts";
import type { Signature } from "../signature.ts";
import { serversText } from "../sum-text.ts";
import { domainOf, hostIn, keywordsOf } from "../view.ts";

/** Domains that are used inside networks only: RFC 6762 §3 and appendix G, RFC 6303. */
const PRIVATE = /\.(?:local|localdomain|lan|internal|intranet|private|corp|home|arpa)$/;

/** Banner and EHLO reply name hosts of different domains. */
export const hostMismatch: Signature = {
  id: "rewriting/host-mismatch",
  severity: "info",
  stage: "hello",
  remedy:
    "Ask who answers: if neither name is a relay of your own or of your provider, something on the path answers in " +
    "place of the server. If both are the server's, set its name in one place (Postfix myhostname).",
  source: "RFC 5321 §4.1.1.1 and §4.3.1: both name the server",
  detect({ banner, hello }) {
    const greets = hostIn(banner?.lines[0]);
    const answers = hostIn(hello?.lines[0]);
    if (greets === null || answers === null || domainOf(greets) === domainOf(answers)) return null;
    // Inside its own network a server has another name, and says it: no hint at all.
    if (PRIVATE.test(greets) || PRIVATE.test(answers)) return null;
    // A HELO's reply is free text; one to EHLO with keywords is a program's.
    if (keywordsOf(hello).length === 0) return null;
    return {
      variant: `${greets} / ${answers}`,
      confidence: 0.5,
      text: `${banner!.lines[0]} / ${hello!.lines[0]}`,
    };
  },
  claim(sum) {
    const [greets, answers] = sum.variants[0]!.variant.split(" / ");
    return (
      `The banner names ${greets!}, the reply to EHLO ${answers!} in ` +
      `${plural(sum.dialogues, "dialogue")} with ${serversText(sum)}: two programs may have answered.`
    );
  },
  explanation: {
    title: "Banner and EHLO reply name different servers",
    what: [
      "The greeting and the reply to EHLO both begin with the server's name. Where they name hosts of different domains, one of them may come from a device on the path that answers or replaces a part of the dialogue.",
    ],
    evidence: [
      "Two fully qualified names whose last two labels differ.",
      "Not this: two names of one domain (load balancers, Exchange), or one of them of a domain for inside use (.local, .lan, .internal …). A server with a banner of its own may legitimately differ: this is a hint, not a proof.",
    ],
    usually: [
      "Transparent proxies of firewalls and providers; Stormshield and Sophos with banner replacement.",
    ],
    confirm: ["Compare with the server's own banner: smtpscope replay --expect-banner."],
    remedy: ["Exempt the path from the proxy, or name the server alike in banner and EHLO reply."],
    deliberate: "Where a relay in front is wanted, yes.",
    sources: ["RFC 5321 §4.1.1.1, §4.3.1"],
  },
};
