import { parseNetwork } from "../spine/address.ts";
import type { Evidence } from "../spine/finding.ts";
import type { Certificate } from "../spine/reference.ts";
import { acrossNote, type Note } from "./ledger.ts";

/**
 * The certificates that one address shows on its ports. A device that looks into TLS on port 25 shows its own
 * there, and the server's on the ports that it leaves alone.
 */

/** Addresses remembered; later ones are not looked at. */
const MAX_ADDRESSES = 1_024;
const MAX_CERTIFICATES = 8;

/** One certificate at one port of an address. */
interface Shown {
  readonly server: string;
  readonly port: number;
  readonly issuer: string;
  readonly fingerprint: string;
  readonly evidence: Evidence;
  dialogues: number;
}

/** Plain values, between threads. */
export type CertificatesPart = readonly { readonly address: string; readonly shown: readonly Shown[] }[];

export class Certificates {
  readonly #addresses = new Map<string, Shown[]>();

  note(server: string, port: number, { issuer, fingerprint }: Certificate, evidence: () => Evidence): void {
    const address = parseNetwork(server)?.words.join(".");
    if (address === undefined) return;
    const shown = this.#of(address);
    const known = shown.find((each) => each.port === port && each.fingerprint === fingerprint);
    if (known !== undefined) known.dialogues++;
    else if (shown.length < MAX_CERTIFICATES)
      shown.push({ server, port, issuer, fingerprint, evidence: evidence(), dialogues: 1 });
  }

  #of(address: string): Shown[] {
    const shown = this.#addresses.get(address) ?? [];
    if (this.#addresses.size < MAX_ADDRESSES) this.#addresses.set(address, shown);
    return shown;
  }

  part(): CertificatesPart {
    return [...this.#addresses].map(([address, shown]) => ({ address, shown }));
  }

  add(part: CertificatesPart): void {
    for (const { address, shown } of part) {
      const all = this.#of(address);
      for (const each of shown) {
        const known = all.find(
          ({ port, fingerprint }) => port === each.port && fingerprint === each.fingerprint,
        );
        if (known !== undefined) known.dialogues += each.dialogues;
        else if (all.length < MAX_CERTIFICATES) all.push({ ...each });
      }
    }
  }

  /** A note for each port whose certificate another issuer made than that of another port. */
  notes(): { readonly note: Note; readonly evidence: Evidence; readonly dialogues: number }[] {
    return [...this.#addresses.values()].flatMap((shown) => {
      const differ = shown.filter((one) =>
        shown.some((other) => other.port !== one.port && other.issuer !== one.issuer),
      );
      return differ.map(({ server, port, issuer, evidence, dialogues }) => ({
        note: acrossNote(
          "rewriting/certificate-differs",
          0.4,
          `port ${port}: ${issuer}`,
          server,
          evidence.atUs,
        ),
        evidence,
        dialogues,
      }));
    });
  }
}
