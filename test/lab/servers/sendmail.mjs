/**
 * Sendmail: a real one, from the package unpacked by the lab. It takes mail for example.net and
 * only queues it. Its configuration is made by m4, as an administrator would.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../commands.mjs";

/** The lab shares its machine: a high load average must not make Sendmail refuse or queue. */
const NEVER_BY_LOAD = ["confREFUSE_LA", "confQUEUE_LA", "confDELAY_LA"].map((name) => [name, "9999"]);

/**
 * @param options.define    m4 definitions beyond the lab's: `{confTO_IDENT: "3s"}`
 * @param options.features  lines of the .mc file: "FEATURE(`greet_pause', `2000')"
 */
export async function startSendmail(lab, role, { define = {}, features = [] } = {}) {
  const directory = lab.path("sendmail");
  mkdirSync(join(directory, "queue"), { recursive: true, mode: 0o700 });
  const definitions = {
    confDOMAIN_NAME: "mail.example.net",
    confPID_FILE: `${directory}/pid`,
    QUEUE_DIR: `${directory}/queue`,
    STATUS_FILE: `${directory}/statistics`,
    HELP_FILE: `${directory}/help`,
    ALIAS_FILE: "",
    confDELIVERY_MODE: "q",
    confTO_IDENT: "0s",
    ...Object.fromEntries(NEVER_BY_LOAD),
    ...define,
  };
  const quoted = Object.entries(definitions).map(([name, value]) => `define(\`${name}', \`${value}')dnl\n`);
  const source = `divert(0)dnl
VERSIONID(\`lab')dnl
OSTYPE(\`linux')dnl
${quoted.join("")}DAEMON_OPTIONS(\`Family=inet, Name=MTA')dnl
${features.map((line) => `${line}dnl\n`).join("")}LOCAL_CONFIG
CRexample.net
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`;
  const configuration = join(lab.root, "usr/share/sendmail/cf");
  const m4 = join(lab.root, "usr/bin/m4");
  const made = run(m4, [`-D_CF_DIR_=${configuration}/`, join(configuration, "m4/cf.m4"), "-"], {
    input: source,
  });
  const file = join(directory, "sendmail.cf");
  writeFileSync(file, made);
  const program = join(lab.root, "usr/libexec/sendmail/sendmail");
  const output = lab.outputOf(lab.spawn(role, [program, "-bD", "-C", file]));
  await lab
    .waitForPort(role, 25)
    .catch((error) => Promise.reject(new Error(`${error.message}\n${output()}`)));
}
