/**
 * The fault scenarios, in the order of `--list`. To add one: a row in the table of its kind (fault.mjs
 * says what a row has); to add a kind: a file like dns.mjs, named here.
 */
import { DNS_FAULTS } from "./dns.mjs";

export const FAULTS = [...DNS_FAULTS];
