/**
 * Postfix: a real one, from the package unpacked by the lab, with everything
 * it reads and writes below the run's temporary directory.
 *
 * As a server it accepts mail for example.net and throws it away (`discard`),
 * so a run is never slowed by deliveries. `master` is started directly: the
 * `postfix start` script would check for an installed copy.
 */
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const POSTFIX_UID = 901; // etc.mjs
const POSTDROP_GID = 902;
const RECIPIENTS = ["info", "sales", "orders", "support", "alice", "bob", "carol", "dave"];
const QUEUES = "active bounce corrupt defer deferred flush hold incoming private saved trace".split(" ");

const MASTER = `
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
`;
const POSTSCREEN = `
smtp      inet  n - n - 1 postscreen
smtpd     pass  - - n - - smtpd
dnsblog   unix  - - n - 0 dnsblog
tlsproxy  unix  - - n - 0 tlsproxy
`;
const SUBMISSIONS = "465 inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n";

/**
 * Writes the configuration and starts the server.
 *
 * @param options.settings     main.cf lines beyond the lab's: `{smtpd_client_restrictions: "…"}`
 * @param options.submissions  also offer implicit TLS on port 465
 * @param options.postscreen   postscreen answers port 25 and hands on who passes
 * @param options.services     further lines of master.cf
 * @param options.listen       where it offers SMTP: "smtp" is port 25 everywhere; null is
 *                             nowhere (a sending Postfix)
 */
export async function startPostfix(lab, role, options = {}) {
  const { settings = {}, submissions = false, postscreen = false, listen = "smtp", services = [] } = options;
  const directory = makeDirectories(lab, role);
  const config = join(directory, "conf");
  const front = postscreen ? POSTSCREEN : listen ? `${listen} inet n - n - - smtpd\n` : "";
  const master = [front + MASTER, ...services, ""].join("\n");
  writeFileSync(join(config, "master.cf"), submissions ? master + SUBMISSIONS : master);
  writeFileSync(join(config, "main.cf"), mainCf({ ...baseSettings(lab, directory), ...settings }));
  writeFileSync(join(config, "recipients"), RECIPIENTS.map((name) => `${name}@example.net OK\n`).join(""));
  const program = join(lab.root, "usr/lib/postfix/sbin/master");
  const output = lab.outputOf(lab.spawn(role, [program, "-d", "-c", config]));
  if (listen)
    await lab
      .waitForPort(role, Number(listen.split(":")[1] ?? 25))
      .catch((error) => Promise.reject(new Error(`${error.message}\n${output()}`)));
  else await lab.settle(500);
  return {
    config,
    submit: (sender, recipients, message) =>
      lab.execute(
        role,
        [join(lab.root, "usr/sbin/sendmail"), "-C", config, "-i", "-f", sender, "-F", "", ...recipients],
        { input: message },
      ),
  };
}

function makeDirectories(lab, role) {
  const directory = lab.path(`postfix-${role}`);
  const make = (name, uid, gid, mode) => {
    const path = join(directory, name);
    mkdirSync(path, { recursive: true });
    chownSync(path, uid, gid);
    chmodSync(path, mode);
  };
  make("conf", 0, 0, 0o755);
  make("data", POSTFIX_UID, 0, 0o700);
  make("queue", 0, 0, 0o755);
  make("queue/pid", 0, 0, 0o755);
  make("queue/maildrop", POSTFIX_UID, POSTDROP_GID, 0o1730);
  make("queue/public", POSTFIX_UID, POSTDROP_GID, 0o2710);
  for (const name of QUEUES) make(`queue/${name}`, POSTFIX_UID, 0, 0o700);
  return directory;
}

function baseSettings(lab, directory) {
  return {
    compatibility_level: "3.6",
    queue_directory: join(directory, "queue"),
    data_directory: join(directory, "data"),
    daemon_directory: join(lab.root, "usr/lib/postfix/sbin"),
    command_directory: join(lab.root, "usr/sbin"),
    maillog_file: join(directory, "log"),
    maillog_file_prefixes: lab.directory,
    myhostname: "mail.example.net",
    mydomain: "example.net",
    mydestination: "",
    mynetworks: "127.0.0.0/8",
    alias_maps: "",
    local_recipient_maps: "",
    relay_domains: "example.net",
    relay_recipient_maps: `texthash:${directory}/conf/recipients`,
    relay_transport: "discard:",
    default_transport: "discard:",
    smtpd_relay_restrictions: "reject_unauth_destination",
    inet_interfaces: "all",
    inet_protocols: "all",
  };
}

function mainCf(settings) {
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join("");
}
