/**
 * Messages: plain, plausible, of a wanted size, and about nobody.
 */
const SENTENCES = [
  "The delivery for the week is complete and was checked in.",
  "Please find the numbers of the last month below.",
  "The meeting moves to Thursday, same room, same time.",
  "All three pallets arrived, one of them without papers.",
  "Nothing else changed since the last report.",
  "Kindly confirm that this message has reached you.",
];

/** RFC 5322 text with CRLF line ends and without the final dot. */
export function makeMessage({ from, to, subject = "Weekly report", size = 600, id = "1" }) {
  const head = [
    `Date: ${new Date().toUTCString().replace("GMT", "+0000")}`,
    `From: <${from}>`,
    `To: ${to.map((address) => `<${address}>`).join(", ")}`,
    `Subject: ${subject}`,
    `Message-ID: <${Date.now().toString(36)}.${id}@${from.split("@")[1]}>`,
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=us-ascii",
    "",
    "",
  ].join("\r\n");
  let body = "";
  for (let line = 0; head.length + body.length < size || line === 0; line++) {
    body += `${SENTENCES[line % SENTENCES.length]}\r\n`;
  }
  return head + body;
}
