import { plural } from "../../spine/format.ts";
import type { Signature } from "../signature.ts";
import { sightingOf } from "../stack.ts";
import { serversText } from "../sum-text.ts";
import { optionsChange } from "../tcp-options.ts";

/** Client and server do not go by the same TCP options: one of them was told something else. */
export const tcpOptionsChanged: Signature = {
  id: "rewriting/tcp-options-changed",
  severity: "info",
  stage: "end",
  remedy:
    "Find the device: capture closer to the other side until SYN and SYN-ACK have other options. Switch its TCP " +
    "normalisation off for mail (Cisco ASA `tcp-map`: `tcp-options window-scale allow`, `selective-ack`, `timestamp`).",
  source: "RFC 7323 §2.2, §3.2; RFC 2018 §2; RFC 9293 §3.8.6",
  detect(packets) {
    return sightingOf(optionsChange(packets));
  },
  claim(sum) {
    return (
      `Handshake and packets disagree about TCP options in ${plural(sum.dialogues, "dialogue")} of those looked at, ` +
      `with ${serversText(sum)}: ${sum.variants[0]!.variant.replace(/\bN\b/g, "…")}; likely something between changed them.`
    );
  },
  explanation: {
    title: "TCP options were changed on the way",
    what: [
      "Options that both SYNs have are in force for the whole connection. Where a packet does not go by them, its sender saw another SYN than the one that was captured: a device took options out, put them in, or answered the SYN itself.",
      "Mail still flows, but may be slow: without the right window scale a sender waits for room that there is, and SACK blocks in numbers that the peer does not know make it send everything again after a loss.",
    ],
    evidence: [
      "The SYN-ACK agrees to window scale or timestamps, which the SYN does not offer (RFC 7323 §2.2, §3.2).",
      "Both SYNs have timestamps, and the client's data has none; or its data has them, and its SYN not (RFC 7323 §3.2: all segments have them, once agreed).",
      "SACK blocks that the peer's SYN does not permit (RFC 2018 §2), or of sequence numbers that the peer never used: the device changed the sequence numbers and left the blocks as they were.",
      "A side's window is far smaller in its first packet than in its SYN, as if it were scaled, or as large as an unscaled one although both agreed to scale by 16 or more. No host takes back a window that it promised (RFC 9293 §3.8.6).",
      "Not looked at, because honest paths show it: segments larger or smaller than the MSS (network cards join them, DSL and VPN routers clamp it), SYN-ACKs that differ between connections (load balancers, SYN cookies).",
      "The first eight connections to each server are looked at, then every 64th; headers that were not captured whole are left out.",
    ],
    usually: [
      "Firewalls that normalise TCP or choose new sequence numbers (Cisco PIX, ASA and FWSM), SYN proxies, satellite and WAN accelerators.",
    ],
    confirm: [
      "Capture on both sides of the suspect and compare the options of SYN and SYN-ACK in Wireshark.",
    ],
    remedy: [
      "ASA: tcp-map NAME, tcp-options window-scale allow (and selective-ack, timestamp); where SACK blocks are wrong, set connection random-sequence-number disable.",
    ],
    deliberate: "Often a default of the device; it has nothing to do with mail.",
    sources: ["RFC 7323 §2.2 and §3.2", "RFC 2018 §2", "RFC 9293 §3.8.6"],
  },
};
