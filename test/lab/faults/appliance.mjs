/**
 * A Postfix behind an appliance that answers in its place (../servers/appliance.mjs).
 */
const PORT = 2_525;

export const BEHIND = { kind: "postfix", listen: `127.0.0.1:${PORT}` };

/** For `before`. */
export function appliance(config) {
  return (lab) =>
    lab.startNode("server", "servers/appliance.mjs", {
      listen: 25,
      host: "127.0.0.1",
      port: PORT,
      ...config,
    });
}
