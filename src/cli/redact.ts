/**
 * Masks the local part of mail addresses in text that is shown: `<alice@example.net>` becomes
 * `<***@example.net>`. Domains stay, for they are what an administrator debugs.
 */
export function redactAddresses(text: string): string {
  return text.replace(LOCAL_PART, "***$1");
}

// A quoted local part, or anything that is no delimiter, before an @ and something of a domain.
const LOCAL_PART = /(?:"(?:[^"\\]|\\.){0,64}"|[^\s<>@:;,()[\]"=]{1,320})(@[^\s<>@])/g;
