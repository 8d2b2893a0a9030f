/**
 * DNS records every scenario starts from: each host has a name, each name leads back.
 */
import { expandIpv6 } from "./dns-message.mjs";

/** Host name → address. */
export const NAMES = {
  "mail.example.net": "192.0.2.25",
  "out1.example.org": "198.51.100.66",
  "out2.example.org": "198.51.100.70",
  "lists.example.org": "198.51.100.130",
  "shop.example.org": "198.51.100.200",
  "mta1.branch.example.org": "198.51.100.2",
  "mta2.branch.example.org": "198.51.100.3",
  "scanner.branch.example.org": "198.51.100.5",
  "erp.branch.example.org": "198.51.100.9",
};

const NAMES_V6 = {
  "mail.example.net": "2001:db8:25::25",
  "out6.example.org": "2001:db8:51::66",
};

/** Domains that senders and recipients use. */
const MAIL_DOMAINS = {
  "example.net": "mail.example.net",
  "example.org": "out1.example.org",
  "lists.example.org": "lists.example.org",
  "shop.example.org": "shop.example.org",
  "branch.example.org": "mta1.branch.example.org",
};

export function baseRecords() {
  return [
    ...Object.entries(NAMES).flatMap(([name, address]) => pair(name, "A", address)),
    ...Object.entries(NAMES_V6).flatMap(([name, address]) => pair(name, "AAAA", address)),
    ...Object.entries(MAIL_DOMAINS).map(([name, host]) => ({ name, type: "MX", data: `10 ${host}` })),
    // RFC 5782 section 5: every DNSBL lists 127.0.0.2, so that it can be tested.
    { name: "2.0.0.127.dnsbl.test", type: "A", data: "127.0.0.2" },
    { name: "2.0.0.127.dnsbl.test", type: "TXT", data: "Test entry" },
  ];
}

function pair(name, type, address) {
  return [
    { name, type, data: address },
    { name: reverseName(address), type: "PTR", data: name },
  ];
}

export function reverseName(address) {
  if (!address.includes(":")) return `${address.split(".").reverse().join(".")}.in-addr.arpa`;
  return `${[...expandIpv6(address).join("")].reverse().join(".")}.ip6.arpa`;
}
