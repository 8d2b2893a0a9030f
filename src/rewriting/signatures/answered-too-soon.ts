import { durationText, plural } from "../../spine/format.ts";
import type { Signature } from "../signature.ts";
import { tooSoon } from "../stack.ts";
import { serversText } from "../sum-text.ts";

const MIN_HANDSHAKES = 3;

/** A reply came sooner than the server's round trip. */
export const answeredTooSoon: Signature = {
  id: "rewriting/answered-too-soon",
  severity: "warning",
  stage: "end",
  remedy:
    "Look for who answers: a mail shield on the client's own host, or a proxy near it. The reply in the frame " +
    "named is not the server's.",
  source: "RFC 7323 §4 (round trips); Bugtraq 2002 on Norton AntiVirus",
  detect(packets, { handshakes, leastHandshakeUs }) {
    // A handshake may be slow for reasons of its own (ARP, a busy firewall): several must have been.
    const soon = handshakes < MIN_HANDSHAKES ? null : tooSoon(packets, leastHandshakeUs);
    if (soon === null) return null;
    const text = `answered after ${durationText(soon.afterUs)}; the round trip is ${durationText(soon.roundTripUs)}`;
    return { variant: "", confidence: 0.8, text, frame: soon.frame };
  },
  claim(sum) {
    return (
      `A reply came sooner than the way to the server and back takes, in ${plural(sum.dialogues, "dialogue")} of ` +
      `those looked at, with ${serversText(sum)}: likely it was given on the way.`
    );
  },
  explanation: {
    title: "A reply came before the server can have heard the question",
    what: [
      "The round trip to the server shows in every exchange of a connection. A reply that comes in a fraction of it was given by something nearer.",
    ],
    evidence: [
      "All handshakes with the server, three at least, and all other round trips in the connection took 5 ms or more; and a reply with data came in less than 30 % of the shortest.",
      "The first eight connections to each server are looked at, then every 64th. Captured at the server the round trip is too short to tell.",
    ],
    usually: ["Antivirus mail shields (Norton answered STARTTLS itself), transparent proxies."],
    confirm: ["Capture at the server: is the command there at all?"],
    remedy: ["Exclude the mail program or the port from the shield."],
    deliberate: "Yes: it is how they keep mail readable.",
    sources: ["RFC 7323 §4", "Bugtraq, 2002"],
  },
};
