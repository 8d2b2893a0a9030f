import { connect, createServer, type Server } from "node:net";
import type { Relay } from "./relay.ts";

/**
 * A Unix socket on which others may watch a running relay, from now on. They are links like the
 * observer's: one that does not read misses observations, and nobody else notices.
 */
export async function offerObservations(relay: Relay, path: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    const link = relay.addLink(socket);
    if (link === null) {
      socket.destroy();
      return;
    }
    // Nothing is asked of it, but its end must be noticed.
    socket.resume();
    socket.on("close", () => link.close());
  });
  // Watching is for whoever runs the proxy: the dialogue's text is in it.
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
  } finally {
    process.umask(before);
  }
  server.on("error", () => {});
  return server;
}

/** Whether somebody takes connections there: a socket whose maker was killed is left behind, and refuses them. */
export function isOffered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    }).on("error", () => resolve(false));
  });
}
