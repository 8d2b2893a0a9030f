/**
 * Certificates: self-signed ones for the lab's mail server and for who ends TLS in front of it, made for each run.
 */
import { run } from "../commands.mjs";

/** Answers the main.cf settings that make Postfix use it. */
export function postfixTls(lab) {
  const { key, certificate } = makeCertificate(lab, "server");
  return {
    smtpd_tls_security_level: "may",
    smtpd_tls_key_file: key,
    smtpd_tls_cert_file: certificate,
  };
}

/** Answers the files' paths. */
export function makeCertificate(lab, whose) {
  const [key, certificate] = [lab.path(`${whose}-key.pem`), lab.path(`${whose}-certificate.pem`)];
  run("openssl", [
    ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30".split(" "),
    ..."-subj /CN=mail.example.net -addext subjectAltName=DNS:mail.example.net".split(" "),
    ...["-keyout", key, "-out", certificate],
  ]);
  return { key, certificate };
}
