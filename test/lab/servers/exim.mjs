/**
 * Exim: a real one, from the package unpacked by the lab.
 *
 * Debian's Exim reads /etc/exim4/exim4.conf only; programs of the lab have an
 * /etc of their own (etc.mjs), so the configuration simply goes there. One
 * role runs Exim in one run: the /etc is shared.
 */
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const EXIM_UID = 903; // etc.mjs

/**
 * A sending Exim: takes messages from the command line, keeps them queued
 * until `flush`, and hands all of them to one smart host, so that several
 * mails share a connection.
 *
 * @param options.smartHost  address of the server that gets everything
 * @param options.transport  lines added to the SMTP transport
 */
export function makeEximSender(lab, role, { hostname, smartHost, transport = [] }) {
  const directory = makeSpool(lab);
  writeFileSync(
    lab.path("etc/exim4/exim4.conf"),
    `primary_hostname = ${hostname}
exim_path = ${join(lab.root, "usr/sbin/exim4")}
spool_directory = ${directory}
log_file_path = ${directory}/log/%slog
pid_file_path = ${directory}/exim.pid
queue_only
qualify_domain = ${hostname}
keep_environment =
# "from root by" would name the account that runs the lab.
received_header_text = Received: from \${sender_address_local_part} by $primary_hostname with local \\
  (Exim $version_number) id $message_exim_id; $tod_full
begin routers
smart:
  driver = manualroute
  route_list = * ${smartHost} byname
  self = send
  transport = smtp
begin transports
smtp:
  driver = smtp
${transport.map((line) => `  ${line}\n`).join("")}begin retry
* * F,1h,1m
`,
  );
  const exim = join(lab.root, "usr/sbin/exim4");
  return {
    submit: (sender, recipients, message) =>
      lab.execute(role, [exim, "-odq", "-i", "-f", sender, ...recipients], { input: message }),
    // -qq: first sort the queue by host, then deliver what belongs together.
    flush: () => lab.execute(role, [exim, "-qqf"]),
    log: () => lab.execute(role, ["cat", `${directory}/log/mainlog`]),
  };
}

/**
 * A receiving Exim that takes mail for example.net and throws it away.
 *
 * @param options.settings  of the main section, beyond the lab's: `{rfc1413_hosts: "*"}`
 * @param options.acls      stage → lines ahead of its verdict: `{connect: ["warn delay = 3s"]}`;
 *                          stages are named as in acl_smtp_<stage>
 * @param options.routers   lines ahead of the router that throws everything away
 * @param options.authenticators  lines of that section
 */
export async function startEximServer(
  lab,
  role,
  { settings = {}, acls = {}, routers = [], authenticators = [] } = {},
) {
  const directory = makeSpool(lab);
  const exim = join(lab.root, "usr/sbin/exim4");
  const stages = Object.entries({ rcpt: [], ...acls });
  const main = {
    primary_hostname: "mail.example.net",
    exim_path: exim,
    spool_directory: directory,
    log_file_path: `${directory}/log/%slog`,
    pid_file_path: `${directory}/exim.pid`,
    host_lookup: "!127.0.0.1 : *",
    rfc1413_query_timeout: "0s",
    keep_environment: "",
    ...Object.fromEntries(stages.map(([stage]) => [`acl_smtp_${stage}`, `at_${stage}`])),
    ...settings,
  };
  writeFileSync(
    lab.path("etc/exim4/exim4.conf"),
    `${asLines(Object.entries(main).map(([name, value]) => `${name} = ${value}`))}
begin acl
${stages.map(([stage, lines]) => `at_${stage}:\n${asLines([...lines, ...verdict(stage)])}`).join("")}
begin routers
${asLines(routers)}
throw_away:
  driver = redirect
  data = :blackhole:
  domains = example.net
begin authenticators
${asLines(authenticators)}`,
  );
  const output = lab.outputOf(lab.spawn(role, [exim, "-bdf"]));
  await lab
    .waitForPort(role, 25)
    .catch((error) => Promise.reject(new Error(`${error.message}\n${output()}`)));
}

function verdict(stage) {
  return stage === "rcpt"
    ? ["accept domains = example.net", "deny message = relay not permitted"]
    : ["accept"];
}

function asLines(lines) {
  return lines.map((line) => `${line}\n`).join("");
}

function makeSpool(lab) {
  const directory = lab.path("exim");
  for (const name of [".", "db", "input", "log", "msglog"]) {
    const path = join(directory, name);
    mkdirSync(path, { recursive: true });
    chownSync(path, EXIM_UID, EXIM_UID);
    chmodSync(path, 0o750);
  }
  return directory;
}
