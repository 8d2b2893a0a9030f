import type { Explanation } from "../../spine/finding.ts";
import type { Cause } from "../cause.ts";
import { auth } from "./auth.ts";
import { client } from "./client.ts";
import { connectionQueue } from "./connection-queue.ts";
import { contentScan } from "./content-scan.ts";
import { cpu } from "./cpu.ts";
import { delayedAck } from "./delayed-ack.ts";
import { dnsForward } from "./dns-forward.ts";
import { dnsLoss } from "./dns-loss.ts";
import { dnsPtr } from "./dns-ptr.ts";
import { dnsReputation } from "./dns-reputation.ts";
import { dnsSender } from "./dns-sender.ts";
import { dnsTimeout } from "./dns-timeout.ts";
import { earlyTalker } from "./early-talker.ts";
import { firewall } from "./firewall.ts";
import { greetPause } from "./greet-pause.ts";
import { greylist } from "./greylist.ts";
import { ident } from "./ident.ts";
import { networkLatency } from "./network-latency.ts";
import { packetLoss } from "./packet-loss.ts";
import { policy } from "./policy.ts";
import { resourceConservation } from "./resource-conservation.ts";
import { synLoss } from "./syn-loss.ts";
import { tarpit } from "./tarpit.ts";
import { tls } from "./tls.ts";
import { unreachable } from "./unreachable.ts";
import { zeroWindow } from "./zero-window.ts";

/**
 * What can be the matter. To add a cause: a file here that exports a `Cause` (`weigh` says how well a
 * bundle of waiting looks like it, `explanation` is its page for `smtpscope explain`), one line below,
 * and in test/diagnosis a capture or a bundle that is it and one that looks alike and is not.
 */
export const CAUSES: readonly Cause[] = [
  dnsPtr,
  dnsForward,
  dnsReputation,
  dnsTimeout,
  dnsLoss,
  dnsSender,
  ident,
  greetPause,
  policy,
  connectionQueue,
  firewall,
  synLoss,
  packetLoss,
  networkLatency,
  delayedAck,
  zeroWindow,
  cpu,
  resourceConservation,
  tarpit,
  contentScan,
  tls,
  auth,
  greylist,
  earlyTalker,
  client,
  unreachable,
];

/** The pages of `smtpscope explain`. */
export const CAUSE_EXPLANATIONS: readonly Explanation[] = CAUSES.map(({ id, explanation }) => ({
  id,
  ...explanation,
}));
