import type { PrivacyListener } from "../spine/privacy.ts";
import { Account } from "./account.ts";
import { ByteText } from "./byte-text.ts";
import type { ClientOwner } from "./client-owner.ts";
import { ClientReader } from "./client-reader.ts";
import { Consequences } from "./consequences.ts";
import { Disclosure } from "./disclosure.ts";
import { Encryption } from "./encryption.ts";
import type { ExchangePool } from "./exchange-pool.ts";
import { Flags } from "./flags.ts";
import type { HeldBudget } from "./held.ts";
import { Pairing } from "./pairing.ts";
import { Recognition } from "./recognise.ts";
import { ReplyQueue } from "./reply-queue.ts";
import { ReplyReader } from "./reply-reader.ts";

/** Of a greeting this much is kept. */
const MAX_BANNER_BYTES = 8_192;

/** A desk whose buffers have grown beyond this is not kept for the next dialogue. */
const MAX_SPARE_BYTES = 4_096;

/**
 * What a dialogue works with. The next dialogue takes it over when one is done, so that a connection
 * costs little memory: most of a busy server's connections last a second.
 */
export class Desk {
  readonly account = new Account();
  readonly banner: ByteText;
  readonly flags = new Flags();
  readonly disclosure: Disclosure;
  readonly recognition: Recognition;
  readonly reply: ReplyReader;
  readonly queue: ReplyQueue;
  readonly client: ClientReader;
  readonly encryption: Encryption;
  readonly pairing: Pairing;
  readonly consequences: Consequences;

  constructor(pool: ExchangePool, held: HeldBudget, digests: boolean, privacy: PrivacyListener | null) {
    this.banner = new ByteText(64, MAX_BANNER_BYTES, pool.texts);
    this.reply = new ReplyReader(pool.texts);
    this.disclosure = new Disclosure(privacy);
    this.recognition = new Recognition(this.disclosure);
    this.queue = new ReplyQueue(pool, this.flags);
    this.client = new ClientReader(this.queue, this.flags, held, pool.texts, digests, this.disclosure);
    this.encryption = new Encryption(this.queue, digests);
    this.pairing = new Pairing(this.client, this.queue, this.reply, this.banner);
    this.consequences = new Consequences(this.client, this.queue, this.flags, this.encryption);
  }

  /** Whose desk it is. */
  set owner(owner: ClientOwner) {
    this.client.owner = owner;
  }

  /** It is not used any more. */
  release(): void {
    this.banner.release();
    this.reply.text.release();
    this.client.release();
  }

  /** As new; everything that was said is forgotten. @returns false when it should not be used again */
  clear(): boolean {
    this.account.clear();
    this.banner.clear();
    this.flags.clear();
    this.reply.clear();
    this.queue.clear();
    this.client.clear();
    this.disclosure.transport = null;
    this.recognition.clear();
    this.encryption.clear();
    this.pairing.clear();
    this.consequences.clear();
    return (
      this.banner.bytes.length + this.reply.text.bytes.length + this.client.bufferBytes <= MAX_SPARE_BYTES
    );
  }
}
