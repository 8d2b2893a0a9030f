/**
 * A tarpit such as OpenBSD's spamd: every reply one character at a time, greylisted in the end.
 * `node stutter.mjs {"port": 25, "msPerCharacter": 1000}`
 */
import net from "node:net";

const { port, msPerCharacter } = JSON.parse(process.argv[2]);
const REPLIES = {
  EHLO: "250 Hello",
  HELO: "250 Hello",
  MAIL: "250 Noted",
  RCPT: "250 Noted",
  DATA: "354 Go on",
  ".": "451 Busy",
  QUIT: "221 Bye",
};

net
  .createServer({ noDelay: true }, (socket) => {
    let pending = "";
    let inContent = false;
    let turn = Promise.resolve();
    const say = (text) => {
      turn = turn.then(() => stutter(socket, `${text}\r\n`));
    };
    socket.setEncoding("latin1");
    socket.on("error", () => socket.destroy());
    say("220 mx ESMTP");
    socket.on("data", (text) => {
      pending += text;
      const lines = pending.split("\r\n");
      pending = lines.pop();
      for (const line of lines) {
        if (inContent && line !== ".") continue;
        const verb = line.slice(0, 4).toUpperCase();
        inContent = !inContent && verb === "DATA";
        say(REPLIES[verb] ?? "500 What");
        if (verb === "QUIT") turn = turn.then(() => socket.end());
      }
    });
  })
  .listen(port, () => console.log("ready"));

async function stutter(socket, text) {
  for (const character of text) {
    if (!socket.writable) return;
    socket.write(character);
    await new Promise((resolve) => setTimeout(resolve, msPerCharacter));
  }
}
