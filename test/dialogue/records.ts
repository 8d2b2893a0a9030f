/** Made-up TLS records, as hex for a playbook: the framing is right, the contents are not. */

const hex = (n: number, digits: number) => n.toString(16).padStart(digits, "0");

export function record(type: number, body: string): string {
  return `${hex(type, 2)}0303${hex(body.length / 2, 4)}${body}`;
}

function message(type: number, body: string): string {
  return `${hex(type, 2)}${hex(body.length / 2, 6)}${body}`;
}

const RANDOM = "ab".repeat(32);

/** `lengthBytes`: with a post-quantum key share a ClientHello needs two segments. */
export function clientHello(lengthBytes = 60): string {
  return record(22, message(1, `0303${RANDOM}${"00".repeat(lengthBytes)}`));
}

export function serverHello(version: "1.2" | "1.3"): string {
  const extensions = version === "1.3" ? "002b00020304" : "ff01000100";
  const body = `0303${RANDOM}20${"cd".repeat(32)}130100${hex(extensions.length / 2, 4)}${extensions}`;
  return message(2, body);
}

/** The rest of a TLS 1.2 server flight, in the same record as its ServerHello or in one of its own. */
export const CERTIFICATE = message(11, "30".repeat(700));
export const HELLO_DONE = message(14, "");
export const KEY_EXCHANGE = record(22, message(16, "04".repeat(33)));
export const CHANGE_CIPHER_SPEC = record(20, "01");
/** An encrypted Finished of TLS 1.2. */
export const FINISHED = record(22, "ee".repeat(40));
export const SESSION_TICKET = record(22, message(4, "dd".repeat(50)));
export const ALERT = record(21, "ee".repeat(26));

export function application(lengthBytes: number): string {
  return record(23, "77".repeat(lengthBytes));
}
/** TLS 1.3: an alert inside a record of application type. */
export const CLOSE_NOTIFY_13 = application(19);
