/**
 * Masks the local part of mail addresses in text that is shown: `<alice@example.net>` becomes
 * `<***@example.net>`. Domains stay, for they are what an administrator debugs. In a command that names
 * a mailbox, a name without a domain is masked as well.
 */
export function redactAddresses(text: string): string {
  const masked = text.replace(LOCAL_PART, "***$1");
  if (!NAMES_MAILBOX.test(text)) return masked;
  return masked.replace(BARE_PATH, "<***>").replace(BARE_NAME, "$1***");
}

// A quoted local part, or anything that is no delimiter, before an @ and something of a domain.
const LOCAL_PART = /(?:"(?:[^"\\]|\\.){0,64}"|[^\s<>@:;,()[\]"=]{1,320})(@[^\s<>@])/g;

const NAMES_MAILBOX = /^(?:mail|rcpt|vrfy|expn|send|soml|saml)\b/i;
const BARE_PATH = /<[^<>@]+>/g;
const BARE_NAME = /^((?:vrfy|expn)\s+|(?:mail\s+from|rcpt\s+to)\s*:\s*)(?![^\s]*@)[^\s<]+/i;
