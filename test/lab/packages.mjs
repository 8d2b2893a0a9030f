/**
 * Packages: where the real mail servers come from.
 *
 * Debian lets only one mail server be installed at a time, and installing one
 * starts it. So the lab downloads the packages, verified by apt, and unpacks
 * them into its own temporary directory: all servers side by side, the host
 * unchanged. The archives stay in a cache for the next run.
 */
import { mkdirSync, readdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isInstalled, run } from "./commands.mjs";

/** Program → Debian package, all found on the host. */
const TOOLS = {
  ip: "iproute2",
  nft: "nftables",
  tcpdump: "tcpdump",
  ethtool: "ethtool",
  openssl: "openssl",
  "apt-get": "apt",
};

const SERVERS = ["postfix", "exim4-base", "exim4-daemon-heavy", "sendmail-bin"];
/** Servers that are in the lab only as parts of another. */
const PARTS = ["exim4-base"];

/** What the servers need beyond a minimal Debian 12. */
const NEEDS = [
  "libdb5.3",
  "libevent-2.1-7",
  "libgnutls-dane0",
  "libgnutls30",
  "libicu72",
  "libidn12",
  "libidn2-0",
  "libldap-2.5-0",
  "liblockfile1",
  "libmariadb3",
  "libnsl2",
  "libpcre2-8-0",
  "libperl5.36",
  "libpq5",
  "libsasl2-2",
  "libspf2-2",
  "libsqlite3-0",
  "libtirpc3",
  "libunbound8",
  "libwrap0",
  "m4",
  "sendmail-cf",
];

/** Answers what keeps the lab from running here, or nothing. */
export function whatIsMissing() {
  if (process.platform !== "linux") return "the lab needs Linux network namespaces";
  if (process.getuid?.() !== 0) return "the lab needs root (network namespaces)";
  const missing = Object.keys(TOOLS).filter((tool) => !isInstalled(tool));
  if (missing.length > 0) {
    return `the lab needs: apt-get install -y ${missing.map((tool) => TOOLS[tool]).join(" ")}`;
  }
  // Root inside a container is often not allowed to make namespaces.
  const probe = `smtplab-${process.pid}-probe`;
  try {
    run("ip", ["netns", "add", probe]);
    run("ip", ["netns", "del", probe]);
  } catch (error) {
    return `the lab may not make network namespaces here: ${error.message}`;
  }
  return undefined;
}

/** Downloads the packages that the cache doesn't hold; answers the cache's path. */
export function fetchPackages() {
  const cache = process.env.SMTPSCOPE_LAB_CACHE ?? join(tmpdir(), "smtpscope-lab-packages");
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  // What is unpacked from here runs as root, so nobody else may write here.
  const { uid, mode } = statSync(cache);
  if (uid !== 0 || (mode & 0o022) !== 0) throw new Error(`${cache} must belong to root alone`);
  const held = readdirSync(cache);
  const wanted = [...SERVERS, ...NEEDS].filter((name) => !held.some((file) => file.startsWith(`${name}_`)));
  if (wanted.length > 0) {
    run("apt-get", ["-q", "-o", "APT::Sandbox::User=root", "download", ...wanted], { cwd: cache });
  }
  return cache;
}

export function unpackPackages(cache, root) {
  mkdirSync(root, { recursive: true, mode: 0o755 });
  const wanted = new Set([...SERVERS, ...NEEDS]);
  for (const file of readdirSync(cache)) {
    // What an earlier lab wanted may still be in the cache, and in the way.
    if (wanted.has(file.split("_", 1)[0]) && file.endsWith(".deb"))
      run("dpkg-deb", ["-x", join(cache, file), root]);
  }
}

/** `exim4-daemon-heavy 4.96-15+deb12u10, postfix 3.7.11-0+deb12u1, …` */
export function serverVersions(cache) {
  return readdirSync(cache)
    .map((file) => file.split("_"))
    .filter(([name]) => !PARTS.includes(name) && SERVERS.includes(name))
    .map(([name, version]) => `${name} ${decodeURIComponent(version)}`)
    .join(", ");
}
