/**
 * Resolver cache on the server's own host: `node dns-cache.mjs '{"upstream": "203.0.113.53"}'`.
 *
 * It listens on the loopback address, so that only what it does not know yet
 * is seen on the wire. What it knows stays known for the whole run.
 */
import dgram from "node:dgram";
import { readQuery } from "./dns-message.mjs";

const { upstream } = JSON.parse(process.argv[2]);
const known = new Map();
const server = dgram.createSocket("udp4");

server.on("message", (bytes, { address, port }) => {
  const query = readQuery(bytes);
  if (!query) return;
  const key = `${query.name} ${query.type}`;
  const give = (answer) => {
    const own = Buffer.from(answer);
    own.writeUInt16BE(query.id, 0);
    server.send(own, port, address);
  };
  if (known.has(key)) return give(known.get(key));
  // A socket, hence a port, for each question, as resolvers do.
  const asking = dgram.createSocket("udp4");
  asking.on("message", (answer) => {
    known.set(key, answer);
    asking.close();
    give(answer);
  });
  asking.send(bytes, 53, upstream);
});

server.bind(53, "127.0.0.1", () => console.log("ready"));
