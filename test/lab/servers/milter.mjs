/**
 * Milter (the mail filter protocol of Sendmail and Postfix) that only takes its time:
 * `node milter.mjs {"port", "delays": {"connect": 800, "end": 300}, "msPerKb": 4}`.
 *
 * It says "continue" to everything. `delays` are ms before the answer at
 * connect, helo, mail, rcpt, data and end (of the message); `msPerKb` adds to
 * the last by the size of the body.
 */
import net from "node:net";

const STAGES = { C: "connect", H: "helo", M: "mail", R: "rcpt", T: "data", E: "end" };
const VERSION = 6;

const { port, delays = {}, msPerKb = 0 } = JSON.parse(process.argv[2]);

net
  .createServer((socket) => {
    let pending = Buffer.alloc(0);
    let bodyBytes = 0;
    let turn = Promise.resolve();
    socket.on("error", () => socket.destroy());
    socket.on("data", (bytes) => {
      pending = Buffer.concat([pending, bytes]);
      while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32BE(0)) {
        const length = pending.readUInt32BE(0);
        const command = String.fromCharCode(pending[4]);
        const size = length - 1;
        pending = pending.subarray(4 + length);
        if (command === "B") bodyBytes += size;
        const sizeMs = command === "E" ? (msPerKb * bodyBytes) / 1024 : 0;
        if (command === "E" || command === "A") bodyBytes = 0;
        const delayMs = (delays[STAGES[command]] ?? 0) + sizeMs;
        turn = turn.then(() => answer(socket, command, delayMs));
      }
    });
  })
  .listen(port, "127.0.0.1", () => console.log("ready"));

async function answer(socket, command, delayMs) {
  // Macros, abort and quit are not answered.
  if ("DAQK".includes(command)) return;
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
  if (!socket.writable) return;
  socket.write(command === "O" ? packet("O", [VERSION, 0, 0]) : packet("c"));
}

function packet(command, numbers = []) {
  const bytes = Buffer.alloc(5 + 4 * numbers.length);
  bytes.writeUInt32BE(bytes.length - 4, 0);
  bytes.write(command, 4, "latin1");
  for (const [index, number] of numbers.entries()) bytes.writeUInt32BE(number, 5 + 4 * index);
  return bytes;
}
