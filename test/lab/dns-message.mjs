/**
 * DNS messages (RFC 1035 section 4): as much as a small authoritative server needs.
 *
 * Names are never compressed when written; a question's name never is when read.
 */
export const TYPES = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, MX: 15, TXT: 16, AAAA: 28 };
export const RCODES = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 };
const TYPE_NAMES = Object.fromEntries(Object.entries(TYPES).map(([name, number]) => [number, name]));
const CLASS_IN = 1;
const QR_AA = 0x8400;
const RD = 0x0100;
const RA = 0x0080;

/** Answers `{id, name, type, question}`; undefined for what isn't a plain question. */
export function readQuery(message) {
  if (message.length < 17 || message.readUInt16BE(4) !== 1 || message[2] & 0x80) return undefined;
  const labels = [];
  let at = 12;
  while (at < message.length && message[at] !== 0) {
    const length = message[at];
    if (length > 63) return undefined;
    labels.push(message.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  if (at + 5 > message.length) return undefined;
  const type = message.readUInt16BE(at + 1);
  return {
    id: message.readUInt16BE(0),
    recursionDesired: (message.readUInt16BE(2) & RD) !== 0,
    name: labels.join(".").toLowerCase(),
    type: TYPE_NAMES[type] ?? `TYPE${type}`,
    question: message.subarray(12, at + 5),
  };
}

/** `records` and `authority` are `{name, type, ttl, data}` with `data` as in a zone file. */
export function writeAnswer(query, rcode, records = [], authority = []) {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(query.id, 0);
  // RA is claimed, as by a resolver: stub resolvers distrust an answer without it.
  header.writeUInt16BE(QR_AA | RA | (query.recursionDesired ? RD : 0) | RCODES[rcode], 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  header.writeUInt16BE(authority.length, 8);
  return Buffer.concat([header, query.question, ...[...records, ...authority].map(writeRecord)]);
}

function writeRecord({ name, type, ttl = 300, data }) {
  const fixed = Buffer.alloc(10);
  const content = writeData(type, data);
  fixed.writeUInt16BE(TYPES[type], 0);
  fixed.writeUInt16BE(CLASS_IN, 2);
  fixed.writeUInt32BE(ttl, 4);
  fixed.writeUInt16BE(content.length, 8);
  return Buffer.concat([writeName(name), fixed, content]);
}

function writeData(type, data) {
  switch (type) {
    case "A":
      return Buffer.from(data.split(".").map(Number));
    case "AAAA":
      return Buffer.from(expandIpv6(data).join(""), "hex");
    case "MX": {
      const [preference, host] = data.split(" ");
      const number = Buffer.alloc(2);
      number.writeUInt16BE(Number(preference));
      return Buffer.concat([number, writeName(host)]);
    }
    case "TXT":
      return Buffer.concat([Buffer.from([data.length]), Buffer.from(data, "latin1")]);
    case "SOA": {
      const [primary, mailbox, ...numbers] = data.split(" ");
      const tail = Buffer.alloc(20);
      for (const [index, number] of numbers.entries()) tail.writeUInt32BE(Number(number), index * 4);
      return Buffer.concat([writeName(primary), writeName(mailbox), tail]);
    }
    default:
      return writeName(data);
  }
}

function writeName(name) {
  const labels = name.split(".").filter(Boolean);
  const parts = labels.map((label) =>
    Buffer.concat([Buffer.from([label.length]), Buffer.from(label, "latin1")]),
  );
  return Buffer.concat([...parts, Buffer.from([0])]);
}

/** "2001:db8::1" → eight groups of four hexadecimal digits. */
export function expandIpv6(address) {
  const [head, tail] = address.split("::");
  const left = head ? head.split(":") : [];
  const right = tail ? tail.split(":") : [];
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  return [...left, ...Array(zeros).fill("0"), ...right].map((group) => group.padStart(4, "0"));
}
