/**
 * The fault scenarios, in the order of `--list`. To add one: a row in the table of its kind (fault.mjs
 * says what a row has); to add a kind: a file like dns.mjs, named here.
 */
import { CHECK_FAULTS } from "./checks.mjs";
import { DELIBERATE_FAULTS } from "./deliberate.mjs";
import { DNS_FAULTS } from "./dns.mjs";
import { HARMLESS_LOOKUPS } from "./dns-harmless.mjs";
import { NAME_FAULTS } from "./dns-names.mjs";
import { FIREWALL_FAULTS } from "./firewall.mjs";
import { HEALTHY } from "./healthy.mjs";
import { LATER_FAULTS } from "./later-phases.mjs";
import { LOAD_FAULTS } from "./load.mjs";
import { MIXTURES } from "./mixtures.mjs";
import { NETWORK_FAULTS } from "./network.mjs";

export const FAULTS = [
  ...DNS_FAULTS,
  ...NAME_FAULTS,
  ...HARMLESS_LOOKUPS,
  ...DELIBERATE_FAULTS,
  ...CHECK_FAULTS,
  ...NETWORK_FAULTS,
  ...FIREWALL_FAULTS,
  ...LOAD_FAULTS,
  ...LATER_FAULTS,
  ...MIXTURES,
  ...HEALTHY,
];
