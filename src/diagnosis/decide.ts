/**
 * The one observation that would tell the causes of a class apart. The first row that holds for a class
 * is taken: to add one, put it before those that are more general.
 */
const OBSERVATIONS: readonly { readonly of: readonly string[]; readonly observation: string }[] = [
  {
    of: ["dns-ptr", "dns-forward", "dns-reputation", "dns-sender", "dns-timeout", "dns-loss"],
    observation:
      "a capture on the server with its own DNS traffic (tcpdump 'port 25 or port 53'): a lookup that the reply waited for is in it, or none is",
  },
  {
    of: ["connection-queue", "syn-loss"],
    observation: "nstat -az TcpExtListenOverflows on the server: it rises when the queue is full",
  },
  {
    of: ["firewall", "packet-loss", "network-latency"],
    observation: "a second capture on the server's side of the firewall: it shows when the packet came there",
  },
  {
    of: ["resource-conservation"],
    observation:
      "the server's own state while it happens: Resource Conservation (status detail) above 0, a busy CPU, or neither, which leaves a tarpit",
  },
  {
    of: ["content-scan"],
    observation: "one text sent in several sizes: a scan takes longer for more, a check or a pause doesn't",
  },
  {
    of: ["connection-queue"],
    observation:
      "a single connection while the server is idle: its banner is prompt if the others were queued",
  },
  {
    of: ["greet-pause", "policy", "tarpit"],
    observation:
      "the server's configuration and log at this stage: a pause is set there, a check writes how long it took",
  },
  {
    of: ["client", "unreachable", "zero-window"],
    observation: "the client's log, which says for how long it waits before it gives up or reads on",
  },
];

/** Null for a class of one. */
export function decide(ids: readonly string[]): string | null {
  if (ids.length < 2) return null;
  const names = ids.map((id) => id.slice(id.indexOf("/") + 1));
  const row = OBSERVATIONS.find(({ of }) => names.some((name) => of.includes(name)));
  return row?.observation ?? "a capture at the other end at the same time";
}
