import type { Originals } from "../../spine/finding.ts";
import { countText, plural } from "../../spine/format.ts";
import { bannerOriginals } from "../originals/banner.ts";
import type { Signature, Sum } from "../signature.ts";
import { serversText } from "../sum-text.ts";
import type { Heard } from "../view.ts";

/** What a mask leaves of a greeting's line: the code, and stars in which 2 and 0 survive. */
const MASKED_LINE = /^(?:220|2\*0|\*{3})?[ -]?[*20 \t]*$/;
/** Fewer stars are decoration, or nothing. */
const MIN_STARS = 2;

/** The greeting's lines consist of `*`, `2` and `0`. */
export const bannerMasked: Signature = {
  id: "rewriting/banner-masked",
  severity: "warning",
  stage: "banner",
  remedy:
    "On the firewall between the point of capture and the server: Cisco ASA/FTD `policy-map type inspect esmtp`, " +
    "`parameters`, `no mask-banner`; PIX `no fixup protocol smtp 25`.",
  source: "Cisco ASA configuration guide, ESMTP inspection; Postfix smtp_pix_workarounds",
  detect({ banner }: Heard) {
    if (banner === null || !isMasked(banner.lines)) return null;
    const stars = banner.lines.join("").split("*").length - 1;
    const text = banner.lines.join(" / ");
    return { variant: text, confidence: stars >= 8 ? 0.97 : 0.9, text };
  },
  claim(sum) {
    const { variant } = sum.variants[0]!;
    const others = sum.variants.length - 1;
    const likeliest = originalsOf(sum)[0]?.candidates[0];
    return (
      `The banner arrived with its text overwritten by stars in ${plural(sum.dialogues, "dialogue")} with ` +
      `${serversText(sum)}: ${variant}` +
      (others > 0 ? ` (and ${countText(others)} more such banners)` : "") +
      (likeliest === undefined ? "." : `. It most likely was: ${likeliest.text} (${likeliest.inferred}).`)
    );
  },
  originals: originalsOf,
  explanation: {
    title: "The server's banner arrived as stars",
    what: [
      "A device on the path overwrote the text of the 220 greeting: every character became *, except 2, 0 and at times the blank behind a 0. The length is kept.",
      "A client cannot see which server it talks to. Postfix takes such a server for one behind a PIX: it says HELO instead of EHLO, and for mail that has waited 500 s sleeps 10 s before the final dot.",
    ],
    evidence: [
      "All lines of the greeting consist of the code and of *, 2, 0 and blanks, with at least two stars.",
      "The stars keep the length of what they hide, and 2 and 0. The originals that fit are listed, with the host's name where something else tells it: the reply to EHLO or HELO, a PTR, A or AAAA lookup of the server's address that was captured, a reference.",
      "Not this: a greeting of several lines of which only some are decorated with stars; an empty greeting.",
    ],
    usually: [
      "Cisco PIX (fixup protocol smtp), ASA and FTD (inspect esmtp; mask-banner is on by default), FWSM, IOS firewall.",
    ],
    confirm: [
      "Ask the server on its own host: telnet localhost 25. If the banner is whole there, it is changed on the way.",
      "On an ASA: show service-policy inspect esmtp; it counts mask-banner.",
    ],
    remedy: [
      "ASA/FTD: policy-map type inspect esmtp NAME, parameters, no mask-banner (and allow-tls); or leave esmtp out of the inspection.",
      "PIX: no fixup protocol smtp 25.",
    ],
    deliberate:
      "Yes, as a default of the device: it hides the server's make. It protects little and breaks STARTTLS and ESMTP.",
    sources: [
      "Cisco ASA CLI configuration guide, inspection of mail protocols",
      "Postfix smtp_pix_workarounds",
    ],
  },
};

/** Of the commonest banners. */
function originalsOf({ variants }: Sum): Originals[] {
  return variants
    .slice(0, MAX_DECODED)
    .map(({ variant, hosts }) => bannerOriginals(variant.split(" / "), hosts))
    .filter(({ candidates }) => candidates.length > 0);
}

/** Banners whose originals are listed. */
const MAX_DECODED = 4;

/** Every line is masked, and something was there to be masked. */
function isMasked(lines: readonly string[]): boolean {
  const text = lines.join("");
  return text.split("*").length > MIN_STARS && lines.every((line) => MASKED_LINE.test(line));
}
