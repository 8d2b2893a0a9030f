/**
 * The scenarios, in the order of `--list`.
 *
 * To add one: write a file like healthy.mjs and name it here. A scenario has
 *
 *     name       the command-line name, and the stem of its files
 *     title      one line for --list
 *     ship       the side whose capture goes into captures/, "client" or "server"; "both" go there as
 *                <name>.inside.pcap (the server's) and <name>.outside.pcap; absent: neither
 *     precision  of the capture's time stamps: "micro" or "nano"
 *     prepare    starts servers, before anything is captured; its answer is for run
 *     run        makes the traffic; what it answers, a list, is printed line by line
 */
import { bdatExim } from "./bdat-exim.mjs";
import { eximSlowForward } from "./exim-slow-forward.mjs";
import { FIREWALLS } from "./firewalls.mjs";
import { healthy } from "./healthy.mjs";
import { lossy } from "./lossy.mjs";
import { noBanner } from "./no-banner.mjs";
import { pipelining } from "./pipelining.mjs";
import { slowPtr } from "./slow-ptr.mjs";
import { starttls } from "./starttls.mjs";

export const SCENARIOS = [
  healthy,
  slowPtr,
  starttls,
  pipelining,
  bdatExim,
  lossy,
  noBanner,
  eximSlowForward,
  ...FIREWALLS,
];
