/**
 * Etc: the /etc that programs of the lab see in place of the host's.
 *
 * It decides who answers lookups (only the lab's name server, with the
 * ordinary libc defaults: 5 s, two attempts), which accounts exist, where
 * libraries are found, and it keeps the host's own names out of the captures.
 */
import { chmodSync, cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./commands.mjs";
import { NAME_SERVER } from "./topology.mjs";

const FILES = {
  "resolv.conf": `nameserver ${NAME_SERVER}\n`,
  hosts: "127.0.0.1 localhost\n::1 localhost\n",
  "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n",
  passwd: [
    "root:x:0:0:root:/root:/bin/sh",
    "postfix:x:901:901::/nonexistent:/usr/sbin/nologin",
    "Debian-exim:x:903:903::/nonexistent:/usr/sbin/nologin",
    "mail:x:8:8::/nonexistent:/usr/sbin/nologin",
    "smmsp:x:904:904::/nonexistent:/usr/sbin/nologin",
    "nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin",
    "",
  ].join("\n"),
  group:
    "root:x:0:\nmail:x:8:\npostfix:x:901:\npostdrop:x:902:\nDebian-exim:x:903:\nsmmsp:x:904:\nnogroup:x:65534:\n",
  services: "smtp 25/tcp\ndomain 53/tcp\ndomain 53/udp\nsubmissions 465/tcp\nsubmission 587/tcp\n",
  protocols: "ip 0 IP\nicmp 1 ICMP\ntcp 6 TCP\nudp 17 UDP\nipv6 41 IPv6\n",
};

export function makeEtc(lab) {
  const etc = lab.path("etc");
  mkdirSync(join(etc, "ssl/certs"), { recursive: true });
  mkdirSync(join(etc, "exim4"), { recursive: true });
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(etc, name), text);
  // Debian reaches programs such as `nft` and `awk` through these links.
  for (const name of ["alternatives", "ssl/openssl.cnf"]) {
    if (existsSync(`/etc/${name}`))
      cpSync(`/etc/${name}`, join(etc, name), { recursive: true, verbatimSymlinks: true });
  }
  makeLibraryCache(etc, lab.root);
  chmodSync(etc, 0o755);
}

export function writeResolver(lab, lines) {
  writeFileSync(join(lab.path("etc"), "resolv.conf"), `${lines.join("\n")}\n`);
}

/** Unlike LD_LIBRARY_PATH, the loader's cache works for set-uid Exim too. */
function makeLibraryCache(etc, root) {
  const host = [
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
  ];
  const ours = [...host, "/usr/lib", "/usr/lib/postfix"].map((directory) => root + directory);
  const directories = [...host, "/usr/local/lib", ...ours].filter((directory) => existsSync(directory));
  const conf = join(etc, "ld.so.conf");
  writeFileSync(conf, `${directories.join("\n")}\n`);
  run("/sbin/ldconfig", ["-X", "-f", conf, "-C", join(etc, "ld.so.cache")]);
}
