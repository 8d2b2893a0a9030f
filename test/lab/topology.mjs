/**
 * Topology: who is in the laboratory, with which addresses, and how it is wired.
 *
 *     client ──cli0┐              ┌srv0── server   (Postfix, Exim, Sendmail)
 *                  ├── firewall ──┤
 *                  │              └dns0── dns      (test/lab/dns.mjs)
 *
 * Four network namespaces; the firewall routes between three subnets. The
 * name server hangs off the firewall, so the server's single interface carries
 * its mail and its lookups, and one capture holds cause and effect.
 *
 * Every address is a documentation address (RFC 5737, RFC 3849).
 */
import { run } from "./commands.mjs";

/** Role → the host's end of its cable. The firewall holds the other ends. */
export const HOSTS = {
  client: {
    firewallPort: "cli0",
    mac: "02:00:00:00:01:02",
    gateways: ["198.51.100.254", "2001:db8:51::fe"],
    // 198.51.100.0/28 is the network whose names are slow to look up.
    addresses: [
      "198.51.100.66/24",
      "198.51.100.2/24",
      "198.51.100.3/24",
      "198.51.100.5/24",
      "198.51.100.9/24",
      "198.51.100.70/24",
      "198.51.100.130/24",
      "198.51.100.200/24",
      "2001:db8:51::66/64",
    ],
  },
  server: {
    firewallPort: "srv0",
    mac: "02:00:00:00:02:02",
    gateways: ["192.0.2.254", "2001:db8:25::fe"],
    // .25 answers mail; .26 and .27 exist for closed and silent ports.
    addresses: ["192.0.2.25/24", "192.0.2.26/24", "192.0.2.27/24", "2001:db8:25::25/64"],
  },
  dns: {
    firewallPort: "dns0",
    mac: "02:00:00:00:03:02",
    gateways: ["203.0.113.254", "2001:db8:53::fe"],
    addresses: ["203.0.113.53/24", "2001:db8:53::53/64"],
  },
};

export const ROLES = ["firewall", ...Object.keys(HOSTS)];
export const MAIL_SERVER = "192.0.2.25";
export const MAIL_SERVER_V6 = "2001:db8:25::25";
export const SILENT_SERVER = "192.0.2.26";
export const CLOSED_SERVER = "192.0.2.27";
export const NAME_SERVER = "203.0.113.53";

/** Network namespaces are host-wide names: the process id keeps runs apart. */
export function namespaceOf(role) {
  return `smtplab-${process.pid}-${role}`;
}

export function removeNamespaces() {
  for (const role of ROLES) run("ip", ["netns", "del", namespaceOf(role)], { mayFail: true });
}

export function buildTopology() {
  for (const role of ROLES) {
    run("ip", ["netns", "add", namespaceOf(role)]);
    inside(role, "ip", "link", "set", "lo", "up");
  }
  for (const [role, host] of Object.entries(HOSTS)) connect(role, host);
  for (const family of ["ipv4/ip_forward", "ipv6/conf/all/forwarding"]) {
    inside("firewall", "sh", "-c", `echo 1 > /proc/sys/net/${family}`);
  }
}

function connect(role, host) {
  const port = host.firewallPort;
  // Both ends are born inside their namespaces: the host never sees them.
  inside("firewall", ...words(`ip link add ${port} type veth peer name eth0 netns ${namespaceOf(role)}`));
  inside("firewall", ...words(`ip link set ${port} address ${host.mac.replace(/02$/, "fe")}`));
  inside(role, ...words(`ip link set eth0 address ${host.mac}`));
  for (const gateway of host.gateways) assign("firewall", port, withPrefix(gateway));
  for (const address of host.addresses) assign(role, "eth0", address);
  withoutOffload("firewall", port);
  withoutOffload(role, "eth0");
  inside("firewall", ...words(`ip link set ${port} up`));
  inside(role, ...words("ip link set eth0 up"));
  for (const gateway of host.gateways) inside(role, ...words(`ip route add default via ${gateway}`));
}

/** `nodad`: duplicate detection would leave IPv6 unusable for the first second. */
function assign(role, device, address) {
  const nodad = address.includes(":") ? " nodad" : "";
  inside(role, ...words(`ip address add ${address} dev ${device}${nodad}`));
}

/** Offloads leave 64 KB frames and unfinished checksums in a capture; no wire has those. */
function withoutOffload(role, device) {
  inside(role, ...words(`ethtool -K ${device} tso off gso off gro off tx off rx off`));
}

function withPrefix(address) {
  return address.includes(":") ? `${address}/64` : `${address}/24`;
}

function inside(role, ...command) {
  return run("ip", ["netns", "exec", namespaceOf(role), ...command]);
}

function words(text) {
  return text.split(" ");
}
