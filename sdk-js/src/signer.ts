import { EventSealError } from "./errors.js";
import { parsePublicKey } from "./keys.js";
import type { CreatedEvent } from "./types.js";

/**
 * Who signs without handing out a key: a wallet, a device, a service. It gets
 * what is signed as well, so that it can show it and hash it for itself.
 */
export interface Signer {
  /** The author's key in any spelling. */
  readonly publicKey: string;
  /**
   * Returns the signature of the 32 bytes of hash (which is not hashed again),
   * SIG_K1_… or SIG_R1_….
   */
  signDigest(hash: string, what: CreatedEvent): string | Promise<string>;
}

/** Asks signer for the signature of c. What it answers is not verified yet. */
export async function signatureOf(c: CreatedEvent, signer: Signer): Promise<string> {
  const { publicKey } = signer;
  if (typeof publicKey !== "string" || typeof signer.signDigest !== "function") {
    throw new EventSealError("invalid_argument", "", "a signer has a publicKey and signDigest");
  }
  if (parsePublicKey(publicKey).text !== parsePublicKey(c.event.author_pubkey).text) {
    throw new EventSealError("key_mismatch", "/author_pubkey", "the signer's key is not the author's");
  }
  const sig: unknown = await signer.signDigest(c.hash, { ...c, hashBytes: c.hashBytes.slice() });
  if (typeof sig !== "string") throw new EventSealError("invalid_signature", "/sig", "the signer did not answer with text");
  return sig;
}
