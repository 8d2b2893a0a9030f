import type { Signature } from "../signature.ts";

/** What only a comparison with the server's own words shows; their pages are those of `smtpscope diff`. */

const DEVICE =
  "Look for SMTP inspection, an antivirus program or a mail proxy between the point of capture and the server, and " +
  "compare behind each of them. If the server itself was changed, take the reference anew.";

function compared(name: string, severity: Signature["severity"], source: string): Signature {
  return { id: `rewriting/${name}`, stage: "compared", severity, remedy: DEVICE, source };
}

export const COMPARED: readonly Signature[] = [
  compared("starttls-removed", "critical", "RFC 3207 §6"),
  compared("tls-replaced", "critical", "the server's own certificate"),
  compared("keyword-removed", "warning", "RFC 5321 §4.1.1.1"),
  compared("keyword-changed", "info", "RFC 5321 §4.1.1.1"),
  compared("banner-changed", "info", "the server's own banner"),
  compared("reply-changed", "warning", "the server's own reply"),
];
