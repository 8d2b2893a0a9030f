/**
 * Policy: starts the policy service beside a Postfix and says how Postfix asks it.
 */
const PORT = 10031;

/** @param rules  as policy-service.mjs documents them */
export async function startPolicy(lab, rules) {
  await lab.startNode("server", "servers/policy-service.mjs", { port: PORT, rules });
  return `check_policy_service inet:127.0.0.1:${PORT}`;
}
