import type { Cause } from "../cause.ts";
import { silence } from "./silence.ts";
/** The reply to AUTH is late. */
export const auth: Cause = {
  id: "cause/auth",
  deliberate: false,
  severity: "warning",
  noun: "slow authentication",
  weigh(bundle, pattern) {
    const score = silence(bundle, pattern, { auth: 0.75 });
    return score === null ? null : { score, why: "the server was silent after the credentials" };
  },
  remedy:
    "Time the authentication backend (LDAP, SASL, PAM) and look whether wrong passwords are delayed on purpose.",
  source: "RFC 4954",
  explanation: {
    title: "The reply to AUTH is late",
    what: ["The server checks credentials with another service, or delays wrong ones on purpose."],
    evidence: ["Only AUTH is late. If only refused attempts are, it is a brake on guessing."],
    usually: [
      "saslauthd with LDAP or PAM (pam_faildelay: 2 s after a failure), Dovecot (auth_failure_delay, 2 s), bcrypt with a high cost.",
    ],
    confirm: ["Authenticate against the backend directly, timed."],
    remedy: ["Cache credentials (saslauthd -c, Dovecot auth_cache_size)."],
    deliberate: "After a wrong password usually yes.",
    sources: ["RFC 4954", "Dovecot: auth_failure_delay"],
  },
};
