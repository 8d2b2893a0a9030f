import type { Exchange } from "../spine/exchange.ts";
import type { PacketTable } from "../spine/packets.ts";
import { AUTH, CONNECT, NOOP, OTHER, STARTTLS } from "../spine/phase.ts";
import type { Certificate, Reference } from "../spine/reference.ts";
import { againstCertificates, againstReferences, type Proven } from "./reference/against.ts";
import { sampleOf } from "./reference/pattern.ts";
import type { Path, RewritingId, Sighting, Signature } from "./signature.ts";
import { SIGNATURES } from "./signatures/index.ts";
import type { Heard, Moment, Reply } from "./view.ts";

/** Asks the signatures that look at one stage of a dialogue, and the references. */

export interface Found {
  readonly signature: Signature;
  readonly basis: "seen" | "likely";
  readonly sighting: Sighting;
}

type Of<Stage extends Signature["stage"]> = Extract<Signature, { stage: Stage }>;

function at<Stage extends Signature["stage"]>(stage: Stage): readonly Of<Stage>[] {
  return SIGNATURES.filter((signature): signature is Of<Stage> => signature.stage === stage);
}

const AT_BANNER = at("banner");
const AT_HELLO = at("hello");
const AT_EXCHANGE = at("exchange");
const AT_END = at("end");
const AT_CERTIFICATE = at("certified");
const BY_ID: ReadonlyMap<RewritingId, Signature> = new Map(SIGNATURES.map((each) => [each.id, each]));

function ask<S extends Signature>(
  signatures: readonly S[],
  detect: (signature: S) => Sighting | null,
): Found[] {
  const found: Found[] = [];
  for (const signature of signatures) {
    const sighting = detect(signature);
    if (sighting !== null) found.push({ signature, sighting, basis: "likely" });
  }
  return found;
}

function proved({ id, sighting }: Proven): Found {
  return { signature: BY_ID.get(id)!, sighting, basis: "seen" };
}

export function inBeginning(
  heard: Heard,
  stage: "banner" | "hello",
  references: readonly Reference[],
): Found[] {
  const reply = stage === "banner" ? heard.banner : heard.hello;
  const command = stage === "banner" ? "(connect)" : (reply?.verb ?? "");
  const seen = reply === null ? [] : inReply(command, reply, references);
  const likely = ask<Of<"banner"> | Of<"hello">>(stage === "banner" ? AT_BANNER : AT_HELLO, (signature) =>
    signature.detect(heard),
  );
  // What has been seen need not be guessed.
  return [
    ...seen,
    ...likely.filter(({ signature }) => !seen.some((other) => other.signature.id === signature.id)),
  ];
}

/** A reply with another code is an answer to something else: busy, out of order, not allowed. */
export function inReply(command: string, reply: Reply, references: readonly Reference[]): Found[] {
  if (references.length === 0) return [];
  const own = references.filter(({ replies, bannerPattern }) => {
    const first = replies[command]?.[0];
    if (first === undefined) return command === "(connect)" && bannerPattern !== null && reply.code === 220;
    return sampleOf(first).startsWith(String(reply.code));
  });
  return againstReferences(own, command, reply).map(proved);
}

/** Refused, never answered, no command of SMTP, NOOP or answered like it: what a rewritten command comes to. */
export function isOdd(exchange: Exchange): boolean {
  const { code, phaseIndex } = exchange;
  if (code === null) return phaseIndex !== CONNECT && exchange.taint === "unanswered";
  if (code >= 500 || phaseIndex === OTHER || phaseIndex === NOOP) return true;
  return code === 250 && (phaseIndex === STARTTLS || phaseIndex === AUTH);
}

export function inExchange(moment: Moment): Found[] {
  return ask(AT_EXCHANGE, (signature) => signature.detect(moment));
}

export function inPackets(packets: PacketTable, path: Path): Found[] {
  return ask(AT_END, (signature) => signature.detect(packets, path));
}

export function inCertificate(
  heard: Heard,
  certificate: Certificate,
  references: readonly Reference[],
): Found[] {
  const likely = ask(AT_CERTIFICATE, (signature) => signature.detect(heard, certificate));
  const replaced = againstCertificates(references, certificate);
  return replaced === null ? likely : [...likely, proved(replaced)];
}
